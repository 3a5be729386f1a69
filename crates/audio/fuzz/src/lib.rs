//! What fuzzing and the replay of its corpus check: whatever the bytes are, the result is a clip within its limits or a
//! refusal.

use std::sync::LazyLock;

use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, Clip, ClipLimits, DeviceId, FeatureName, Refusal, Timestamp};

/// Short clips: fuzzing wants many a second.
const LIMITS: ClipLimits = ClipLimits {
    max_bytes: 1 << 16,
    max_seconds: 1.0,
    min_sample_rate: 4_000,
    max_sample_rate: 192_000,
};

static EXTRACTOR: LazyLock<Extractor> = LazyLock::new(|| {
    Extractor::new(FeatureOptions {
        names: FeatureName::ALL.to_vec(),
        ..FeatureOptions::default()
    })
    .expect("valid options")
});

/// Bytes as WAV and as bare samples. Returns whether the WAV is one.
pub fn decode(data: &[u8]) -> bool {
    for format in [AudioFormat::Pcm, AudioFormat::Wav] {
        match audio::decode(data, format, 16_000, &LIMITS) {
            Ok(samples) => {
                // A sample takes a byte at least: nothing is made up. A FLAC may become eight times the limit.
                let most = if data.starts_with(b"fLaC") {
                    8 * LIMITS.max_bytes
                } else {
                    data.len()
                };
                assert!(!samples.mono.is_empty() && samples.mono.len() <= most);
                assert!(samples.mono.iter().all(|sample| sample.is_finite()));
                assert!((LIMITS.min_sample_rate..=LIMITS.max_sample_rate).contains(&samples.rate));
                assert!(samples.mono.len() as f64 <= f64::from(samples.rate) * LIMITS.max_seconds);
                if format == AudioFormat::Wav {
                    return true;
                }
            }
            Err(error) => assert!(!error.refusal().detail.is_empty()),
        }
    }
    false
}

/// A message from its bytes to its features. What does not begin as JSON is a recording, and its message is made here.
/// Returns whether there are features.
pub fn clip(data: &[u8]) -> bool {
    let message = if data.first() == Some(&b'{') {
        data.to_vec()
    } else {
        around(data)
    };
    heard(&message).is_ok()
}

fn around(data: &[u8]) -> Vec<u8> {
    let headed = [&b"RIFF"[..], b"RIFX", b"RF64", b"BW64", b"fLaC"];
    let format = if headed.iter().any(|magic| data.starts_with(magic)) {
        AudioFormat::Wav
    } else {
        AudioFormat::Pcm
    };
    let rate = data
        .get(..2)
        .map_or(16_000, |two| u16::from_le_bytes([two[0], two[1]]));
    mqtt::encode_clip(&Clip {
        device_id: DeviceId::parse("fuzz").expect("a device id"),
        timestamp: Timestamp::from_millis(1_761_307_200_000),
        data: data.to_vec(),
        sample_rate: u32::from(rate),
        duration_s: 0.5,
        format,
    })
}

fn heard(message: &[u8]) -> Result<(), Refusal> {
    let device_id = DeviceId::parse("fuzz").expect("a device id");
    let clip = mqtt::decode_clip(device_id, message, &LIMITS)?.clip;
    let samples =
        audio::decode(&clip.data, clip.format, clip.sample_rate, &LIMITS).map_err(|error| error.refusal())?;
    let features = EXTRACTOR.extract(&samples);
    assert_eq!(features.frames, 1 + features.samples / 512);
    for (name, summary) in &features.summaries {
        let numbers = summary.mean.iter().chain(&summary.std);
        assert!(
            numbers.clone().all(|number| number.is_finite()),
            "{name}: {numbers:?}"
        );
    }
    assert!(features.model_inputs().is_some());
    Ok(())
}
