//! Mel-frequency cepstral coefficients as `librosa.feature.mfcc` computes them: Slaney's mel scale and area
//! normalisation, 128 bands, decibels 80 below the clip's loudest band at most, orthonormal DCT-II.
#![expect(
    clippy::inline_always,
    reason = "compiled once for each width of the processor's vectors"
)]

use std::f64::consts::PI;

use crate::{
    logarithm,
    stft::{Block, LANES, Lanes},
};

/// Bands of the mel spectrum, librosa's default.
pub(crate) const BANDS: usize = 128;
const FLOOR: f32 = 1e-10;
const TOP_DB: f32 = 80.0;

/// Filters and cosines of one sample rate.
#[derive(Debug)]
pub(crate) struct Mel {
    bands: Bands,
    /// `n_mfcc × BANDS`
    cosines: Vec<f32>,
}

/// The filters of some number of bands, from 0 Hz to half the sample rate.
#[derive(Debug)]
pub(crate) struct Bands(Vec<Filter>);

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

/// The lower edge, the middle and the upper edge of each band, `bands + 2` frequencies in hertz.
pub(crate) fn edges(rate: u32, bands: usize) -> Vec<f64> {
    let top = to_mel(f64::from(rate) / 2.0);
    (0..bands + 2)
        .map(|i| to_hertz(top * i as f64 / (bands + 1) as f64))
        .collect()
}

impl Bands {
    pub(crate) fn new(rate: u32, n_fft: usize, count: usize) -> Self {
        let bin_hertz = f64::from(rate) / n_fft as f64;
        let filters = edges(rate, count)
            .windows(3)
            .map(|edge| Filter::triangle([edge[0], edge[1], edge[2]], bin_hertz, n_fft / 2 + 1))
            .collect();
        Self(filters)
    }

    /// Returns the weighted sum of each band over the bins' powers.
    pub(crate) fn sums<'a>(&'a self, powers: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.0.iter().map(|filter| {
            let under = filter.weights.iter().zip(&powers[filter.first..]);
            under.map(|(weight, power)| f64::from(*weight) * power).sum()
        })
    }
}

impl Mel {
    pub(crate) fn new(rate: u32, n_fft: usize, n_mfcc: usize) -> Self {
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
        let bands = Bands::new(rate, n_fft, BANDS);
        Self { bands, cosines }
    }

    /// Returns the decibels of the block's frames, one entry per band, before the clip's floor is applied.
    #[inline(always)]
    pub(crate) fn decibels(&self, block: &Block, into: &mut Vec<Lanes<f32>>) {
        into.extend(self.bands.0.iter().map(|filter| {
            let mut powers = [0.0; LANES];
            for (weight, magnitudes) in filter.weights.iter().zip(&block.bins[filter.first..]) {
                for lane in 0..LANES {
                    powers[lane] += weight * (magnitudes[lane] * magnitudes[lane]);
                }
            }
            logarithm::decibels(powers.map(|power| power.max(FLOOR)))
        }));
    }

    /// Computes the coefficients of a block's frames, frame after frame, from its bands.
    #[inline(always)]
    pub(crate) fn coefficients(&self, bands: &[Lanes<f32>], frames: usize, into: &mut Vec<f64>) {
        let count = self.cosines.len() / BANDS;
        let begin = into.len();
        into.resize(begin + frames * count, 0.0);
        for (k, row) in self.cosines.chunks_exact(BANDS).enumerate() {
            let mut sums = [0_f64; LANES];
            // Eight products in single precision, their sums in double: fast, and closer than librosa's own.
            for (weights, bands) in row.chunks_exact(8).zip(bands.chunks_exact(8)) {
                let mut part = [0_f32; LANES];
                for (weight, band) in weights.iter().zip(bands) {
                    for lane in 0..LANES {
                        part[lane] += weight * band[lane];
                    }
                }
                for lane in 0..LANES {
                    sums[lane] += f64::from(part[lane]);
                }
            }
            for (frame, sum) in sums.iter().take(frames).enumerate() {
                into[begin + frame * count + k] = *sum;
            }
        }
    }
}

/// Raises all values to at least 80 dB below the loudest of the whole clip, hence after its last frame.
pub(crate) fn raise_to_floor(decibels: &mut [Lanes<f32>]) {
    let mut loudest = [f32::MIN; LANES];
    for lanes in decibels.iter() {
        for lane in 0..LANES {
            loudest[lane] = loudest[lane].max(lanes[lane]);
        }
    }
    let floor = loudest.iter().copied().fold(f32::MIN, f32::max) - TOP_DB;
    for lanes in decibels.iter_mut() {
        *lanes = lanes.map(|level| level.max(floor));
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
        let within = (((low / bin_hertz).floor() as usize).min(bins)..bins)
            .take_while(|bin| *bin as f64 * bin_hertz <= high)
            .filter(|bin| weight(*bin) > 0.0);
        let (first, last) = (within.clone().next(), within.last());
        match (first, last) {
            (Some(first), Some(last)) => Self {
                first,
                weights: (first..=last).map(weight).collect(),
            },
            // Narrower than a bin: librosa has empty bands there too.
            _ => Self {
                first: 0,
                weights: Vec::new(),
            },
        }
    }
}
