//! Resampling close to soxr's high quality, which librosa uses: a linear-phase polyphase filter.
//!
//! In: samples at one rate. Out: ceil(n · to / from) samples at another, exactly centred. Kaiser window,
//! pass band to 0.91365 and stop band from 1.0 of the lower Nyquist frequency; the attenuations are those at which clips
//! come out closest to soxr's (66 to 70 dB on a chirp across the new Nyquist frequency).

const UPWARD_DB: f64 = 126.0;
const DOWNWARD_DB: f64 = 134.5;
const PASS: f64 = 0.91365;
/// Ratios with more phases than this share a table and interpolate between its rows.
const MAX_PHASES: u64 = 1024;
const SHARED_PHASES: usize = 2048;

/// The taps from one rate to another.
#[derive(Debug)]
pub(crate) struct Resampler {
    from: u64,
    to: u64,
    /// Taps on each side of an output's place.
    half: usize,
    /// `phases + 1` rows of `2 · half` taps; the last row is the first, one sample on.
    taps: Vec<f32>,
    phases: usize,
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let divisor = greatest_common_divisor(u64::from(from), u64::from(to));
        let (from, to) = (u64::from(from) / divisor, u64::from(to) / divisor);
        // Frequencies in cycles per input sample.
        let nyquist = 0.5 * (to as f64 / from as f64).min(1.0);
        let (cutoff, width) = (nyquist * f64::midpoint(1.0, PASS), nyquist * (1.0 - PASS));
        let attenuation = if to > from { UPWARD_DB } else { DOWNWARD_DB };
        let beta = 0.1102 * (attenuation - 8.7);
        let length = (attenuation - 7.95) / (2.285 * std::f64::consts::TAU * width);
        let half = (length / 2.0).ceil() as usize;
        let phases = if to <= MAX_PHASES {
            to as usize
        } else {
            SHARED_PHASES
        };
        let scale = bessel_i0(beta);
        let tap = |distance: f64| {
            let place = distance / half as f64;
            if place.abs() >= 1.0 {
                return 0.0;
            }
            let angle = std::f64::consts::TAU * cutoff * distance;
            let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
            2.0 * cutoff * sinc * bessel_i0(beta * (1.0 - place * place).sqrt()) / scale
        };
        let mut taps = Vec::with_capacity((phases + 1) * 2 * half);
        for phase in 0..=phases {
            let fraction = phase as f64 / phases as f64;
            taps.extend((0..2 * half).map(|i| tap(i as f64 - (half as f64 - 1.0) - fraction) as f32));
        }
        Self {
            from,
            to,
            half,
            taps,
            phases,
        }
    }

    pub(crate) fn run(&self, samples: &[f32]) -> Vec<f32> {
        let outputs = (samples.len() as u64 * self.to).div_ceil(self.from);
        (0..outputs).map(|n| self.output(samples, n)).collect()
    }

    fn output(&self, samples: &[f32], n: u64) -> f32 {
        // The output lies between input samples `at` and `at + 1`.
        let (at, remainder) = ((n * self.from / self.to) as isize, n * self.from % self.to);
        let first = at - self.half as isize + 1;
        let skip = (-first).max(0) as usize;
        let begin = first.max(0) as usize;
        let end = ((first + 2 * self.half as isize).max(0) as usize).min(samples.len());
        let Some(present) = samples.get(begin..end) else {
            return 0.0;
        };
        let row = |phase: usize| &self.taps[phase * 2 * self.half + skip..];
        let place = remainder as f64 * self.phases as f64 / self.to as f64;
        let (phase, between) = (place as usize, place.fract());
        let here = dot(row(phase), present);
        if between == 0.0 {
            here
        } else {
            here + (dot(row(phase + 1), present) - here) * between as f32
        }
    }
}

fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let n = taps.len().min(samples.len());
    let (taps, samples) = (&taps[..n], &samples[..n]);
    let mut sums = [0_f32; 8];
    for (t, s) in taps.chunks_exact(8).zip(samples.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += t[lane] * s[lane];
        }
    }
    let rest = n - n % 8;
    sums.iter().sum::<f32>()
        + taps[rest..]
            .iter()
            .zip(&samples[rest..])
            .map(|(t, s)| t * s)
            .sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|i| (std::f64::consts::TAU * hertz * i as f64 / f64::from(rate)).sin() as f32)
            .collect()
    }

    #[test]
    fn a_tone_keeps_its_place_and_height() {
        for from in [8_000, 22_050, 44_100, 48_000, 44_099, 192_000] {
            let out = Resampler::new(from, 16_000).run(&tone(from, 1_000.0, from as usize / 4));
            let expected = tone(16_000, 1_000.0, out.len());
            let worst = out
                .iter()
                .zip(&expected)
                .skip(1_000)
                .take(2_000)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 1e-4, "{from}: {worst}");
        }
    }

    #[test]
    fn what_does_not_fit_is_gone() {
        let out = Resampler::new(44_100, 16_000).run(&tone(44_100, 9_000.0, 22_050));
        let loudest = out
            .iter()
            .skip(500)
            .take(out.len() - 1_000)
            .fold(0.0_f32, |a, b| a.max(b.abs()));
        assert!(loudest < 1e-5, "{loudest}");
    }
}
