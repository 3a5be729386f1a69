//! Clips: what they are is what is stored, whatever their message calls them, and requests carry what the
//! specification knows.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../../audio/tests/flac/encoder.rs"]
#[allow(dead_code)]
mod encoder;
mod support;

use audio::wav::encode_pcm16;
use backend::Acceptance;
use encoder::Stream;
use store::{AudioRow, Row, Table};
use support::{Bench, NOON};

fn tone(count: usize) -> Vec<i16> {
    (0..count)
        .map(|i| ((i as f64 * 0.21).sin() * 9_000.0) as i16)
        .collect()
}

fn wav(samples: &[i16], rate: u32) -> Vec<u8> {
    let scaled: Vec<f32> = samples
        .iter()
        .map(|sample| f32::from(*sample) / 32_768.0)
        .collect();
    encode_pcm16(&scaled, rate)
}

fn payload(recording: &[u8], rest: &str) -> String {
    let data = mqtt::encode_audio_data(recording);
    let time = domain::Timestamp::from_millis(NOON);
    format!(r#"{{"data": "{data}", "timestamp": "{time}", {rest}}}"#)
}

/// Sends a clip and returns its row.
async fn stored(bench: &Bench, device: &str, recording: &[u8], rest: &str) -> AudioRow {
    let accepted = bench
        .send(&format!("sensor/{device}/audio"), &payload(recording, rest))
        .await;
    assert_eq!(accepted, Acceptance::Stored);
    let row = |bench: &Bench| {
        bench.tables.rows().into_iter().find_map(|row| match row {
            Row::Audio(row) if row.device_id == device => Some(row),
            _ => None,
        })
    };
    bench.until("stored", |bench| row(bench).is_some()).await;
    row(bench).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_flac_has_the_features_of_its_wav_and_is_requested_as_a_wav() {
    let bench = Bench::start();
    let samples = tone(32_000);
    let flac = Stream::default().encode(&samples);
    let claim = r#""sample_rate": 16000, "duration": 2.0"#;
    let mut features = Vec::new();
    for (device, recording, format) in [
        ("as-wav", &wav(&samples, 16_000), "wav"),
        ("as-flac", &flac, "flac"),
    ] {
        let row = stored(&bench, device, recording, claim).await;
        assert_eq!((row.format.as_str(), row.sample_rate), (format, 16_000));
        assert_eq!(row.audio_hash, audio::hash(recording).to_string());
        features.push(row.features);
    }
    assert_eq!(features[0], features[1]);
    assert_eq!(bench.tables.errors(), []);
    bench.reading("as-flac", "temperature", 0, 21.5).await;
    bench.reading("as-flac", "humidity", 0, 50.0).await;
    bench
        .until("a request", |bench| !bench.outlet.sent.lock().is_empty())
        .await;
    let request = bench.outlet.sent.lock()[0].clone();
    let sent = mqtt::decode_audio_data(request["audio_data"].as_str().unwrap(), 1 << 20).unwrap();
    assert_eq!(sent, wav(&samples, 16_000));
    assert_eq!(request["audio_metadata"]["format"], serde_json::Value::Null);
    assert_eq!(request["audio_hash"], audio::hash(&flac).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_wav_called_pcm_is_read_as_the_wav_that_it_is() {
    let bench = Bench::start();
    let recording = wav(&tone(16_000), 16_000);
    let row = stored(
        &bench,
        "room-1",
        &recording,
        r#""sample_rate": 16000, "duration": 1.0, "format": "pcm""#,
    )
    .await;
    assert_eq!((row.format.as_str(), row.sample_rate), ("wav", 16_000));
    assert!((row.duration - 1.0).abs() < 1e-9, "the header is no sound");
    assert_eq!(row.mel_db.len(), audio::Spectrum::BANDS);
    assert!(row.spectral_bandwidth > 0.0 && (0.0..=1.0).contains(&row.spectral_flatness));
    assert!(!row.features.contains("bandwidth") && !row.features.contains("mel"));
    assert_eq!(bench.tables.errors(), []);
}

#[tokio::test(start_paused = true)]
async fn what_contradicts_the_recording_is_kept_and_told_once() {
    let bench = Bench::start();
    let words: Vec<i16> = tone(16_000).into_iter().flat_map(|sample| [0, sample]).collect();
    let bare: Vec<u8> = tone(16_000)
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    for (device, recording, rest, seconds, told) in [
        (
            "rate",
            wav(&tone(16_000), 16_000),
            r#""sample_rate": 8000, "duration": 1.0"#,
            1.0,
            "8000 Hz",
        ),
        (
            "words",
            wav(&words, 16_000),
            r#""sample_rate": 16000, "duration": 1.0"#,
            2.0,
            "32-bit words",
        ),
        (
            "bare",
            bare,
            r#""sample_rate": 8000, "duration": 1.0, "format": "pcm""#,
            2.0,
            "half of the true rate",
        ),
    ] {
        let before = bench.tables.errors().len();
        let row = stored(&bench, device, &recording, rest).await;
        assert!((row.duration - seconds).abs() < 1e-9, "{device}");
        let again = bench
            .send(&format!("sensor/{device}/audio"), &payload(&recording, rest))
            .await;
        assert_eq!(again, Acceptance::Duplicate);
        let errors = bench.tables.errors();
        assert_eq!(errors.len(), before + 1, "{device}");
        let (reason, detail) = errors.last().unwrap();
        assert_eq!(reason, "contradiction");
        assert!(detail.contains(told), "{device}: {detail}");
    }
    assert_eq!(bench.tables.count(Table::SensorAudio), 3);
    assert!(bench.metric("contradictions_total") >= 3);
}
