//! Stationary spectral gating: removes what does not exceed a frequency's usual level.
//!
//! After Sainburg, Thielk and Gentner (2020) and Sainburg and Zorea, "Noisereduce" (2024), in its stationary form with
//! its defaults, the clip itself being the noise: threshold = mean + 1.5 deviations of each bin's decibels (80 below
//! the loudest at most) over time; the mask is smoothed with a triangle of 500 Hz by 50 ms.

use realfft::{RealFftPlanner, num_complex::Complex};

use crate::stft::hann;

const N_FFT: usize = 1024;
const HOP: usize = N_FFT / 4;
const BINS: usize = N_FFT / 2 + 1;
const DEVIATIONS: f32 = 1.5;
const SMOOTH_HERTZ: f64 = 500.0;
const SMOOTH_SECONDS: f64 = 0.05;
/// Levels reach this far below the loudest.
const TOP_DB: f32 = 80.0;
/// As amplitude: −200 dB.
const FLOOR: f32 = 1e-10;

pub(crate) fn reduce_noise(samples: &[f32], rate: u32) -> Vec<f32> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(N_FFT), planner.plan_fft_inverse(N_FFT));
    let window: Vec<f32> = hann(N_FFT).into_iter().map(|w| w as f32).collect();
    // Half a frame of silence at both ends, so that every sample lies in several frames and no frame is empty.
    let mut padded = vec![0_f32; samples.len().next_multiple_of(HOP) + N_FFT];
    padded[N_FFT / 2..][..samples.len()].copy_from_slice(samples);
    let frames = (padded.len() - N_FFT) / HOP + 1;

    let mut spectra = vec![Complex::default(); frames * BINS];
    let mut input = forward.make_input_vec();
    for (frame, spectrum) in spectra.chunks_exact_mut(BINS).enumerate() {
        for ((slot, sample), weight) in input.iter_mut().zip(&padded[frame * HOP..]).zip(&window) {
            *slot = sample * weight;
        }
        forward
            .process(&mut input, spectrum)
            .expect("the lengths are the plan's own");
    }

    let mask = smoothed_mask(&spectra, rate);
    let mut sum = vec![0_f32; padded.len()];
    let mut weights = vec![0_f32; padded.len()];
    let mut output = inverse.make_output_vec();
    for (frame, (spectrum, mask)) in spectra
        .chunks_exact_mut(BINS)
        .zip(mask.chunks_exact(BINS))
        .enumerate()
    {
        for (bin, mask) in spectrum.iter_mut().zip(mask) {
            *bin *= mask / N_FFT as f32;
        }
        // A real signal's first and last bins are real; masking by real numbers keeps them so.
        spectrum[0].im = 0.0;
        spectrum[BINS - 1].im = 0.0;
        inverse
            .process(spectrum, &mut output)
            .expect("the lengths are the plan's own");
        for (at, (value, window)) in output.iter().zip(&window).enumerate() {
            sum[frame * HOP + at] += value * window;
            weights[frame * HOP + at] += window * window;
        }
    }
    let inside = N_FFT / 2..N_FFT / 2 + samples.len();
    let overlapped = sum[inside.clone()].iter().zip(&weights[inside]);
    overlapped.map(|(sum, weight)| sum / weight.max(FLOOR)).collect()
}

/// Returns the gain of each bin of each frame, 0 to 1, `frames × BINS`.
fn smoothed_mask(spectra: &[Complex<f32>], rate: u32) -> Vec<f32> {
    let frames = spectra.len() / BINS;
    let mut levels: Vec<f32> = spectra
        .iter()
        .map(|bin| 20.0 * bin.norm().max(FLOOR).log10())
        .collect();
    // Digital silence would inflate the deviations.
    let floor = levels.iter().copied().fold(f32::MIN, f32::max) - TOP_DB;
    for level in &mut levels {
        *level = level.max(floor);
    }
    let threshold: Vec<f32> = (0..BINS)
        .map(|bin| {
            let column = || levels[bin..].iter().step_by(BINS);
            let mean = column().sum::<f32>() / frames as f32;
            let variance = column().map(|level| (level - mean).powi(2)).sum::<f32>() / frames as f32;
            mean + DEVIATIONS * variance.sqrt()
        })
        .collect();
    let mask: Vec<f32> = levels
        .chunks_exact(BINS)
        .flat_map(|frame| frame.iter().zip(&threshold))
        .map(|(level, threshold)| f32::from(u8::from(level > threshold)))
        .collect();
    let wide = (SMOOTH_HERTZ / (f64::from(rate) / N_FFT as f64)) as usize;
    let long = (SMOOTH_SECONDS / (HOP as f64 / f64::from(rate))) as usize;
    let over_bins: Vec<f32> = mask
        .chunks_exact(BINS)
        .flat_map(|frame| smooth(frame, wide))
        .collect();
    let columns: Vec<Vec<f32>> = (0..BINS)
        .map(|bin| {
            let column: Vec<f32> = over_bins[bin..].iter().step_by(BINS).copied().collect();
            smooth(&column, long)
        })
        .collect();
    (0..frames)
        .flat_map(|frame| columns.iter().map(move |column| column[frame]))
        .collect()
}

/// Convolution with a triangle of `2 · reach + 1` weights whose sum is one; zeros beyond the ends.
fn smooth(values: &[f32], reach: usize) -> Vec<f32> {
    let total = ((reach + 1) * (reach + 1)) as f32;
    (0..values.len())
        .map(|at| {
            let first = at.saturating_sub(reach);
            let last = (at + reach).min(values.len() - 1);
            let weighted =
                (first..=last).map(|other| (reach + 1 - at.abs_diff(other)) as f32 * values[other]);
            weighted.sum::<f32>() / total
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy(samples: &[f32]) -> f64 {
        samples.iter().map(|s| f64::from(*s).powi(2)).sum()
    }

    #[test]
    fn steady_noise_goes_and_a_call_stays() {
        let mut state = 1_u32;
        let mut samples: Vec<f32> = (0..32_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / 8_388_608.0 - 1.0) * 0.02
            })
            .collect();
        for sample in &mut samples[16_000..19_000] {
            *sample *= 25.0;
        }
        let clean = reduce_noise(&samples, 16_000);
        assert_eq!(clean.len(), samples.len());
        let noise_left = energy(&clean[..12_000]) / energy(&samples[..12_000]);
        let call_left = energy(&clean[16_500..18_500]) / energy(&samples[16_500..18_500]);
        assert!(
            noise_left < 0.05 && call_left > 0.7,
            "noise {noise_left}, call {call_left}"
        );
    }

    #[test]
    fn short_clips_keep_their_length() {
        for length in [0, 1, 255, 256, 257, 1_023, 1_025] {
            assert_eq!(reduce_noise(&vec![0.1; length], 16_000).len(), length);
        }
    }
}
