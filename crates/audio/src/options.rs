//! What to compute and how, and the version that names it.

use std::{fmt, fmt::Write as _, str::FromStr};

use domain::{FEATURES_VERSION, FeatureName};

use crate::AudioError;

const N_MFCC: usize = 20;
const N_FFT: usize = 2048;
const HOP: usize = 512;

/// Which features to compute, and how. The defaults are librosa's, at the specification's rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureOptions {
    /// Resample clips to this rate (Hz) first; `None` keeps their own.
    pub rate: Option<u32>,
    /// The features to compute.
    pub names: Vec<FeatureName>,
    /// Cepstral coefficients, 1 to 128.
    pub n_mfcc: usize,
    /// Samples per frame; even, 16 to 65,536.
    pub n_fft: usize,
    /// Samples between the starts of two frames, 1 to `n_fft`.
    pub hop: usize,
    /// Keep the values of every frame in addition to their mean and deviation.
    pub frames: bool,
    /// Preprocessing of the samples.
    pub preprocessing: Preprocessing,
}

/// Preprocessing steps, applied in this order before features are computed. All are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preprocessing {
    /// Subtract the clip's mean: cheap microphones have a DC offset.
    pub remove_dc: bool,
    /// Attenuate what is steady in the clip (see [`crate::Extractor`]'s spectral gate).
    pub noise_reduction: bool,
    /// Scale the clip.
    pub normalization: Normalization,
}

/// How a clip's level is normalised; silence stays silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalization {
    /// The clip keeps its level.
    #[default]
    None,
    /// The largest sample becomes 1.
    Peak,
    /// The root mean square becomes 0.1 (−20 dBFS); what then exceeds full scale is not clipped.
    Rms,
}

impl Normalization {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::None, Self::Peak, Self::Rms];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Peak => "peak",
            Self::Rms => "rms",
        }
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Normalization {
    type Err = UnknownNormalization;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownNormalization(text.chars().take(40).collect()))
    }
}

/// A word that names no kind of normalisation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no normalization, expected none, peak or rms")]
pub struct UnknownNormalization(String);

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            rate: Some(16_000),
            names: FeatureName::SPECIFIED.to_vec(),
            n_mfcc: N_MFCC,
            n_fft: N_FFT,
            hop: HOP,
            frames: false,
            preprocessing: Preprocessing::default(),
        }
    }
}

impl FeatureOptions {
    /// Returns the version of the features: [`FEATURES_VERSION`], followed by the options that differ from the
    /// defaults, like `librosa-0.11/1 n_fft=1024 remove_dc`. The rate is always sent separately.
    pub fn version(&self) -> String {
        let mut version = FEATURES_VERSION.to_owned();
        let numbers = [
            ("n_mfcc", self.n_mfcc, N_MFCC),
            ("n_fft", self.n_fft, N_FFT),
            ("hop_length", self.hop, HOP),
        ];
        for (name, value, _) in numbers.iter().filter(|(_, value, default)| value != default) {
            write!(version, " {name}={value}").expect("writing to a String cannot fail");
        }
        let Preprocessing {
            remove_dc,
            noise_reduction,
            normalization,
        } = self.preprocessing;
        let words = [
            remove_dc.then_some("remove_dc"),
            noise_reduction.then_some("noise_reduction"),
            match normalization {
                Normalization::None => None,
                Normalization::Peak => Some("normalize=peak"),
                Normalization::Rms => Some("normalize=rms"),
            },
        ];
        for word in words.into_iter().flatten() {
            version.push(' ');
            version.push_str(word);
        }
        version
    }

    /// Checks that the values are within their bounds.
    pub fn check(&self) -> Result<(), AudioError> {
        if !(1..=128).contains(&self.n_mfcc) {
            return Err(AudioError::Options("n_mfcc is 1 to 128"));
        }
        if !self.n_fft.is_multiple_of(2) || !(16..=65_536).contains(&self.n_fft) {
            return Err(AudioError::Options("n_fft is even, 16 to 65536"));
        }
        if !(1..=self.n_fft).contains(&self.hop) || self.hop < self.n_fft / 64 {
            return Err(AudioError::Options("hop_length is n_fft / 64 to n_fft"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_what_differs() {
        let mut options = FeatureOptions::default();
        assert_eq!(options.version(), FEATURES_VERSION);
        options.names.push(FeatureName::SpectralFlux);
        options.frames = true;
        assert_eq!(options.version(), FEATURES_VERSION, "the numbers are the same");
        options.hop = 256;
        options.preprocessing = Preprocessing {
            remove_dc: true,
            noise_reduction: false,
            normalization: Normalization::Peak,
        };
        assert_eq!(
            options.version(),
            format!("{FEATURES_VERSION} hop_length=256 remove_dc normalize=peak")
        );
    }

    #[test]
    fn settings_out_of_bounds_are_refused() {
        let with = |n_mfcc, n_fft, hop| {
            FeatureOptions {
                n_mfcc,
                n_fft,
                hop,
                ..FeatureOptions::default()
            }
            .check()
        };
        assert!(with(20, 2048, 512).is_ok() && with(13, 400, 160).is_ok());
        for (n_mfcc, n_fft, hop) in [
            (0, 2048, 512),
            (129, 2048, 512),
            (20, 2047, 512),
            (20, 8, 4),
            (20, 2048, 1),
            (20, 2048, 4096),
        ] {
            assert!(with(n_mfcc, n_fft, hop).is_err(), "{n_mfcc} {n_fft} {hop}");
        }
    }
}
