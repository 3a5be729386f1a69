//! Samples to features: what the configuration asks for, reduced over frames.
//!
//! In: [`Samples`] of any rate. Out: [`ClipFeatures`]. Windows, filters and taps are made once for each rate and shared
//! between threads.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use domain::{ClipFeatures, FEATURES_VERSION, FeatureName, Level, Summary};
use parking_lot::Mutex;

use crate::{
    AudioError, Samples,
    mel::Mel,
    resample::Resampler,
    spectral,
    spectrum::{Spectrum, Stft},
};

/// Rates that are remembered; devices have few, strangers may send any.
const REMEMBERED: usize = 16;
const SILENCE_DBFS: f64 = -120.0;

/// What to compute, and how. The defaults are librosa's, at the specification's rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureOptions {
    /// Bring clips to this rate (Hz) first; `None` leaves each at its own.
    pub rate: Option<u32>,
    /// The features wanted.
    pub names: Vec<FeatureName>,
    /// Cepstral coefficients, 1 to 128.
    pub n_mfcc: usize,
    /// Samples of a frame; even, at least 16.
    pub n_fft: usize,
    /// Samples from frame to frame.
    pub hop: usize,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            rate: Some(16_000),
            names: FeatureName::SPECIFIED.to_vec(),
            n_mfcc: 20,
            n_fft: 2048,
            hop: 512,
        }
    }
}

/// Computes features. Cheap to share: every thread uses the same one.
#[derive(Debug)]
pub struct Extractor {
    options: FeatureOptions,
    stft: Stft,
    mels: Remembered<u32, Mel>,
    resamplers: Remembered<u32, Resampler>,
}

/// A few tables by rate.
#[derive(Debug)]
struct Remembered<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K: Copy + Eq + Hash, V> Remembered<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        if let Some(known) = self.0.lock().get(&key) {
            return Arc::clone(known);
        }
        // Made outside the lock: others go on meanwhile, at worst somebody makes the same.
        let fresh = Arc::new(make());
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, Arc::clone(&fresh));
        fresh
    }
}

impl Extractor {
    /// Checks the options and makes what does not depend on a clip.
    pub fn new(options: FeatureOptions) -> Result<Self, AudioError> {
        if !(1..=128).contains(&options.n_mfcc) {
            return Err(AudioError::Options("n_mfcc is 1 to 128"));
        }
        if !options.n_fft.is_multiple_of(2)
            || !(16..=65_536).contains(&options.n_fft)
            || !(1..=options.n_fft).contains(&options.hop)
        {
            return Err(AudioError::Options(
                "n_fft is even, 16 to 65536, and hop is 1 to n_fft",
            ));
        }
        let stft = Stft::new(options.n_fft, options.hop);
        Ok(Self {
            options,
            stft,
            mels: Remembered(Mutex::default()),
            resamplers: Remembered(Mutex::default()),
        })
    }

    /// The features of a clip. Spectral contrast is left out where the rate is too low for its bands.
    pub fn extract(&self, samples: &Samples) -> ClipFeatures {
        let rate = self.options.rate.unwrap_or(samples.rate);
        let resampled = (rate != samples.rate).then(|| {
            self.resamplers
                .get(samples.rate, || Resampler::new(samples.rate, rate))
                .run(&samples.mono)
        });
        let mono = resampled.as_deref().unwrap_or(&samples.mono);
        let spectrum = self.stft.magnitudes(mono);
        let mut summaries = BTreeMap::new();
        let bin_hertz = f64::from(rate) / self.options.n_fft as f64;
        let wants = |name| self.options.names.contains(&name);
        if wants(FeatureName::SpectralCentroid) || wants(FeatureName::SpectralBandwidth) {
            let (centroid, bandwidth) = spectral::centroid_and_bandwidth(&spectrum, bin_hertz);
            summaries.insert(FeatureName::SpectralCentroid, summary(&centroid, 1));
            summaries.insert(FeatureName::SpectralBandwidth, summary(&bandwidth, 1));
        }
        for name in &self.options.names {
            if let Some(values) = self.frames_of(*name, mono, &spectrum, rate) {
                let width = values.len() / self.stft.frame_count(mono.len());
                summaries.insert(*name, summary(&values, width));
            }
        }
        summaries.retain(|name, _| wants(*name));
        ClipFeatures {
            version: FEATURES_VERSION.to_owned(),
            sample_rate: rate,
            samples: mono.len(),
            frames: self.stft.frame_count(mono.len()),
            level: Some(self.level(mono)),
            summaries,
        }
    }

    /// The values of one feature, `frames × coefficients`.
    fn frames_of(&self, name: FeatureName, mono: &[f32], spectrum: &Spectrum, rate: u32) -> Option<Vec<f64>> {
        let FeatureOptions {
            n_mfcc, n_fft, hop, ..
        } = self.options;
        let bin_hertz = f64::from(rate) / n_fft as f64;
        match name {
            FeatureName::Mfcc => Some(
                self.mels
                    .get(rate, || Mel::new(rate, n_fft, n_mfcc))
                    .mfcc(spectrum),
            ),
            FeatureName::SpectralCentroid | FeatureName::SpectralBandwidth => None,
            FeatureName::SpectralRolloff => Some(spectral::rolloff(spectrum, bin_hertz)),
            FeatureName::Rms => Some(spectral::rms(mono, n_fft, hop)),
            FeatureName::ZeroCrossingRate => Some(spectral::zero_crossing_rate(mono, n_fft, hop)),
            FeatureName::SpectralFlatness => Some(spectral::flatness(spectrum)),
            FeatureName::SpectralContrast => spectral::contrast(spectrum, bin_hertz),
            FeatureName::SpectralFlux => Some(spectral::flux(spectrum)),
        }
    }

    /// 10·log10 of the mean square, over the clip and over its loudest frame; a full-scale sine is −3.01 dBFS.
    fn level(&self, mono: &[f32]) -> Level {
        let dbfs = |mean_square: f64| {
            if mean_square > 0.0 {
                (10.0 * mean_square.log10()).max(SILENCE_DBFS)
            } else {
                SILENCE_DBFS
            }
        };
        let mean_square =
            |part: &[f32]| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len().max(1) as f64;
        let loudest = mono
            .chunks(self.options.n_fft)
            .map(mean_square)
            .fold(0.0, f64::max);
        Level {
            equivalent_dbfs: dbfs(mean_square(mono)),
            max_dbfs: dbfs(loudest),
        }
    }
}

/// Mean and population deviation over frames, for each of `width` coefficients.
fn summary(values: &[f64], width: usize) -> Summary {
    let frames = (values.len() / width.max(1)).max(1) as f64;
    let column = |k: usize| values.iter().skip(k).step_by(width);
    let mean: Vec<f64> = (0..width).map(|k| column(k).sum::<f64>() / frames).collect();
    let deviation =
        |k: usize| (column(k).map(|value| (value - mean[k]).powi(2)).sum::<f64>() / frames).sqrt();
    Summary {
        std: (0..width).map(deviation).collect(),
        mean,
    }
}
