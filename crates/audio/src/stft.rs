//! The short-time Fourier transform as librosa computes it: periodic Hann window, centred frames, zeros beyond the
//! ends.
//!
//! In: samples. Out: magnitudes, eight frames side by side, so that each loop over bins handles eight frames at once.
//! librosa computes the FFT of single-precision audio in double precision and stores single precision. With a
//! single-precision FFT, features would differ by whole hertz.
#![expect(
    clippy::inline_always,
    reason = "compiled once for each width of the processor's vectors"
)]

use std::{f64::consts::TAU, sync::Arc};

use pulp::Arch;
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// Number of frames in a [`Block`].
pub(crate) const LANES: usize = 8;

/// One number for each frame of a block.
pub(crate) type Lanes<T> = [T; LANES];

/// Magnitudes of up to eight consecutive frames, bin after bin; lanes beyond `frames` hold zeros.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) bins: Vec<Lanes<f32>>,
    pub(crate) frames: usize,
}

/// Window and plan of one FFT length.
pub(crate) struct Stft {
    n_fft: usize,
    hop: usize,
    window: Vec<f64>,
    plan: Arc<dyn RealToComplex<f64>>,
    arch: Arch,
}

impl std::fmt::Debug for Stft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stft")
            .field("n_fft", &self.n_fft)
            .field("hop", &self.hop)
            .finish_non_exhaustive()
    }
}

/// Buffers of one computation, reused by the next.
#[derive(Debug)]
pub(crate) struct Workspace {
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    row: Vec<f32>,
    pub(crate) block: Block,
}

/// Periodic Hann window.
pub(crate) fn hann(length: usize) -> Vec<f64> {
    (0..length)
        .map(|i| 0.5 - 0.5 * (TAU * i as f64 / length as f64).cos())
        .collect()
}

impl Stft {
    pub(crate) fn new(n_fft: usize, hop: usize) -> Self {
        Self {
            n_fft,
            hop,
            window: hann(n_fft),
            plan: RealFftPlanner::new().plan_fft_forward(n_fft),
            arch: Arch::new(),
        }
    }

    /// Bins of a frame.
    pub(crate) fn bins(&self) -> usize {
        self.n_fft / 2 + 1
    }

    /// Returns the number of frames of `samples` samples.
    pub(crate) fn frame_count(&self, samples: usize) -> usize {
        1 + samples / self.hop
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace {
            input: self.plan.make_input_vec(),
            output: self.plan.make_output_vec(),
            scratch: self.plan.make_scratch_vec(),
            row: vec![0.0; self.bins()],
            block: Block {
                bins: vec![[0.0; LANES]; self.bins()],
                frames: 0,
            },
        }
    }

    /// Fills the block with the frames from `first` on.
    pub(crate) fn fill(&self, samples: &[f32], first: usize, work: &mut Workspace) {
        work.block.frames = (self.frame_count(samples.len()) - first).min(LANES);
        if work.block.frames < LANES {
            work.block.bins.fill([0.0; LANES]);
        }
        for lane in 0..work.block.frames {
            self.magnitudes(samples, first + lane, work);
            for (slot, magnitude) in work.block.bins.iter_mut().zip(&work.row) {
                slot[lane] = *magnitude;
            }
        }
    }

    fn magnitudes(&self, samples: &[f32], frame: usize, work: &mut Workspace) {
        // The frame's samples outside the clip are zeros.
        let begin = (frame * self.hop) as isize - (self.n_fft / 2) as isize;
        let before = (-begin).clamp(0, self.n_fft as isize) as usize;
        let first = begin.max(0) as usize;
        let present = samples.len().saturating_sub(first).min(self.n_fft - before);
        let input = &mut work.input;
        input[..before].fill(0.0);
        input[before + present..].fill(0.0);
        let windowed = &mut input[before..before + present];
        let samples = &samples[first.min(samples.len())..];
        self.arch
            .dispatch(|| window(windowed, samples, &self.window[before..]));
        self.plan
            .process_with_scratch(input, &mut work.output, &mut work.scratch)
            .expect("the buffers are the plan's own");
        self.arch.dispatch(|| absolute(&mut work.row, &work.output));
    }
}

#[inline(always)]
fn window(slots: &mut [f64], samples: &[f32], weights: &[f64]) {
    for ((slot, sample), weight) in slots.iter_mut().zip(samples).zip(weights) {
        *slot = f64::from(*sample) * weight;
    }
}

#[inline(always)]
fn absolute(magnitudes: &mut [f32], bins: &[Complex<f64>]) {
    for (magnitude, bin) in magnitudes.iter_mut().zip(bins) {
        // complex64 first, as librosa stores it.
        let (re, im) = (f64::from(bin.re as f32), f64::from(bin.im as f32));
        *magnitude = (re * re + im * im).sqrt() as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_in_its_bin() {
        let samples: Vec<f32> = (0..8192)
            .map(|i| (TAU * 64.0 * f64::from(i) / 2048.0).cos() as f32)
            .collect();
        let stft = Stft::new(2048, 512);
        let mut work = stft.workspace();
        stft.fill(&samples, 8, &mut work);
        let bins = &work.block.bins;
        let loudest = (0..bins.len())
            .max_by(|a, b| bins[*a][0].total_cmp(&bins[*b][0]))
            .unwrap();
        // A Hann window passes half of a cosine's amplitude times n_fft / 2.
        assert_eq!(loudest, 64);
        assert!((bins[64][0] - 512.0).abs() < 1e-2, "{}", bins[64][0]);
    }

    #[test]
    fn the_last_block_ends_with_the_clip() {
        let stft = Stft::new(2048, 512);
        let mut work = stft.workspace();
        let samples = vec![0.5; 5_000];
        stft.fill(&samples, 0, &mut work);
        assert_eq!(work.block.frames, 8);
        stft.fill(&samples, 8, &mut work);
        assert_eq!((work.block.frames, stft.frame_count(5_000)), (2, 10));
        assert!(work.block.bins.iter().all(|lanes| lanes[2..] == [0.0; 6]));
    }
}
