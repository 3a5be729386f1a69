//! The decision itself: what a request gives, and what it is based on.
#![allow(missing_docs)]

mod support;

use std::{collections::BTreeSet, time::Instant};

use domain::{
    AudioFormat, ClipFeatures, ClipLimits, FEATURES_VERSION, FeatureName, InferenceRequest, Refusal,
    RefusalReason,
};
use ml::{Answer, Decider, FeatureSource};
use model::Model;
use proptest::prelude::*;
use support::{noon, other_model_path, request, service, wav};

fn answer(service: &Decider, request: &InferenceRequest) -> Result<Answer, Refusal> {
    service.answer(request, noon(), Instant::now())
}

fn features_of(service: &Decider, clip: &[u8]) -> ClipFeatures {
    let samples =
        audio::decode(clip, AudioFormat::Wav, 16_000, &ClipLimits::default()).expect("the clip is a WAV");
    service.extractor.extract(&samples)
}

/// The request, with hash and features beside the clip as our own backend sends them.
fn with_features(clip: &[u8], features: ClipFeatures) -> InferenceRequest {
    let mut request = request(Some(clip));
    let audio = request.audio.as_mut().expect("there is a clip");
    audio.audio_hash = Some(audio::hash(clip));
    audio.features = Some(features);
    request
}

#[test]
fn the_specifications_fields_are_enough() {
    let (service, clip) = (service(), wav(440.0, 2.0));
    let Answer {
        action,
        source,
        recording,
        inputs: _,
    } = answer(&service, &request(Some(&clip))).unwrap();
    assert_eq!(source, FeatureSource::Computed);
    assert_eq!(recording.as_deref(), Some(&clip[..]));
    assert_eq!(action.device_id.as_str(), "sensor-001");
    assert_eq!(
        (action.temperature.to_bits(), action.humidity.to_bits()),
        (25.5_f64.to_bits(), 60.0_f64.to_bits())
    );
    let names = [
        "mfcc_mean",
        "mfcc_std",
        "spectral_centroid",
        "spectral_rolloff",
        "rms",
        "zero_crossing_rate",
    ];
    assert_eq!(action.audio_features, names);
    assert_eq!(action.audio_hash, Some(audio::hash(&clip)));
    assert_eq!(action.origin.model_version(), Some("v1.1.0"));
    assert_eq!(action.timestamp, noon());
    assert_eq!(action.expires_at.unwrap().millis_since(noon()), 60_000);
    assert!(action.inference_time_ms.unwrap() >= 0.0);
    // The parts of the sentence add up to what the model says.
    let parts = action.contributions.unwrap();
    let sum = parts.average + parts.temperature + parts.humidity + parts.sound;
    assert!(
        (sum - action.position.percent()).abs() <= 0.1,
        "{parts:?} {}",
        action.position.percent()
    );
    assert!(parts.sound != 0.0 && action.reason.unwrap().contains("°C"));
    // Exactly what the model says about exactly these features.
    let model = service.models.current();
    let inputs = features_of(&service, &clip).model_inputs().unwrap();
    let expected = model
        .predict(&model::input(25.5, 60.0, Some(&inputs), &model))
        .unwrap();
    assert_eq!(action.position.percent().to_bits(), expected.position.to_bits());
    assert_eq!(
        action.confidence.probability().to_bits(),
        expected.confidence.to_bits()
    );
}

#[test]
fn commands_are_told_apart() {
    let service = service();
    let ids: BTreeSet<String> = (0..100)
        .map(|_| {
            answer(&service, &request(None))
                .unwrap()
                .action
                .command_id
                .unwrap()
        })
        .collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.len() == 36));
}

#[test]
fn features_that_came_along_are_used() {
    let (service, clip) = (service(), wav(440.0, 2.0));
    // Those of another sound, to see which ones are used.
    let sent = features_of(&service, &wav(2_000.0, 1.0));
    let answered = answer(&service, &with_features(&clip, sent.clone())).unwrap();
    assert_eq!(answered.source, FeatureSource::Request);
    let model = service.models.current();
    let input = model::input(25.5, 60.0, Some(&sent.model_inputs().unwrap()), &model);
    let expected = model.predict(&input).unwrap().position;
    assert_eq!(answered.action.position.percent().to_bits(), expected.to_bits());
    assert_eq!(answered.action.audio_hash, Some(audio::hash(&clip)));
    // Then the recording itself is not looked at.
    assert_eq!(answered.recording, None);
    let mut unread = with_features(&clip, features_of(&service, &clip));
    unread.audio.as_mut().unwrap().data_base64 = "not Base64".into();
    assert_eq!(answer(&service, &unread).unwrap().source, FeatureSource::Request);
}

type Spoil = fn(&mut InferenceRequest);

#[test]
fn features_that_do_not_fit_are_computed_again() {
    let (service, clip) = (service(), wav(440.0, 2.0));
    let good = features_of(&service, &clip);
    assert_eq!(good.version, FEATURES_VERSION);
    let expected = answer(&service, &request(Some(&clip))).unwrap().action.position;
    let spoiled: [(&str, Spoil); 5] = [
        ("another version", |request| {
            features(request).version = "other/2".into();
        }),
        ("another rate", |request| {
            features(request).sample_rate = 22_050;
        }),
        ("a feature is missing", |request| {
            drop(features(request).summaries.remove(&FeatureName::Rms));
        }),
        ("not a 32-bit number", |request| {
            features(request)
                .summaries
                .get_mut(&FeatureName::Rms)
                .unwrap()
                .mean[0] = 1e300;
        }),
        ("of no clip in particular", |request| {
            request.audio.as_mut().unwrap().audio_hash = None;
        }),
    ];
    for (why, spoil) in spoiled {
        let mut request = with_features(&clip, good.clone());
        spoil(&mut request);
        let answered = answer(&service, &request).unwrap();
        assert_eq!(answered.source, FeatureSource::Computed, "{why}");
        assert_eq!(answered.action.position, expected, "{why}");
    }
}

fn features(request: &mut InferenceRequest) -> &mut ClipFeatures {
    request
        .audio
        .as_mut()
        .and_then(|audio| audio.features.as_mut())
        .expect("the request has features")
}

#[test]
fn without_a_clip_the_training_means_stand_in() {
    let service = service();
    let Answer {
        action,
        source,
        recording,
        inputs: _,
    } = answer(&service, &request(None)).unwrap();
    assert_eq!((source, recording), (FeatureSource::NoClip, None));
    assert_eq!((action.audio_features.len(), action.audio_hash), (0, None));
    let reason = action.reason.expect("a reason");
    assert!(
        reason.starts_with("warm (25.5 °C, +") && reason.ends_with(", no sound heard"),
        "{reason}"
    );
    let parts = action.contributions.expect("contributions");
    assert!(parts.sound.abs() < f64::EPSILON && parts.temperature > 0.0);
}

#[test]
fn contributions_add_up_to_the_position_and_stand_in_the_reason() {
    let service = service();
    for clip in [None, Some(wav(440.0, 2.0)), Some(wav(3_000.0, 2.0))] {
        let action = answer(&service, &request(clip.as_deref())).unwrap().action;
        let parts = action.contributions.expect("contributions");
        let sum = parts.average + parts.temperature + parts.humidity + parts.sound;
        assert!((sum - action.position.percent()).abs() < 0.1, "{parts:?}");
        let reason = action.reason.expect("a reason");
        for part in [parts.temperature, parts.humidity, parts.sound] {
            let said = format!("{}{:.0})", if part < 0.0 { '−' } else { '+' }, part.abs());
            assert!(part.abs() < 0.5 || reason.contains(&said), "{reason} {parts:?}");
        }
    }
}

#[test]
fn a_broken_clip_is_refused_not_guessed() {
    let service = service();
    let whole = wav(440.0, 2.0);
    let mut absurd = whole.clone();
    absurd[24..28].copy_from_slice(&0_u32.to_le_bytes());
    for (clip, reason) in [
        (b"not a sound".to_vec(), RefusalReason::BadAudio),
        (whole[..30].to_vec(), RefusalReason::BadAudio),
        (vec![0; 2 << 20], RefusalReason::TooLarge),
    ] {
        assert_eq!(
            answer(&service, &request(Some(&clip))).unwrap_err().reason,
            reason
        );
    }
    assert!(answer(&service, &request(Some(&absurd))).is_err());
    let mut text = request(Some(&whole));
    text.audio.as_mut().unwrap().data_base64 = "base64_encoded_wav".into();
    assert_eq!(
        answer(&service, &text).unwrap_err().reason,
        RefusalReason::BadBase64
    );
}

#[test]
fn far_from_the_training_data_the_command_says_so() {
    let service = service();
    let mut hot = request(None);
    hot.temperature = 100.0;
    // The guard lowers it, and not the model, by how far the temperature lies from its training.
    let model = service.models.current();
    let predict = |request: &InferenceRequest| {
        let input = model::input(request.temperature, request.humidity, None, &model);
        model.predict(&input).unwrap()
    };
    let far = predict(&hot);
    let beyond = |temperature| InferenceRequest {
        temperature,
        ..hot.clone()
    };
    let steps = [80.0, 90.0].map(|temperature| predict(&beyond(temperature)).largest_z);
    let (first, second) = (steps[1] - steps[0], far.largest_z - steps[1]);
    assert!(first > 0.1 && (first - second).abs() < 1e-3, "{steps:?} {far:?}");
    assert!(
        far.largest_z > 5.0 && far.confidence < far.model_confidence,
        "{far:?}"
    );
    let near = predict(&request(None));
    assert!(
        near.largest_z < far.largest_z && near.confidence >= near.model_confidence,
        "{near:?}"
    );
    let guard_of = |request: &InferenceRequest| {
        let guard = answer(&service, request).unwrap().action.guard;
        let guard = guard.expect("a command states it");
        (guard.model_confidence.probability(), guard.largest_z)
    };
    for (request, prediction) in [(&hot, &far), (&request(None), &near)] {
        let (model_confidence, largest_z) = guard_of(request);
        assert_eq!(model_confidence.to_bits(), prediction.model_confidence.to_bits());
        assert!(
            (largest_z - prediction.largest_z).abs() <= 0.005,
            "{largest_z} {prediction:?}"
        );
    }
    let action = answer(&service, &hot).unwrap().action;
    assert!(action.confidence.probability() < 0.05, "{:?}", action.confidence);
    assert!(
        action
            .reason
            .unwrap()
            .ends_with("far from what the model was trained on")
    );
}

#[test]
fn another_model_serves_from_the_next_request_on() {
    let service = service();
    let before = answer(&service, &request(None)).unwrap().action;
    let other = Model::load(&other_model_path())
        .unwrap()
        .with_default_version("v2");
    assert_eq!(service.models.swap(other).version(), "v1.1.0");
    let after = answer(&service, &request(None)).unwrap().action;
    assert_eq!(
        (before.origin.model_version(), after.origin.model_version()),
        (Some("v1.1.0"), Some("v2"))
    );
    assert_ne!(before.position, after.position);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_climate_gets_an_answer(temperature in -60.0_f64..100.0, humidity in 0.0_f64..100.0) {
        let service = service();
        let request = InferenceRequest { temperature, humidity, ..request(None) };
        let action = answer(&service, &request).unwrap().action;
        // What is sent reads back.
        let sent = mqtt::encode_control(&action);
        let read = mqtt::decode_control(action.device_id.clone(), &sent).unwrap();
        prop_assert_eq!(read.command_id, action.command_id);
    }

    #[test]
    fn no_bytes_panic(clip in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let service = service();
        let bytes = if header { [&wav(100.0, 0.01)[..44], &clip].concat() } else { clip };
        let _ = answer(&service, &request(Some(&bytes)));
    }
}
