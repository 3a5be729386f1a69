//! A clip's mean spectrum: the power of each bin over all frames, summed up in few mel bands.
//!
//! In: blocks of frames. Out: [`Spectrum`]. Sums come first and filters last, so that a frame costs one addition a bin.
#![expect(
    clippy::inline_always,
    reason = "compiled once for each width of the processor's vectors"
)]

use std::collections::BTreeMap;

use domain::FeatureName;

use crate::{
    mel::{self, Bands},
    stft::{Block, LANES},
    track::Track,
};

/// Power below which a band counts as empty: −100 dB.
const FLOOR: f64 = 1e-10;
/// Levels are given in tenths of a decibel: finer steps would not be heard, and take more room.
const STEPS_PER_DB: f64 = 10.0;

/// What a clip sounds like on average, for columns beside the features. No model reads it, so it has no part in
/// [`crate::FeatureOptions::version`].
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Levels of [`Spectrum::BANDS`] mel bands from 0 Hz to half the sample rate, the lowest first, in dB, rounded to
    /// 0.1: `librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate, n_mels=32).mean(axis=1), top_db=None)`.
    /// 0 dB is librosa's power of 1; −100 dB is the least.
    pub mel_db: Vec<f32>,
    /// Mean of `librosa.feature.spectral_bandwidth` over frames, in hertz.
    pub bandwidth_hertz: f32,
    /// Mean of `librosa.feature.spectral_flatness` over frames, 0 (tone) to 1 (noise).
    pub flatness: f32,
}

impl Spectrum {
    /// Number of bands.
    pub const BANDS: usize = 32;

    /// Returns the middle of each band at a sample rate, the lowest first, in hertz.
    pub fn centres_hertz(rate: u32) -> Vec<f64> {
        let edges = mel::edges(rate, Self::BANDS);
        edges[1..=Self::BANDS].to_vec()
    }

    /// The features whose means stand in a spectrum.
    pub(crate) const TRACKS: [FeatureName; 2] =
        [FeatureName::SpectralBandwidth, FeatureName::SpectralFlatness];

    /// `powers`: mean power of each bin; `tracks` has those of [`Self::TRACKS`].
    pub(crate) fn new(bands: &Bands, powers: &[f64], tracks: &BTreeMap<FeatureName, Track>) -> Self {
        let decibels = |power: f64| {
            let level = 10.0 * power.max(FLOOR).log10();
            ((level * STEPS_PER_DB).round() / STEPS_PER_DB) as f32
        };
        let [bandwidth_hertz, flatness] =
            Self::TRACKS.map(|name| tracks.get(&name).map_or(0.0, Track::mean) as f32);
        Self {
            mel_db: bands.sums(powers).map(decibels).collect(),
            bandwidth_hertz,
            flatness,
        }
    }
}

/// The sum of each bin's power over all frames. Lanes are added up at once: a sum for each would push the block out of
/// the processor's nearest cache.
#[derive(Debug)]
pub(crate) struct Powers(Vec<f32>);

impl Powers {
    pub(crate) fn new(bins: usize) -> Self {
        Self(vec![0.0; bins])
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, block: &Block) {
        for (sum, magnitudes) in self.0.iter_mut().zip(&block.bins) {
            let powers = magnitudes.map(|magnitude| magnitude * magnitude);
            let halves: [f32; LANES / 2] =
                std::array::from_fn(|lane| powers[lane] + powers[lane + LANES / 2]);
            *sum += (halves[0] + halves[2]) + (halves[1] + halves[3]);
        }
    }

    /// Returns the mean over `frames` of each bin.
    pub(crate) fn means(&self, frames: usize) -> Vec<f64> {
        self.0.iter().map(|sum| f64::from(*sum) / frames as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use domain::FeatureName;

    use crate::{Extractor, FeatureOptions, Samples, Spectrum};

    fn spectrum(samples: &Samples) -> Spectrum {
        Extractor::new(FeatureOptions::default())
            .unwrap()
            .analyse(samples)
            .1
    }

    #[test]
    fn half_a_tone_is_three_decibels_less_and_silence_is_the_floor() {
        let tone = |seconds: f64| -> Vec<f32> {
            let count = (16_000.0 * seconds) as u32;
            (0..count)
                .map(|i| (0.5 * (TAU * 1_000.0 * f64::from(i) / 16_000.0).sin()) as f32)
                .collect()
        };
        let whole = spectrum(&Samples {
            rate: 16_000,
            mono: tone(20.0),
        });
        let mut half = tone(10.0);
        half.resize(320_000, 0.0);
        let half = spectrum(&Samples {
            rate: 16_000,
            mono: half,
        });
        let loudest = |s: &Spectrum| s.mel_db.iter().copied().fold(f32::MIN, f32::max);
        assert_eq!(whole.mel_db.len(), Spectrum::BANDS);
        assert!(
            (loudest(&whole) - loudest(&half) - 3.0).abs() <= 0.15,
            "{whole:?} {half:?}"
        );
        let silence = spectrum(&Samples {
            rate: 16_000,
            mono: vec![0.0; 4_000],
        });
        assert!(silence.mel_db.iter().all(|level| (level + 100.0).abs() < 1e-6));
        assert!(silence.flatness > 0.99 && silence.bandwidth_hertz.abs() < 1e-6);
    }

    #[test]
    fn the_features_beside_a_spectrum_are_those_without_it() {
        let mono = (0..9_999_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as f32 / 4e6 - 1.0)
            .collect();
        let samples = Samples { rate: 16_000, mono };
        let of = |names: &[FeatureName]| {
            let names = names.to_vec();
            let extractor = Extractor::new(FeatureOptions {
                names,
                ..FeatureOptions::default()
            })
            .unwrap();
            let (features, spectrum) = extractor.analyse(&samples);
            assert_eq!(features, extractor.extract(&samples));
            (features, spectrum)
        };
        let (few, spectrum) = of(&FeatureName::SPECIFIED);
        assert_eq!(few.summaries.len(), FeatureName::SPECIFIED.len());
        let (all, again) = of(&FeatureName::ALL);
        assert_eq!(spectrum, again);
        let mean = |name| all.summaries[&name].mean[0] as f32;
        assert_eq!(
            (spectrum.bandwidth_hertz, spectrum.flatness),
            (
                mean(FeatureName::SpectralBandwidth),
                mean(FeatureName::SpectralFlatness)
            )
        );
        assert_eq!(
            of(&[FeatureName::Rms]).1,
            spectrum,
            "also where no feature is spectral"
        );
    }
}
