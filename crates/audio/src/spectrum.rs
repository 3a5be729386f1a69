//! The short-time spectrum as librosa's `stft` has it: periodic Hann window, frames centred, zeros beyond the edges.
//!
//! In: samples. Out: magnitudes, frame after frame. librosa computes the FFT of single-precision audio in double
//! precision and keeps single precision; a single-precision FFT would be off by hertz in the features on top.

use std::{f64::consts::TAU, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex};

/// Window and plan of one FFT length.
pub(crate) struct Stft {
    n_fft: usize,
    hop: usize,
    window: Vec<f64>,
    plan: Arc<dyn RealToComplex<f64>>,
}

impl std::fmt::Debug for Stft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stft")
            .field("n_fft", &self.n_fft)
            .field("hop", &self.hop)
            .finish_non_exhaustive()
    }
}

/// Magnitudes of a clip.
#[derive(Debug)]
pub(crate) struct Spectrum {
    /// Magnitudes, `frames × bins`.
    pub(crate) magnitudes: Vec<f32>,
    /// Bins of a frame: `n_fft` / 2 + 1.
    pub(crate) bins: usize,
}

impl Spectrum {
    pub(crate) fn frames(&self) -> std::slice::ChunksExact<'_, f32> {
        self.magnitudes.chunks_exact(self.bins)
    }
}

impl Stft {
    pub(crate) fn new(n_fft: usize, hop: usize) -> Self {
        let window = (0..n_fft)
            .map(|i| 0.5 - 0.5 * (TAU * i as f64 / n_fft as f64).cos())
            .collect();
        Self {
            n_fft,
            hop,
            window,
            plan: RealFftPlanner::new().plan_fft_forward(n_fft),
        }
    }

    /// How many frames `samples` samples have.
    pub(crate) fn frame_count(&self, samples: usize) -> usize {
        1 + samples / self.hop
    }

    pub(crate) fn magnitudes(&self, samples: &[f32]) -> Spectrum {
        let frames = self.frame_count(samples.len());
        let bins = self.n_fft / 2 + 1;
        let half = self.n_fft / 2;
        let mut magnitudes = Vec::with_capacity(frames * bins);
        let mut input = self.plan.make_input_vec();
        let mut output = self.plan.make_output_vec();
        let mut scratch = self.plan.make_scratch_vec();
        for frame in 0..frames {
            // Of the frame's n_fft samples those from `first` on exist; before and behind them are zeros.
            let begin = (frame * self.hop) as isize - half as isize;
            let before = (-begin).clamp(0, self.n_fft as isize) as usize;
            let first = begin.max(0) as usize;
            let present = samples.len().saturating_sub(first).min(self.n_fft - before);
            input[..before].fill(0.0);
            input[before + present..].fill(0.0);
            let windowed = input[before..before + present]
                .iter_mut()
                .zip(&samples[first.min(samples.len())..])
                .zip(&self.window[before..]);
            for ((slot, sample), weight) in windowed {
                *slot = f64::from(*sample) * weight;
            }
            self.plan
                .process_with_scratch(&mut input, &mut output, &mut scratch)
                .expect("the buffers are the plan's own");
            magnitudes.extend(output.iter().map(|bin| {
                // complex64 first, as librosa stores it.
                let (re, im) = (f64::from(bin.re as f32), f64::from(bin.im as f32));
                (re * re + im * im).sqrt() as f32
            }));
        }
        Spectrum { magnitudes, bins }
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
        let spectrum = Stft::new(2048, 512).magnitudes(&samples);
        let middle = spectrum.frames().nth(8).unwrap();
        let loudest = (0..spectrum.bins)
            .max_by(|a, b| middle[*a].total_cmp(&middle[*b]))
            .unwrap();
        // A Hann window passes half of a cosine's amplitude times n_fft / 2.
        assert_eq!(loudest, 64);
        assert!((middle[64] - 512.0).abs() < 1e-2, "{}", middle[64]);
    }

    #[test]
    fn any_length_gives_its_frames() {
        let stft = Stft::new(2048, 512);
        for samples in [1, 100, 511, 512, 2047, 2048, 5000] {
            let spectrum = stft.magnitudes(&vec![0.5; samples]);
            assert_eq!(spectrum.frames().count(), 1 + samples / 512);
        }
    }
}
