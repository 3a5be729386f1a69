//! What both kinds of test need: clips, requests, models.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
    time::Duration,
};

use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, ClipLimits, DeviceId, InferenceRequest, RequestAudio, Timestamp};
use ml::{Decider, ModelSlot};
use model::Model;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Noon of the specification's examples.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_millis(1_761_307_200_000)
}

pub(crate) fn device(id: &str) -> DeviceId {
    DeviceId::parse(id).expect("a device id")
}

/// A tone as an ESP32 records it: 16 bit, mono, 16 kHz.
pub(crate) fn wav(hertz: f64, seconds: f64) -> Vec<u8> {
    let samples = (seconds * 16_000.0) as u32;
    let mut out = Vec::from(*b"RIFF");
    out.extend((36 + samples * 2).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    out.extend(16_000_u32.to_le_bytes());
    out.extend(32_000_u32.to_le_bytes());
    out.extend(b"\x02\0\x10\0data");
    out.extend((samples * 2).to_le_bytes());
    for i in 0..samples {
        let x = (TAU * hertz * f64::from(i) / 16_000.0).sin();
        out.extend(((x * 8_000.0) as i16).to_le_bytes());
    }
    out
}

/// A request with only the specification's fields.
pub(crate) fn request(clip: Option<&[u8]>) -> InferenceRequest {
    InferenceRequest {
        device_id: device("sensor-001"),
        timestamp: noon(),
        temperature: 25.5,
        humidity: 60.0,
        audio: clip.map(|clip| RequestAudio {
            data_base64: mqtt::encode_audio_data(clip).into(),
            sample_rate: 16_000,
            duration_s: 2.0,
            format: AudioFormat::Wav,
            audio_hash: None,
            features: None,
        }),
        expires_at: None,
        window: None,
    }
}

pub(crate) fn model_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth")
}

/// Another model, without a side-car.
pub(crate) fn other_model_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/goldens/regressor_h32.pth")
}

pub(crate) fn service() -> Decider {
    let model = Model::load(&model_path()).expect("the shipped model loads");
    let options = FeatureOptions {
        rate: Some(16_000),
        ..FeatureOptions::default()
    };
    Decider {
        models: ModelSlot::new(model).into(),
        extractor: Extractor::new(options).expect("the default features can be computed"),
        sample_rate: Some(16_000),
        clip_limits: ClipLimits::default(),
        command_ttl: Duration::from_mins(1),
    }
}
