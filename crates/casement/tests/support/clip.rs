//! Clips for tests: two seconds of a tone, in the specification's payload.

use std::f32::consts::TAU;

use bytes::Bytes;
use domain::{AudioFormat, Clip, DeviceId, Timestamp};

/// 64,044 bytes of WAV, about 85 KB as Base64.
pub fn wav(hertz: f32) -> Vec<u8> {
    let samples: Vec<f32> = (0..32_000)
        .map(|i| 0.3 * (TAU * hertz * i as f32 / 16_000.0).sin())
        .collect();
    audio::wav::encode_pcm16(&samples, 16_000)
}

pub fn payload(device_id: &str, hertz: f32, timestamp: Timestamp) -> Bytes {
    let clip = Clip {
        device_id: DeviceId::parse(device_id).unwrap(),
        timestamp,
        data: wav(hertz),
        sample_rate: 16_000,
        duration_s: 2.0,
        format: AudioFormat::Wav,
    };
    Bytes::from(mqtt::encode_clip(&clip))
}
