//! One pass over a clip's spectrum, which updates every selected spectral feature from each block of frames.
//!
//! In: blocks in order. Out: tracks. All memory is allocated at the start.

use std::{collections::BTreeMap, sync::Arc};

use domain::FeatureName;
use pulp::Arch;

use crate::{
    FeatureOptions,
    mel::{self, BANDS, Mel},
    spectral::{self, CONTRAST_BANDS, Contrast, Extremes, Flux, Moments},
    spectrum::{Powers, Spectrum},
    stft::{Block, LANES, Lanes},
    track::Track,
};

/// The state of a pass.
pub(crate) struct SpectralPass {
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
    powers: Option<Powers>,
}

impl SpectralPass {
    /// `mel` returns the filters, computed or cached; `spectrum`: whether the pass also sums up what [`Spectrum`]
    /// consists of.
    pub(crate) fn new(
        options: &FeatureOptions,
        (frames, rate): (usize, u32),
        spectrum: bool,
        mel: impl FnOnce() -> Arc<Mel>,
    ) -> Self {
        let FeatureOptions {
            names, n_fft, n_mfcc, ..
        } = options;
        let bin_hertz = f64::from(rate) / *n_fft as f64;
        let wants = |name| names.contains(&name) || (spectrum && Spectrum::TRACKS.contains(&name));
        let track = |name| wants(name).then(|| Vec::with_capacity(frames));
        let [mfcc, mel_spectrogram] = [FeatureName::Mfcc, FeatureName::MelSpectrogram].map(wants);
        let contrast = || {
            let bins = n_fft / 2 + 1;
            Some((
                Contrast::new(bins, bin_hertz)?,
                Extremes::with_frames(frames),
                Vec::with_capacity(bins),
            ))
        };
        let decibels = || Vec::with_capacity(frames.div_ceil(LANES) * BANDS);
        Self {
            arch: Arch::new(),
            frames,
            bin_hertz,
            moments: [
                FeatureName::SpectralCentroid,
                FeatureName::SpectralBandwidth,
                FeatureName::SpectralRolloff,
                FeatureName::SpectralFlux,
            ]
            .into_iter()
            .any(wants),
            powers: spectrum.then(|| Powers::new(n_fft / 2 + 1)),
            centroid: track(FeatureName::SpectralCentroid),
            bandwidth: track(FeatureName::SpectralBandwidth),
            rolloff: track(FeatureName::SpectralRolloff),
            flatness: track(FeatureName::SpectralFlatness),
            contrast: wants(FeatureName::SpectralContrast).then(contrast).flatten(),
            flux: track(FeatureName::SpectralFlux).map(|values| (Flux::new(), values)),
            mel: (mfcc || mel_spectrogram).then(|| (mel(), decibels())),
            mfcc,
            n_mfcc: *n_mfcc,
            mel_spectrogram,
        }
    }

    pub(crate) fn take(&mut self, block: &Block) {
        let (bin_hertz, lanes, arch) = (self.bin_hertz, 0..block.frames, self.arch);
        if self.moments {
            let moments = arch.dispatch(|| Moments::of(block));
            if let Some(track) = &mut self.centroid {
                track.extend(lanes.clone().map(|lane| moments.centroid(lane, bin_hertz)));
            }
            if let Some(track) = &mut self.bandwidth {
                track.extend(lanes.clone().map(|lane| moments.bandwidth(lane, bin_hertz)));
            }
            if let Some(track) = &mut self.rolloff {
                let bins = arch.dispatch(|| spectral::rolloff(block, &moments));
                track.extend(bins[lanes.clone()].iter().map(|bin| f64::from(*bin) * bin_hertz));
            }
            if let Some((flux, track)) = &mut self.flux {
                track.extend_from_slice(&arch.dispatch(|| flux.of(block, &moments))[..block.frames]);
            }
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
        if let Some(powers) = &mut self.powers {
            arch.dispatch(|| powers.add(block));
        }
    }

    /// Returns the mean power of each bin, if it was summed up.
    pub(crate) fn finish(mut self, tracks: &mut BTreeMap<FeatureName, Track>) -> Option<Vec<f64>> {
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
                tracks.insert(
                    FeatureName::Mfcc,
                    Track {
                        width: self.n_mfcc,
                        values,
                    },
                );
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
        self.powers.map(|powers| powers.means(self.frames))
    }
}
