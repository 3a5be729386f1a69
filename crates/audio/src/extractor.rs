//! Samples to features: what the options ask for, reduced over frames.
//!
//! In: [`Samples`] of any rate. Out: [`ClipFeatures`]. Windows, filters and taps are made once for each rate, buffers
//! once for each thread that computes at a time; nothing is allocated for a frame.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use domain::{ClipFeatures, FeatureName};
use parking_lot::Mutex;

use crate::{
    AudioError, FeatureOptions, Samples,
    mel::Mel,
    pass::SpectralPass,
    preprocess,
    resample::Resampler,
    stft::{LANES, Stft, Workspace},
    track::Track,
    waveform::{self, Steps},
};

/// Rates that are remembered; devices have few, strangers may send any.
const REMEMBERED: usize = 8;

/// Computes features. Cheap to share: every thread uses the same one.
#[derive(Debug)]
pub struct Extractor {
    options: FeatureOptions,
    version: String,
    stft: Stft,
    mels: Remembered<u32, Mel>,
    resamplers: Remembered<u32, Resampler>,
    workspaces: Mutex<Vec<Workspace>>,
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
        options.check()?;
        Ok(Self {
            version: options.version(),
            stft: Stft::new(options.n_fft, options.hop),
            options,
            mels: Remembered(Mutex::default()),
            resamplers: Remembered(Mutex::default()),
            workspaces: Mutex::default(),
        })
    }

    /// The definition that the numbers follow; see [`FeatureOptions::version`].
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The features of a clip. Spectral contrast is left out where the rate is too low for its bands.
    pub fn extract(&self, samples: &Samples) -> ClipFeatures {
        let rate = self.options.rate.unwrap_or(samples.rate);
        let heard = self.at_rate(samples, rate);
        // Loudness is that of the room, whatever is done to the samples afterwards.
        let level = waveform::level(&heard, rate);
        let mono = self.preprocessed(heard, rate);
        let tracks = self.tracks(&mono, rate);
        ClipFeatures {
            version: self.version.clone(),
            sample_rate: rate,
            samples: mono.len(),
            frames: self.stft.frame_count(mono.len()),
            level: Some(level),
            summaries: tracks
                .into_iter()
                .map(|(name, track)| (name, track.summary(self.options.frames)))
                .collect(),
        }
    }

    fn at_rate<'a>(&self, samples: &'a Samples, rate: u32) -> Cow<'a, [f32]> {
        if samples.rate == rate {
            return Cow::Borrowed(&samples.mono);
        }
        let resampler = self
            .resamplers
            .get(samples.rate, || Resampler::new(samples.rate, rate));
        Cow::Owned(resampler.run(&samples.mono))
    }

    fn preprocessed<'a>(&self, heard: Cow<'a, [f32]>, rate: u32) -> Cow<'a, [f32]> {
        let steps = self.options.preprocessing;
        if steps == crate::Preprocessing::default() {
            return heard;
        }
        let mut samples = heard.into_owned();
        preprocess::apply(steps, &mut samples, rate);
        Cow::Owned(samples)
    }

    fn tracks(&self, mono: &[f32], rate: u32) -> BTreeMap<FeatureName, Track> {
        let FeatureOptions { n_fft, hop, .. } = self.options;
        let steps = Steps::new(mono.len(), n_fft, hop);
        let mut tracks = BTreeMap::new();
        for name in &self.options.names {
            let values = match name {
                FeatureName::Rms => steps.rms(mono),
                FeatureName::ZeroCrossingRate => steps.zero_crossing_rate(mono),
                _ => continue,
            };
            tracks.insert(*name, Track { width: 1, values });
        }
        let spectral = self
            .options
            .names
            .iter()
            .any(|name| !matches!(name, FeatureName::Rms | FeatureName::ZeroCrossingRate));
        if spectral {
            let frames = self.stft.frame_count(mono.len());
            let mut pass = SpectralPass::new(&self.options, frames, rate, || {
                self.mels.get(rate, || Mel::new(rate, n_fft, self.options.n_mfcc))
            });
            let mut work = self
                .workspaces
                .lock()
                .pop()
                .unwrap_or_else(|| self.stft.workspace());
            for first in (0..frames).step_by(LANES) {
                self.stft.fill(mono, first, &mut work);
                pass.take(&work.block);
            }
            self.workspaces.lock().push(work);
            pass.finish(&mut tracks);
        }
        tracks
    }
}
