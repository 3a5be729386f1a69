//! Clips for tests: two seconds of a faint tone in a quiet room, in the specification's payload. A pure tone is nothing
//! that a model knows, and a decision on it would be held.

use std::f32::consts::TAU;

use bytes::Bytes;
use domain::{AudioFormat, Clip, DeviceId, Timestamp};

/// 64,044 bytes of WAV, about 85 KB as Base64.
pub fn wav(hertz: f32) -> Vec<u8> {
    // Noise that falls with frequency, as that of rooms does, from a generator that is the same everywhere.
    let (mut state, mut room) = (12_345_u32, 0.0_f32);
    let samples: Vec<f32> = (0..32_000)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            room = 0.97 * room + 0.004 * white;
            room + 0.002 * (TAU * hertz * i as f32 / 16_000.0).sin()
        })
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
