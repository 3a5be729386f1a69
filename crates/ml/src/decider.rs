//! From a request to a command: the decision itself, without any connection.
//!
//! In: a decoded request and the time. Out: a command with everything it is based on, or why there is none. It runs on
//! a worker thread and takes half a millisecond where features must be computed, microseconds where they came along.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use audio::Extractor;
use domain::{
    AudioHash, ClipFeatures, ClipLimits, Confidence, Contributions, Guard, InferenceRequest,
    MODEL_AUDIO_INPUTS, Origin, Position, Refusal, RefusalReason, RequestAudio, Timestamp, WindowAction,
};
use model::{Model, Prediction};
use uuid::Uuid;

use crate::{
    ModelSlot,
    answer::{Answer, FeatureSource},
    reason::{self, Basis, Doubt, Loudness},
};

/// Inputs of a model before those of the clip.
const CLIMATE_INPUTS: usize = 2;
/// The clip's mean root mean square among [`ClipFeatures::model_inputs`]: after 20 MFCC, centroid and rolloff, two numbers each.
const RMS_INPUT: usize = 44;

/// What a clip gives to a decision.
struct ClipInputs {
    inputs: [f64; MODEL_AUDIO_INPUTS],
    names: Vec<String>,
    hash: AudioHash,
    recording: Option<Vec<u8>>,
    source: FeatureSource,
}

/// Everything a decision needs.
#[derive(Debug)]
pub struct Decider {
    /// The model, which may change between two answers.
    pub models: Arc<ModelSlot>,
    /// Computes features that a request lacks.
    pub extractor: Extractor,
    /// The rate features must have been computed at, in hertz.
    pub sample_rate: Option<u32>,
    /// How large a clip may be.
    pub clip_limits: ClipLimits,
    /// How long a command is worth acting on.
    pub command_ttl: Duration,
}

impl Decider {
    /// Decides. The command's reason says what it is based on; whoever sends it knows the window, and says what happens to it.
    /// `now` is the time of the command, `received` the moment the request came in. A clip that cannot be heard
    /// refuses the request: the training means would pretend that nothing was wrong.
    pub fn answer(
        &self,
        request: &InferenceRequest,
        now: Timestamp,
        received: Instant,
    ) -> Result<Answer, Refusal> {
        let clip = request
            .audio
            .as_ref()
            .map(|audio| self.clip_inputs(audio))
            .transpose()?;
        let model = self.models.current();
        let inputs = clip.as_ref().map(|clip| clip.inputs);
        let input = model::input(request.temperature, request.humidity, inputs.as_ref(), &model);
        let prediction = model
            .predict(&input)
            .map_err(|error| Refusal::new(RefusalReason::NotFinite, error.to_string()))?;
        let (position, confidence) = checked(&prediction)?;
        let contributions = contributions(&model, &input);
        let basis = Basis {
            temperature: request.temperature,
            humidity: request.humidity,
            sound: inputs.map(|inputs| {
                let trained = model.feature_mean()[CLIMATE_INPUTS + RMS_INPUT];
                Loudness::of(inputs[RMS_INPUT], f64::from(trained))
            }),
            contributions,
            doubt: doubt(&prediction),
        };
        let source = clip.as_ref().map_or(FeatureSource::NoClip, |clip| clip.source);
        let (audio_features, audio_hash, recording) = match clip {
            Some(clip) => (clip.names, Some(clip.hash), clip.recording),
            None => (Vec::new(), None, None),
        };
        let action = WindowAction {
            device_id: request.device_id.clone(),
            timestamp: now,
            position,
            confidence,
            temperature: request.temperature,
            humidity: request.humidity,
            audio_features,
            command_id: Some(Uuid::now_v7().to_string()),
            origin: Origin::Model(model.version().to_owned()),
            inference_time_ms: Some(received.elapsed().as_secs_f64() * 1e3),
            audio_hash,
            reason: Some(reason::basis(&basis)),
            cause: None,
            expires_at: Some(now.plus(self.command_ttl)),
            contributions,
            guard: guard(&prediction),
            wish: None,
        };
        Ok(Answer {
            action,
            source,
            recording,
            inputs,
        })
    }

    /// The features that came along, if they are of our version and rate and the clip has a name; else our own. A message
    /// is believed as a whole: the recording beside its features is decoded only where it is needed.
    fn clip_inputs(&self, audio: &RequestAudio) -> Result<ClipInputs, Refusal> {
        let sent = audio.features.as_ref().filter(|features| self.fits(features));
        let sent = sent.and_then(|features| Some((features, usable(features)?, audio.audio_hash.as_ref()?)));
        if let Some((features, inputs, hash)) = sent {
            return Ok(ClipInputs {
                inputs,
                names: features.used_names(),
                hash: hash.clone(),
                recording: None,
                source: FeatureSource::Request,
            });
        }
        let recording = mqtt::decode_audio_data(&audio.data_base64, self.clip_limits.max_bytes)?;
        let hash = audio::hash(&recording);
        let samples = audio::decode(&recording, audio.format, audio.sample_rate, &self.clip_limits)
            .map_err(|error| error.refusal())?;
        let features = self.extractor.extract(&samples);
        let inputs = usable(&features)
            .ok_or_else(|| Refusal::new(RefusalReason::BadAudio, "the clip's features are not finite"))?;
        Ok(ClipInputs {
            inputs,
            names: features.used_names(),
            hash,
            recording: Some(recording),
            source: FeatureSource::Computed,
        })
    }

    fn fits(&self, features: &ClipFeatures) -> bool {
        features.version == self.extractor.version()
            && self.sample_rate.is_none_or(|rate| rate == features.sample_rate)
    }
}

/// The model's 48 numbers, if all are there and fit a 32-bit float.
fn usable(features: &ClipFeatures) -> Option<[f64; MODEL_AUDIO_INPUTS]> {
    features
        .model_inputs()
        .filter(|inputs| inputs.iter().all(|x| (*x as f32).is_finite()))
}

pub(crate) fn checked(prediction: &Prediction) -> Result<(Position, Confidence), Refusal> {
    let refuse = |error: domain::InvalidValue| {
        Refusal::new(RefusalReason::OutOfRange, format!("the prediction: {error}"))
    };
    Ok((
        Position::new(prediction.position).map_err(refuse)?,
        Confidence::new(prediction.confidence).map_err(refuse)?,
    ))
}

/// What moved the prediction; `None` where the network overflows on the way.
pub(crate) fn contributions(model: &Model, input: &[f32]) -> Option<Contributions> {
    let explained = model.explain(input).ok()?;
    Some(Contributions::from(explained).rounded())
}

/// What lowered the confidence; `None` where the distance is beyond all numbers.
pub(crate) fn guard(prediction: &Prediction) -> Option<Guard> {
    let known = Guard::known(prediction.model_confidence, prediction.largest_z);
    known.map(Guard::rounded)
}

fn doubt(prediction: &Prediction) -> Option<Doubt> {
    if prediction.confidence < prediction.model_confidence {
        Some(Doubt::FarOff)
    } else {
        prediction.log_variance.is_none().then_some(Doubt::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{FeatureName, Summary};

    use super::*;

    #[test]
    fn a_lowered_confidence_is_doubt_and_one_that_nobody_states_is_another() {
        let sure = Prediction {
            position: 50.0,
            log_variance: Some(2.0),
            confidence: 0.9,
            model_confidence: 0.9,
            largest_z: 1.0,
        };
        assert_eq!(doubt(&sure), None);
        let far = Prediction {
            confidence: 0.2,
            largest_z: 7.0,
            ..sure
        };
        assert_eq!(doubt(&far), Some(Doubt::FarOff));
        let unstated = Prediction {
            log_variance: None,
            confidence: 0.0,
            model_confidence: 0.0,
            ..sure
        };
        assert_eq!(doubt(&unstated), Some(Doubt::Unknown));
    }

    #[test]
    fn the_level_is_where_it_is_looked_for() {
        let summaries: BTreeMap<_, _> = FeatureName::SPECIFIED
            .map(|name| {
                let count = if name == FeatureName::Mfcc { 20 } else { 1 };
                let number = if name == FeatureName::Rms { 0.25 } else { 0.0 };
                let summary = Summary {
                    mean: vec![number; count],
                    std: vec![0.0; count],
                    frames: None,
                };
                (name, summary)
            })
            .into();
        let features = ClipFeatures {
            version: String::new(),
            sample_rate: 16_000,
            samples: 0,
            frames: 0,
            level: None,
            summaries,
        };
        let inputs = features.model_inputs().expect("all are there");
        assert!((inputs[RMS_INPUT] - 0.25).abs() < f64::EPSILON);
        assert!((inputs.iter().sum::<f64>() - 0.25).abs() < f64::EPSILON);
    }
}
