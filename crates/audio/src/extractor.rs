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

use domain::{ClipFeatures, FeatureName, Summary};
use parking_lot::Mutex;
use pulp::Arch;

use crate::{
    AudioError, FeatureOptions, Samples,
    mel::{self, BANDS, Mel},
    preprocess,
    resample::Resampler,
    spectral::{self, CONTRAST_BANDS, Contrast, Extremes, Flux, Moments},
    stft::{Block, LANES, Lanes, Stft, Workspace},
    waveform::{self, Steps},
};

/// Rates that are remembered; devices have few, strangers may send any.
const REMEMBERED: usize = 16;

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

/// The values of one feature, `frames × width`.
#[derive(Debug)]
struct Track {
    width: usize,
    values: Vec<f64>,
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
        let spectral = self.options.names.iter().any(|name| {
            !matches!(name, FeatureName::Rms | FeatureName::ZeroCrossingRate)
        });
        if spectral {
            let mut pass = SpectralPass::new(self, mono.len(), rate);
            let mut work = self
                .workspaces
                .lock()
                .pop()
                .unwrap_or_else(|| self.stft.workspace());
            for first in (0..pass.frames).step_by(LANES) {
                self.stft.fill(mono, first, &mut work);
                pass.take(&work.block);
            }
            self.workspaces.lock().push(work);
            pass.finish(&mut tracks);
        }
        tracks
    }
}

/// What grows block by block: one pass over a clip's spectrum.
struct SpectralPass {
    arch: Arch,
    frames: usize,
    bin_hertz: f64,
    moments: bool,
    centroid: Option<Vec<f64>>,
    bandwidth: Option<Vec<f64>>,
    rolloff: Option<Vec<f64>>,
    flatness: Option<Vec<f64>>,
    contrast: Option<(Contrast, Extremes, Vec<f32>)>,
    flux: Option<(Flux, Vec<f64>)>,
    mel: Option<(Arc<Mel>, Vec<Lanes<f32>>)>,
    mfcc: bool,
    n_mfcc: usize,
    mel_spectrogram: bool,
}

impl SpectralPass {
    fn new(extractor: &Extractor, samples: usize, rate: u32) -> Self {
        let FeatureOptions {
            names, n_fft, n_mfcc, ..
        } = &extractor.options;
        let frames = extractor.stft.frame_count(samples);
        let bin_hertz = f64::from(rate) / *n_fft as f64;
        let wants = |name| names.contains(&name);
        let track = |name| wants(name).then(|| Vec::with_capacity(frames));
        let [mfcc, mel_spectrogram] = [FeatureName::Mfcc, FeatureName::MelSpectrogram].map(wants);
        let contrast = || {
            let bins = extractor.stft.bins();
            Some((Contrast::new(bins, bin_hertz)?, Extremes::with_frames(frames), Vec::with_capacity(bins)))
        };
        let mel = || {
            let tables = extractor.mels.get(rate, || Mel::new(rate, *n_fft, *n_mfcc));
            (tables, Vec::with_capacity(frames.div_ceil(LANES) * BANDS))
        };
        Self {
            arch: Arch::new(),
            frames,
            bin_hertz,
            moments: [
                FeatureName::SpectralCentroid,
                FeatureName::SpectralBandwidth,
                FeatureName::SpectralFlux,
            ]
            .into_iter()
            .any(wants),
            centroid: track(FeatureName::SpectralCentroid),
            bandwidth: track(FeatureName::SpectralBandwidth),
            rolloff: track(FeatureName::SpectralRolloff),
            flatness: track(FeatureName::SpectralFlatness),
            contrast: wants(FeatureName::SpectralContrast).then(contrast).flatten(),
            flux: track(FeatureName::SpectralFlux).map(|values| (Flux::new(), values)),
            mel: (mfcc || mel_spectrogram).then(mel),
            mfcc,
            n_mfcc: *n_mfcc,
            mel_spectrogram,
        }
    }

    fn take(&mut self, block: &Block) {
        let (bin_hertz, lanes, arch) = (self.bin_hertz, 0..block.frames, self.arch);
        if self.moments {
            let moments = arch.dispatch(|| Moments::of(block));
            if let Some(track) = &mut self.centroid {
                track.extend(lanes.clone().map(|lane| moments.centroid(lane, bin_hertz)));
            }
            if let Some(track) = &mut self.bandwidth {
                track.extend(lanes.clone().map(|lane| moments.bandwidth(lane, bin_hertz)));
            }
            if let Some((flux, track)) = &mut self.flux {
                track.extend_from_slice(&arch.dispatch(|| flux.of(block, &moments))[..block.frames]);
            }
        }
        if let Some(track) = &mut self.rolloff {
            let bins = arch.dispatch(|| spectral::rolloff(block));
            track.extend(bins[lanes.clone()].iter().map(|bin| f64::from(*bin) * bin_hertz));
        }
        if let Some(track) = &mut self.flatness {
            track.extend_from_slice(&arch.dispatch(|| spectral::flatness(block))[lanes.clone()]);
        }
        if let Some((contrast, extremes, values)) = &mut self.contrast {
            for lane in lanes {
                contrast.extremes(block, lane, values, extremes);
            }
        }
        if let Some((mel, decibels)) = &mut self.mel {
            arch.dispatch(|| mel.decibels(block, decibels));
        }
    }

    fn finish(mut self, tracks: &mut BTreeMap<FeatureName, Track>) {
        if let Some((mel, decibels)) = &mut self.mel {
            mel::raise_to_floor(decibels);
            let blocks = || decibels.chunks_exact(BANDS).enumerate();
            let frames_of = |block: usize| (self.frames - block * LANES).min(LANES);
            if self.mfcc {
                let mut values = Vec::with_capacity(self.frames * self.n_mfcc);
                for (block, bands) in blocks() {
                    self.arch
                        .dispatch(|| mel.coefficients(bands, frames_of(block), &mut values));
                }
                tracks.insert(FeatureName::Mfcc, Track { width: self.n_mfcc, values });
            }
            if self.mel_spectrogram {
                let mut values = Vec::with_capacity(self.frames * BANDS);
                for (block, bands) in blocks() {
                    for lane in 0..frames_of(block) {
                        values.extend(bands.iter().map(|lanes| f64::from(lanes[lane])));
                    }
                }
                tracks.insert(FeatureName::MelSpectrogram, Track { width: BANDS, values });
            }
        }
        let contrast = self.contrast.map(|(_, extremes, _)| extremes.contrast());
        for (name, width, values) in [
            (FeatureName::SpectralCentroid, 1, self.centroid),
            (FeatureName::SpectralBandwidth, 1, self.bandwidth),
            (FeatureName::SpectralRolloff, 1, self.rolloff),
            (FeatureName::SpectralFlatness, 1, self.flatness),
            (FeatureName::SpectralContrast, CONTRAST_BANDS, contrast),
            (FeatureName::SpectralFlux, 1, self.flux.map(|(_, values)| values)),
        ] {
            tracks.extend(values.map(|values| (name, Track { width, values })));
        }
    }
}

impl Track {
    /// Mean and population deviation over frames, for each coefficient.
    fn summary(self, keep_frames: bool) -> Summary {
        let frames = (self.values.len() / self.width).max(1) as f64;
        let mut mean = vec![0.0; self.width];
        for frame in self.values.chunks_exact(self.width) {
            for (sum, value) in mean.iter_mut().zip(frame) {
                *sum += value;
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= frames);
        let mut std = vec![0.0; self.width];
        for frame in self.values.chunks_exact(self.width) {
            for ((sum, value), mean) in std.iter_mut().zip(frame).zip(&mean) {
                *sum += (value - mean) * (value - mean);
            }
        }
        std.iter_mut().for_each(|sum| *sum = (*sum / frames).sqrt());
        let kept = || {
            let frame = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
            self.values.chunks_exact(self.width).map(frame).collect()
        };
        Summary {
            mean,
            std,
            frames: keep_frames.then(kept),
        }
    }
}
