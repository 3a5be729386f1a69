//! Feature extraction: computes the features that the options select, and summarises them over frames.
//!
//! In: [`Samples`] of any rate. Out: [`ClipFeatures`]. Windows, filters and taps are computed once per rate, buffers
//! are allocated once per concurrent thread. Nothing is allocated per frame.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use domain::{ClipFeatures, FeatureName};
use parking_lot::Mutex;

use crate::{
    AudioError, FeatureOptions, Samples, Spectrum,
    mel::{Bands, Mel},
    pass::SpectralPass,
    preprocess,
    resample::Resampler,
    stft::{LANES, Stft, Workspace},
    track::Track,
    waveform::{self, Steps},
};

/// Rates whose tables are cached. Devices use few rates, but a message may name any.
const REMEMBERED: usize = 8;

/// Computes features. All threads can share one.
#[derive(Debug)]
pub struct Extractor {
    options: FeatureOptions,
    version: String,
    stft: Stft,
    mels: Cache<u32, Mel>,
    bands: Cache<u32, Bands>,
    resamplers: Cache<u32, Resampler>,
    workspaces: Mutex<Vec<Workspace>>,
}

/// A bounded cache of tables by rate.
#[derive(Debug)]
struct Cache<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K: Copy + Eq + Hash, V> Cache<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        if let Some(known) = self.0.lock().get(&key) {
            return Arc::clone(known);
        }
        // Computed outside the lock, so that other threads go on; at worst two compute the same table.
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
    /// Checks the options and computes what does not depend on a clip.
    pub fn new(options: FeatureOptions) -> Result<Self, AudioError> {
        options.check()?;
        Ok(Self {
            version: options.version(),
            stft: Stft::new(options.n_fft, options.hop),
            options,
            mels: Cache(Mutex::default()),
            bands: Cache(Mutex::default()),
            resamplers: Cache(Mutex::default()),
            workspaces: Mutex::default(),
        })
    }

    /// Returns the version of the features; see [`FeatureOptions::version`].
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Computes the features of a clip. Spectral contrast is omitted if the rate is too low for its bands.
    pub fn extract(&self, samples: &Samples) -> ClipFeatures {
        self.run(samples, false).0
    }

    /// Computes the features of a clip and, in the same pass, its spectrum.
    pub fn analyse(&self, samples: &Samples) -> (ClipFeatures, Spectrum) {
        let (features, spectrum) = self.run(samples, true);
        (features, spectrum.expect("the pass was asked for a spectrum"))
    }

    fn run(&self, samples: &Samples, with_spectrum: bool) -> (ClipFeatures, Option<Spectrum>) {
        let rate = self.options.rate.unwrap_or(samples.rate);
        let heard = self.at_rate(samples, rate);
        // Loudness is measured in the original samples, before any preprocessing.
        let level = waveform::level(&heard, rate);
        let mono = self.preprocessed(heard, rate);
        let (tracks, spectrum) = self.tracks(&mono, rate, with_spectrum);
        let features = ClipFeatures {
            version: self.version.clone(),
            sample_rate: rate,
            samples: mono.len(),
            frames: self.stft.frame_count(mono.len()),
            level: Some(level),
            summaries: tracks
                .into_iter()
                .map(|(name, track)| (name, track.summary(self.options.frames)))
                .collect(),
        };
        (features, spectrum)
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

    fn tracks(
        &self,
        mono: &[f32],
        rate: u32,
        with_spectrum: bool,
    ) -> (BTreeMap<FeatureName, Track>, Option<Spectrum>) {
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
        let mut spectrum = None;
        if spectral || with_spectrum {
            let frames = self.stft.frame_count(mono.len());
            let mut pass = SpectralPass::new(&self.options, (frames, rate), with_spectrum, || {
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
            spectrum = pass.finish(&mut tracks).map(|powers| {
                let bands = self.bands.get(rate, || Bands::new(rate, n_fft, Spectrum::BANDS));
                Spectrum::new(&bands, &powers, &tracks)
            });
            tracks.retain(|name, _| self.options.names.contains(name));
        }
        (tracks, spectrum)
    }
}
