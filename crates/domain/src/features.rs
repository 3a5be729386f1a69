//! Audio features of a clip, summarised over its frames.
//!
//! In: means and deviations that `audio` computed. Out: the JSON of `sensor_audio.features` and of `casement features`,
//! and the 48 numbers that a model reads. Nothing is computed from samples here.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Identifies the definition of the features. A stored or received vector of another version is computed again, never
/// mixed.
pub const FEATURES_VERSION: &str = "librosa-0.11/1";

/// Number of audio inputs of a model (see [`ClipFeatures::model_inputs`]).
pub const MODEL_AUDIO_INPUTS: usize = 48;

/// The features that `audio.features` in the configuration can list, under librosa's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureName {
    /// Mel-frequency cepstral coefficients, 20 by default.
    Mfcc,
    /// Spectral centroid in hertz.
    SpectralCentroid,
    /// Spectral rolloff (85 %) in hertz.
    SpectralRolloff,
    /// Root mean square of a frame, full scale = 1.
    Rms,
    /// Share of adjacent samples between which the sign changes.
    ZeroCrossingRate,
    /// Spectral bandwidth in hertz.
    SpectralBandwidth,
    /// Spectral flatness, 0 (tone) to 1 (noise).
    SpectralFlatness,
    /// Spectral contrast in decibels, 7 bands.
    SpectralContrast,
    /// Spectral flux.
    SpectralFlux,
    /// Levels of 128 mel bands in decibels, at most 80 below the clip's loudest.
    MelSpectrogram,
}

impl FeatureName {
    /// Every feature.
    pub const ALL: [Self; 10] = [
        Self::Mfcc,
        Self::SpectralCentroid,
        Self::SpectralRolloff,
        Self::Rms,
        Self::ZeroCrossingRate,
        Self::SpectralBandwidth,
        Self::SpectralFlatness,
        Self::SpectralContrast,
        Self::SpectralFlux,
        Self::MelSpectrogram,
    ];

    /// The specification's five, which models read, in that order.
    pub const SPECIFIED: [Self; 5] = [
        Self::Mfcc,
        Self::SpectralCentroid,
        Self::SpectralRolloff,
        Self::Rms,
        Self::ZeroCrossingRate,
    ];

    /// Returns the name used in the configuration and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mfcc => "mfcc",
            Self::SpectralCentroid => "spectral_centroid",
            Self::SpectralRolloff => "spectral_rolloff",
            Self::Rms => "rms",
            Self::ZeroCrossingRate => "zero_crossing_rate",
            Self::SpectralBandwidth => "spectral_bandwidth",
            Self::SpectralFlatness => "spectral_flatness",
            Self::SpectralContrast => "spectral_contrast",
            Self::SpectralFlux => "spectral_flux",
            Self::MelSpectrogram => "mel_spectrogram",
        }
    }
}

impl fmt::Display for FeatureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FeatureName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| format!("unknown feature '{text}' (known: {})", known()))
    }
}

/// One feature summarised over the frames of a clip: a number for each coefficient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Mean over frames, one for each coefficient.
    pub mean: Vec<f64>,
    /// Population standard deviation over frames, one for each coefficient.
    pub std: Vec<f64>,
    /// The values of every frame, `frames × coefficients`, if requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Vec<Vec<f32>>>,
}

/// Loudness of a clip in decibels relative to full scale (a full-scale sine is −3.01 dBFS, silence is `-120`), before
/// preprocessing and without frequency weighting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Equivalent level: the level of the steady sound that carries the same energy.
    pub equivalent_dbfs: f64,
    /// The highest equivalent level of an eighth of a second.
    pub max_dbfs: f64,
}

/// The features of one clip. Its JSON is one flat object: `{"version", "sample_rate", "samples", "frames",
/// "level": {…}, "mfcc": {"mean": […], "std": […]}, …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipFeatures {
    /// Version of their definition: [`FEATURES_VERSION`] when computed by this program.
    pub version: String,
    /// Sample rate at which they were computed, in hertz (after resampling).
    pub sample_rate: u32,
    /// Number of samples at that rate.
    pub samples: usize,
    /// Number of frames that the summaries cover.
    pub frames: usize,
    /// Loudness, if it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The summaries by feature.
    #[serde(flatten)]
    pub summaries: BTreeMap<FeatureName, Summary>,
}

impl ClipFeatures {
    /// Returns the 48 numbers that a model reads: 20 MFCC means, 20 MFCC deviations, then mean and deviation of
    /// spectral centroid, rolloff, RMS and zero-crossing rate. `None` if a feature is missing or has another number of
    /// coefficients.
    pub fn model_inputs(&self) -> Option<[f64; MODEL_AUDIO_INPUTS]> {
        let mut inputs = Vec::with_capacity(MODEL_AUDIO_INPUTS);
        for name in FeatureName::SPECIFIED {
            let summary = self.summaries.get(&name)?;
            let coefficients = if name == FeatureName::Mfcc { 20 } else { 1 };
            if summary.mean.len() != coefficients || summary.std.len() != coefficients {
                return None;
            }
            inputs.extend_from_slice(&summary.mean);
            inputs.extend_from_slice(&summary.std);
        }
        inputs.try_into().ok()
    }

    /// Returns the features without the values of every frame: the form that models read and requests carry.
    #[must_use]
    pub fn without_frames(&self) -> Self {
        let mut features = self.clone();
        for summary in features.summaries.values_mut() {
            summary.frames = None;
        }
        features
    }

    /// Returns the content of `features_used.audio_features` in a control message: `mfcc_mean`, `mfcc_std`, then the
    /// names.
    pub fn used_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in FeatureName::SPECIFIED
            .into_iter()
            .filter(|name| self.summaries.contains_key(name))
        {
            if name == FeatureName::Mfcc {
                names.extend(["mfcc_mean".to_owned(), "mfcc_std".to_owned()]);
            } else {
                names.push(name.to_string());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features() -> ClipFeatures {
        let one = |x: f64| Summary {
            mean: vec![x],
            std: vec![x + 0.5],
            frames: None,
        };
        let mfcc = Summary {
            mean: (0..20).map(f64::from).collect(),
            std: (20..40).map(f64::from).collect(),
            frames: None,
        };
        let summaries = BTreeMap::from([
            (FeatureName::Mfcc, mfcc),
            (FeatureName::SpectralCentroid, one(40.0)),
            (FeatureName::SpectralRolloff, one(41.0)),
            (FeatureName::Rms, one(42.0)),
            (FeatureName::ZeroCrossingRate, one(43.0)),
        ]);
        ClipFeatures {
            version: FEATURES_VERSION.into(),
            sample_rate: 16_000,
            samples: 32_000,
            frames: 63,
            level: None,
            summaries,
        }
    }

    #[test]
    fn a_models_inputs_stand_in_the_agreed_order() {
        let inputs = features().model_inputs().unwrap();
        assert_eq!(inputs[..40], (0..40).map(f64::from).collect::<Vec<_>>()[..]);
        assert_eq!(inputs[40..], [40.0, 40.5, 41.0, 41.5, 42.0, 42.5, 43.0, 43.5]);
    }

    #[test]
    fn fewer_coefficients_are_no_input() {
        let mut short = features();
        short.summaries.get_mut(&FeatureName::Mfcc).unwrap().mean.pop();
        assert_eq!(short.model_inputs(), None);
    }

    #[test]
    fn json_is_flat_and_reads_back() {
        let json = serde_json::to_value(features()).unwrap();
        assert_eq!(json["spectral_centroid"]["mean"][0], 40.0);
        assert_eq!(serde_json::from_value::<ClipFeatures>(json).unwrap(), features());
    }
}
