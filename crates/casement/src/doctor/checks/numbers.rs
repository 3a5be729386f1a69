//! What this binary computes on this processor, against what others have computed: a clip's features against librosa's, and the
//! built-in model's predictions against those of its weights in double precision.

use std::sync::Arc;

use audio::{Extractor, FeatureOptions};
use domain::{AudioFormat, ClipLimits};
use futures_util::future::BoxFuture;
use model::Model;
use serde::Deserialize;

use super::{
    super::{Context, Outcome},
    off_worker,
};

/// Half a second of a tone that is clipped, at 16 kHz.
const CLIP: &[u8] = include_bytes!("../../../../audio/tests/goldens/clips/clipped_16k_s16.wav");
/// The 48 numbers that a model reads of it, by librosa 0.11.
const FEATURES: &str = include_str!("../expected/features.json");
/// Predictions for climates without a clip.
const PREDICTIONS: &str = include_str!("../expected/model.json");
/// How far cepstral coefficients and frequencies may be away, and the other numbers; as in the tests of `audio`.
const COEFFICIENTS: f64 = 1e-3;
const LEVELS: f64 = 1e-6;
/// How far positions (percent) and confidences (0 to 1) may be away: 32-bit arithmetic, and four decimals written down.
const POSITIONS: f64 = 2e-3;
const CONFIDENCES: f64 = 2e-4;

const REMEDY: &str = "Report it with this processor's name (lscpu): windows would move by wrong numbers. Do not use it on this machine.";

#[derive(Deserialize)]
struct Expected {
    temperature: f64,
    humidity: f64,
    position: f64,
    model_confidence: f64,
}

pub(super) fn features(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |_| {
        let expected: Vec<f64> = serde_json::from_str(FEATURES).expect("it is part of the program");
        match heard() {
            Ok(ours) => compared(&ours, &expected),
            Err(reason) => Outcome::failed(reason, REMEDY),
        }
    })
}

fn heard() -> Result<Vec<f64>, String> {
    let samples = audio::decode(CLIP, AudioFormat::Wav, 0, &ClipLimits::default());
    let samples = samples.map_err(|error| format!("the clip cannot be decoded: {error}"))?;
    let extractor = Extractor::new(FeatureOptions::default()).map_err(|error| error.to_string())?;
    let inputs = extractor.extract(&samples).model_inputs();
    inputs
        .map(Vec::from)
        .ok_or_else(|| "the clip's features are not complete".to_owned())
}

fn compared(ours: &[f64], expected: &[f64]) -> Outcome {
    // Coefficients, centroid and rolloff come first, then loudness and zero crossings.
    let tolerance = |index| if index < 44 { COEFFICIENTS } else { LEVELS };
    let apart = |(index, (ours, theirs)): (usize, (&f64, &f64))| {
        // Not a number is not near.
        let is_near = (ours - theirs).abs() <= tolerance(index);
        (!is_near).then(|| format!("number {index} is {ours}, not {theirs}"))
    };
    let wrong: Vec<String> = ours.iter().zip(expected).enumerate().filter_map(apart).collect();
    match wrong.first() {
        _ if ours.len() != expected.len() => {
            Outcome::failed(format!("a clip has {} numbers", ours.len()), REMEDY)
        }
        None => Outcome::ok(format!("a clip's {} numbers are librosa's", ours.len())),
        Some(first) => Outcome::failed(
            format!(
                "{} of a clip's {} numbers are wrong: {first}",
                wrong.len(),
                ours.len()
            ),
            REMEDY,
        ),
    }
}

pub(super) fn default_model(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |_| match Model::built_in() {
        Ok(model) => predicted(&model, &expected()),
        Err(error) => Outcome::failed(
            format!(
                "the built-in model does not load: {}",
                monitoring::with_causes(&error)
            ),
            "The program's file is damaged: install it again.",
        ),
    })
}

fn expected() -> Vec<Expected> {
    serde_json::from_str(PREDICTIONS).expect("it is part of the program")
}

fn predicted(model: &Model, expected: &[Expected]) -> Outcome {
    for case in expected {
        let input = model::input(case.temperature, case.humidity, None, model);
        let ours = match model.predict(&input) {
            Ok(prediction) => prediction,
            Err(error) => return Outcome::failed(format!("the built-in model refuses: {error}"), REMEDY),
        };
        let is_near = (ours.position - case.position).abs() <= POSITIONS
            && (ours.model_confidence - case.model_confidence).abs() <= CONFIDENCES;
        if !is_near {
            return Outcome::failed(
                format!(
                    "at {} °C and {} % the built-in model says {:.3} % ({:.4}), not {:.3} % ({:.4})",
                    case.temperature,
                    case.humidity,
                    ours.position,
                    ours.model_confidence,
                    case.position,
                    case.model_confidence
                ),
                REMEDY,
            );
        }
    }
    Outcome::ok(format!(
        "the built-in model {} predicts as it should",
        model.version()
    ))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use domain::FeatureName;
    use serde_json::Value;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn the_expected_numbers_of_the_clip_are_librosas() {
        let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/tests/goldens/features.json");
        let goldens: Value = serde_json::from_str(&fs::read_to_string(goldens).unwrap()).unwrap();
        let clip = &goldens["clips"]["clipped_16k_s16"]["native"];
        let mut theirs = Vec::new();
        for name in FeatureName::SPECIFIED {
            for which in ["mean", "std"] {
                let numbers = clip[name.as_str()][which].as_array().unwrap();
                theirs.extend(numbers.iter().map(|number| number.as_f64().unwrap()));
            }
        }
        let expected: Vec<f64> = serde_json::from_str(FEATURES).unwrap();
        assert_eq!(expected, theirs);
    }

    #[test]
    fn right_numbers_are_well_and_a_wrong_one_has_failed() {
        let mut numbers = heard().unwrap();
        let expected: Vec<f64> = serde_json::from_str(FEATURES).unwrap();
        let well = compared(&numbers, &expected);
        assert_eq!(well.state, State::Ok, "{}", well.summary);
        for wrong in [f64::NAN, numbers[46] + 1e-5] {
            numbers[46] = wrong;
            let outcome = compared(&numbers, &expected);
            assert!(outcome.summary.contains("number 46"), "{}", outcome.summary);
            assert_eq!(outcome.state, State::Failed);
        }
        assert_eq!(compared(&numbers[..47], &expected).state, State::Failed);
    }

    #[test]
    fn the_built_in_model_predicts_as_expected_and_another_would_be_found() {
        let model = Model::built_in().unwrap();
        let mut cases = expected();
        let well = predicted(&model, &cases);
        assert_eq!(well.state, State::Ok, "{}", well.summary);
        cases[1].position += 0.01;
        assert_eq!(predicted(&model, &cases).state, State::Failed);
        cases[1].position = f64::NAN;
        assert_eq!(predicted(&model, &cases).state, State::Failed);
    }
}
