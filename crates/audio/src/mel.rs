//! Mel-frequency cepstral coefficients as `librosa.feature.mfcc` computes them: Slaney's mel scale and area
//! normalisation, 128 bands, decibels 80 below the clip's loudest band at most, orthonormal DCT-II.

use std::f64::consts::PI;

use crate::spectrum::Spectrum;

const BANDS: usize = 128;
const FLOOR: f32 = 1e-10;
const TOP_DB: f32 = 80.0;

/// Filters and cosines of one sample rate.
#[derive(Debug)]
pub(crate) struct Mel {
    filters: Vec<Filter>,
    /// `n_mfcc × BANDS`
    cosines: Vec<f32>,
    n_mfcc: usize,
}

/// The bins under one triangle.
#[derive(Debug)]
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

/// Slaney's scale: linear to 1 kHz, logarithmic above.
fn to_mel(hertz: f64) -> f64 {
    const STEP: f64 = 200.0 / 3.0;
    if hertz < 1000.0 {
        hertz / STEP
    } else {
        15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4_f64.ln()
    }
}

fn to_hertz(mel: f64) -> f64 {
    const STEP: f64 = 200.0 / 3.0;
    if mel < 15.0 {
        mel * STEP
    } else {
        1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp()
    }
}

impl Mel {
    pub(crate) fn new(rate: u32, n_fft: usize, n_mfcc: usize) -> Self {
        let bin_hertz = f64::from(rate) / n_fft as f64;
        let top = to_mel(f64::from(rate) / 2.0);
        let edges: Vec<f64> = (0..BANDS + 2)
            .map(|i| to_hertz(top * i as f64 / (BANDS + 1) as f64))
            .collect();
        let filters = edges
            .windows(3)
            .map(|edge| Filter::triangle([edge[0], edge[1], edge[2]], bin_hertz, n_fft / 2 + 1))
            .collect();
        let cosine = |k: usize, n: usize| {
            let scale = if k == 0 {
                (1.0 / BANDS as f64).sqrt()
            } else {
                (2.0 / BANDS as f64).sqrt()
            };
            (scale * (PI * k as f64 * (2 * n + 1) as f64 / (2 * BANDS) as f64).cos()) as f32
        };
        let cosines = (0..n_mfcc)
            .flat_map(|k| (0..BANDS).map(move |n| cosine(k, n)))
            .collect();
        Self {
            filters,
            cosines,
            n_mfcc,
        }
    }

    /// Coefficients, `frames × n_mfcc`.
    pub(crate) fn mfcc(&self, spectrum: &Spectrum) -> Vec<f64> {
        let mut powers = vec![0_f32; spectrum.bins];
        let mut decibels = Vec::with_capacity(spectrum.magnitudes.len() / spectrum.bins * BANDS);
        for frame in spectrum.frames() {
            for (power, magnitude) in powers.iter_mut().zip(frame) {
                *power = magnitude * magnitude;
            }
            decibels.extend(
                self.filters
                    .iter()
                    .map(|filter| 10.0 * filter.apply(&powers).max(FLOOR).log10()),
            );
        }
        // The floor is relative to the loudest band of the whole clip, hence the second pass.
        let floor = decibels.iter().copied().fold(f32::MIN, f32::max) - TOP_DB;
        let mut coefficients = Vec::with_capacity(decibels.len() / BANDS * self.n_mfcc);
        for frame in decibels.chunks_exact_mut(BANDS) {
            for band in frame.iter_mut() {
                *band = band.max(floor);
            }
            coefficients.extend(self.cosines.chunks_exact(BANDS).map(|row| dot(row, frame)));
        }
        coefficients
    }
}

impl Filter {
    fn triangle([low, centre, high]: [f64; 3], bin_hertz: f64, bins: usize) -> Self {
        let area = 2.0 / (high - low);
        let weight = |bin: usize| {
            let hertz = bin as f64 * bin_hertz;
            let slope = ((hertz - low) / (centre - low)).min((high - hertz) / (high - centre));
            (slope.max(0.0) as f32) * area as f32
        };
        let first = ((low / bin_hertz).floor() as usize).min(bins);
        let end = ((high / bin_hertz).ceil() as usize + 1).min(bins);
        Self {
            first,
            weights: (first..end).map(weight).collect(),
        }
    }

    fn apply(&self, powers: &[f32]) -> f32 {
        dot(&self.weights, &powers[self.first..]) as f32
    }
}

/// Four sums side by side, so that the processor's vectors are used; in double precision.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0_f64; 4];
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest = n - n % 4;
    sums.iter().sum::<f64>()
        + a[rest..]
            .iter()
            .zip(&b[rest..])
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
}
