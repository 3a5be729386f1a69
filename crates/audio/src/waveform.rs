//! Time-domain features: RMS, zero-crossing rate and level.
//!
//! In: samples. Out: one value per centred frame, as librosa defines it, or per clip. Frames overlap, so sums are
//! computed once for the steps that frames consist of.

use domain::Level;

/// Samples within this of zero count as zero, as in librosa.
const SILENT: f32 = 1e-10;
const SILENCE_DBFS: f64 = -120.0;
/// Intervals per second for the maximum level.
const INTERVALS: usize = 8;

/// Running sums over steps of a clip: entry `k` is the sum before sample `k · step`.
#[derive(Debug)]
pub(crate) struct Steps {
    step: usize,
    samples: usize,
    frame: usize,
    hop: usize,
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

impl Steps {
    pub(crate) fn new(samples: usize, frame: usize, hop: usize) -> Self {
        Self {
            step: greatest_common_divisor(hop, frame / 2),
            samples,
            frame,
            hop,
        }
    }

    /// The sum before each step, then the total.
    fn running<T: Copy + Default + std::ops::Add<Output = T>>(
        &self,
        of_step: impl Fn(std::ops::Range<usize>) -> T,
    ) -> Vec<T> {
        let mut sum = T::default();
        let mut sums = Vec::with_capacity(self.samples / self.step + 2);
        sums.push(sum);
        for begin in (0..self.samples).step_by(self.step) {
            sum = sum + of_step(begin..(begin + self.step).min(self.samples));
            sums.push(sum);
        }
        sums
    }

    /// Returns for each frame its first and last step and its first sample, within the clip.
    fn frames(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        (0..=self.samples / self.hop).map(|index| {
            let begin = (index * self.hop)
                .saturating_sub(self.frame / 2)
                .min(self.samples);
            let end = (index * self.hop + self.frame / 2).min(self.samples);
            (begin / self.step, end.div_ceil(self.step), begin)
        })
    }

    /// `librosa.feature.rms` of centred frames, full scale 1; zeros beyond the edges.
    pub(crate) fn rms(&self, samples: &[f32]) -> Vec<f64> {
        let sums = self.running(|range| sum_of_squares(&samples[range]));
        self.frames()
            .map(|(begin, end, _)| ((sums[end] - sums[begin]).max(0.0) / self.frame as f64).sqrt())
            .collect()
    }

    /// `librosa.feature.zero_crossing_rate` of centred frames. The first and last samples are repeated beyond the
    /// ends, so there are no crossings there. Samples within 1e-10 of zero count as zero, and zero as positive.
    pub(crate) fn zero_crossing_rate(&self, samples: &[f32]) -> Vec<f64> {
        let negative = |sample: f32| sample < -SILENT;
        let crossed = |at: usize| at > 0 && negative(samples[at]) != negative(samples[at - 1]);
        let sums = self.running(|range| {
            let inside: u32 = samples[range.clone()]
                .iter()
                .zip(&samples[range.start + 1..range.end.max(range.start + 1)])
                .map(|(a, b)| u32::from(negative(*a) != negative(*b)))
                .sum();
            inside + u32::from(crossed(range.start))
        });
        self.frames()
            .map(|(begin, end, first)| {
                // A frame's first sample is never a crossing.
                let entering = u32::from(begin < end && crossed(first));
                f64::from(sums[end].saturating_sub(sums[begin] + entering)) / self.frame as f64
            })
            .collect()
    }
}

/// Sums in double precision, in eight independent lanes.
pub(crate) fn sum_of_squares(samples: &[f32]) -> f64 {
    let (eights, rest) = samples.as_chunks::<8>();
    let mut sums = [0_f64; 8];
    for eight in eights {
        for (sum, sample) in sums.iter_mut().zip(eight) {
            *sum += f64::from(*sample) * f64::from(*sample);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>()
}

fn dbfs(mean_square: f64) -> f64 {
    if mean_square > 0.0 {
        (10.0 * mean_square.log10()).max(SILENCE_DBFS)
    } else {
        SILENCE_DBFS
    }
}

/// Levels in decibels relative to full scale: 10·log10 of the mean square, so that a full-scale sine is −3.01 dBFS,
/// and −120 for silence. Equivalent: of the whole clip (`L_eq` of IEC 61672-1, without frequency weighting). Maximum:
/// the highest equivalent level of consecutive intervals of an eighth of a second, the time constant "Fast" of that
/// standard. A remainder shorter than half an interval belongs to the last one.
pub(crate) fn level(samples: &[f32], rate: u32) -> Level {
    let interval = (rate as usize / INTERVALS).max(1);
    let (mut total, mut loudest) = (0.0, 0.0_f64);
    let mut begin = 0;
    while begin < samples.len() {
        let left = samples.len() - begin;
        let length = if left < interval + interval / 2 {
            left
        } else {
            interval
        };
        let squares = sum_of_squares(&samples[begin..begin + length]);
        total += squares;
        loudest = loudest.max(squares / length as f64);
        begin += length;
    }
    Level {
        equivalent_dbfs: dbfs(total / samples.len().max(1) as f64),
        max_dbfs: dbfs(loudest),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the definition has it, sample by sample.
    fn plainly(samples: &[f32], frame: usize, hop: usize) -> (Vec<f64>, Vec<f64>) {
        let negative = |at: usize| samples[at] < 0.0 && samples[at].abs() > SILENT;
        (0..=samples.len() / hop)
            .map(|index| {
                let begin = (index * hop).saturating_sub(frame / 2);
                let end = (index * hop + frame / 2).min(samples.len());
                let squares: f64 = (begin..end).map(|at| f64::from(samples[at]).powi(2)).sum();
                let crossings = (begin + 1..end).filter(|at| negative(*at) != negative(at - 1));
                (
                    (squares / frame as f64).sqrt(),
                    crossings.count() as f64 / frame as f64,
                )
            })
            .unzip()
    }

    proptest! {
        #[test]
        fn steps_change_nothing(
            samples in prop::collection::vec(prop_oneof![-1.0_f32..1.0, Just(0.0), Just(-1e-11)], 0..400),
            half in 1_usize..40,
            hop in 1_usize..60,
        ) {
            let steps = Steps::new(samples.len(), 2 * half, hop);
            let (rms, rate) = plainly(&samples, 2 * half, hop);
            for (ours, plain) in steps.rms(&samples).iter().zip(&rms) {
                prop_assert!((ours - plain).abs() < 1e-7, "{} {}", ours, plain);
            }
            prop_assert_eq!(steps.zero_crossing_rate(&samples), rate);
        }

        #[test]
        fn the_maximum_is_never_below_the_equivalent(samples in prop::collection::vec(-1.0_f32..1.0, 0..4_000)) {
            let level = level(&samples, 8_000);
            prop_assert!(level.max_dbfs >= level.equivalent_dbfs - 1e-9);
        }
    }

    #[test]
    fn a_full_scale_sine_is_three_decibels_below_a_square() {
        let sine: Vec<f32> = (0..16_000)
            .map(|i| (std::f64::consts::TAU * 1_000.0 * f64::from(i) / 16_000.0).sin() as f32)
            .collect();
        let mut burst = vec![0.0; 16_000];
        burst[8_000..10_000].copy_from_slice(&sine[..2_000]);
        let steady = level(&sine, 16_000);
        assert!((steady.equivalent_dbfs + 3.0103).abs() < 1e-3 && (steady.max_dbfs + 3.0103).abs() < 1e-3);
        let burst = level(&burst, 16_000);
        assert!((burst.max_dbfs + 3.0103).abs() < 1e-3, "{burst:?}");
        assert!(
            (burst.equivalent_dbfs + 3.0103 + 9.0309).abs() < 1e-3,
            "{burst:?}"
        );
        assert!((level(&[0.0; 100], 16_000).max_dbfs + 120.0).abs() < 1e-9);
    }
}
