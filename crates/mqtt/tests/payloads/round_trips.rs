//! What is written is read back whole.

use std::collections::BTreeMap;

use domain::{
    AudioFormat, AudioHash, Cause, ClipFeatures, Confidence, ContextInterlock, Contributions, FeatureName,
    InferenceRequest, Position, Quantity, Reading, RefusalReason, RequestAudio, Summary, Timestamp,
    WindowAction, WindowContext, WindowState,
};
use mqtt::{
    decode_control, decode_reading, decode_request, decode_state, encode_audio_data, encode_control,
    encode_reading, encode_request, encode_state,
};
use proptest::prelude::*;

use crate::{NOON, TONE, device};

fn features() -> ClipFeatures {
    let summary = Summary {
        mean: vec![0.1],
        std: vec![1.0 / 3.0],
        frames: None,
    };
    ClipFeatures {
        version: "v".into(),
        sample_rate: 16_000,
        samples: 32_000,
        frames: 63,
        level: None,
        summaries: BTreeMap::from([(FeatureName::Rms, summary)]),
    }
}

fn request(audio: Option<RequestAudio>) -> InferenceRequest {
    InferenceRequest {
        device_id: device(),
        timestamp: NOON,
        temperature: 20.25,
        humidity: 55.0,
        audio,
        expires_at: Some(NOON.plus(std::time::Duration::from_millis(1_500))),
        window: None,
    }
}

#[test]
fn requests_come_back_whole() {
    let audio = RequestAudio {
        data_base64: encode_audio_data(TONE).into(),
        sample_rate: 16_000,
        duration_s: 0.005,
        format: AudioFormat::Wav,
        audio_hash: Some(AudioHash::from_digest([7; 32])),
        features: Some(features()),
    };
    let bare = RequestAudio {
        format: AudioFormat::Pcm,
        ..audio.clone()
    };
    let text = String::from_utf8(encode_request(&request(Some(bare.clone())))).unwrap();
    let metadata = r#""audio_metadata":{"sample_rate":16000,"duration":0.005,"format":"pcm"}"#;
    assert!(text.contains(metadata), "{text}");
    let context = WindowContext {
        position: Position::new(12.5).ok(),
        commanded: Position::new(20.0).ok(),
        commanded_at: Some(NOON),
        hold: Position::new(40.0).ok(),
        hold_until: Some(NOON),
        interlocks: vec![ContextInterlock {
            cause: Cause::ChildLock,
            most: Position::SHUT,
            until: None,
        }],
        quiet: true,
        ..WindowContext::default()
    };
    let with_window = InferenceRequest {
        window: Some(Box::new(context)),
        ..request(None)
    };
    for request in [
        request(None),
        request(Some(audio)),
        request(Some(bare)),
        with_window,
    ] {
        assert_eq!(
            decode_request(device(), &encode_request(&request)).unwrap(),
            request
        );
    }
}

#[test]
fn states_come_back_whole() {
    for target in [None, Some(Position::new(80.0).unwrap())] {
        let state = WindowState {
            device_id: device(),
            timestamp: NOON,
            position: Position::new(12.5).unwrap(),
            target,
            command_id: target.map(|_| "c-1".to_owned()),
        };
        assert_eq!(decode_state(device(), &encode_state(&state)).unwrap(), state);
    }
    let refusal = decode_state(
        device(),
        br#"{"timestamp":"2025-10-24T12:00:00Z","position":50,"target":120}"#,
    );
    assert_eq!(refusal.unwrap_err().reason, RefusalReason::OutOfRange);
}

proptest! {
    #[test]
    fn readings_come_back_whole(value in -60.0_f64..=100.0, millis in 0_i64..4_102_444_800_000) {
        let reading = Reading::new(device(), Quantity::Temperature, value, Timestamp::from_millis(millis)).unwrap();
        let read = decode_reading(Quantity::Temperature, device(), &encode_reading(&reading)).unwrap();
        prop_assert_eq!(read, reading);
    }

    #[test]
    fn commands_come_back_whole(
        (position, confidence) in (0.0_f64..=100.0, 0.0_f64..=1.0),
        (temperature, humidity) in (-60.0_f64..=100.0, 0.0_f64..=100.0),
        names in prop::collection::vec("[a-z_]{1,20}", 0..5),
        extra in any::<bool>(),
        reason in any::<String>(),
    ) {
        let action = WindowAction {
            device_id: device(),
            timestamp: NOON,
            position: Position::new(position).unwrap(),
            confidence: Confidence::new(confidence).unwrap(),
            temperature,
            humidity,
            audio_features: names,
            command_id: extra.then(|| "c-1".to_owned()),
            origin: if extra { domain::Origin::Model("v1.0.0".into()) } else { domain::Origin::Unstated },
            inference_time_ms: extra.then_some(0.25),
            audio_hash: extra.then(|| AudioHash::from_digest([9; 32])),
            reason: extra.then_some(reason),
            cause: extra.then(|| "rain".to_owned()),
            expires_at: extra.then_some(NOON),
            contributions: extra.then_some(Contributions {
                average: 12.5,
                temperature: 30.0,
                humidity: -2.5,
                sound: 0.0,
            }),
            guard: extra.then(|| domain::Guard::known(0.82, 4.25).unwrap()),
            wish: extra.then(|| Position::new(99.0).unwrap()),
        };
        prop_assert_eq!(decode_control(device(), &encode_control(&action)).unwrap(), action);
    }
}
