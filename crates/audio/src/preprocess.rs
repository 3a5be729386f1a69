//! Preprocessing of samples. It is off by default, because models are trained without it.
//!
//! In: samples at the extraction's rate. Out: as many samples. Never clips.

use crate::{
    gate,
    options::{Normalization, Preprocessing},
    waveform::sum_of_squares,
};

/// −20 dBFS.
const RMS_TARGET: f64 = 0.1;

pub(crate) fn apply(steps: Preprocessing, samples: &mut Vec<f32>, rate: u32) {
    if steps.remove_dc {
        let mean = samples.iter().map(|s| f64::from(*s)).sum::<f64>() / samples.len().max(1) as f64;
        for sample in samples.iter_mut() {
            *sample = (f64::from(*sample) - mean) as f32;
        }
    }
    if steps.noise_reduction {
        *samples = gate::reduce_noise(samples, rate);
    }
    let height = match steps.normalization {
        Normalization::None => return,
        Normalization::Peak => f64::from(samples.iter().fold(0_f32, |peak, s| peak.max(s.abs()))),
        Normalization::Rms => (sum_of_squares(samples) / samples.len().max(1) as f64).sqrt() / RMS_TARGET,
    };
    // Silence, or so little that scaling would only amplify rounding errors.
    if height > 1e-9 {
        for sample in samples.iter_mut() {
            *sample = (f64::from(*sample) / height) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip() -> Vec<f32> {
        (0..4_000_u16)
            .map(|i| (f32::from(i) * 0.3).sin() * 0.2 + 0.1)
            .collect()
    }

    fn after(steps: Preprocessing) -> Vec<f32> {
        let mut samples = clip();
        apply(steps, &mut samples, 16_000);
        samples
    }

    #[test]
    fn nothing_is_the_default() {
        assert!(after(Preprocessing::default()) == clip());
    }

    #[test]
    fn each_step_does_what_it_says() {
        let centred = after(Preprocessing {
            remove_dc: true,
            ..Preprocessing::default()
        });
        assert!((centred.iter().sum::<f32>() / 4_000.0).abs() < 1e-6);
        let peak = after(Preprocessing {
            normalization: Normalization::Peak,
            ..Preprocessing::default()
        });
        assert!((peak.iter().fold(0_f32, |a, b| a.max(b.abs())) - 1.0).abs() < 1e-6);
        let rms = after(Preprocessing {
            normalization: Normalization::Rms,
            ..Preprocessing::default()
        });
        assert!((sum_of_squares(&rms) / 4_000.0 - 0.01).abs() < 1e-6);
    }

    #[test]
    fn silence_stays_silence() {
        for normalization in [Normalization::Peak, Normalization::Rms] {
            let mut silence = vec![0.0; 3_000];
            let steps = Preprocessing {
                remove_dc: true,
                noise_reduction: true,
                normalization,
            };
            apply(steps, &mut silence, 16_000);
            assert!(silence == vec![0.0; 3_000]);
        }
    }
}
