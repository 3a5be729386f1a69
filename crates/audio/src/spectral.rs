//! Spectral features of a frame, computed from its magnitudes as librosa defines them.
//!
//! In: a block of up to eight frames. Out: one value per lane; lanes without a frame have no meaning. Double precision,
//! unless librosa's result depends on single.
#![expect(
    clippy::inline_always,
    reason = "compiled once for each width of the processor's vectors"
)]

use std::f64::consts::LN_2;

use crate::{
    logarithm,
    stft::{Block, LANES, Lanes},
};

const FLATNESS_FLOOR: f32 = 1e-10;
const ROLLOFF: f32 = 0.85;
/// Number of octave bands of the contrast above the first, and the frequency at which they start.
const CONTRAST_OCTAVES: usize = 6;
const CONTRAST_FROM: f64 = 200.0;
const CONTRAST_QUANTILE: f64 = 0.02;
/// Bands of the contrast.
pub(crate) const CONTRAST_BANDS: usize = CONTRAST_OCTAVES + 1;

/// Sums over the bins of a frame: of magnitudes, of bin × magnitude, and of bin² × magnitude.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    sum: Lanes<f64>,
    first: Lanes<f64>,
    second: Lanes<f64>,
    /// The sum in single precision, bin after bin: the end of librosa's cumulative sum.
    total: Lanes<f32>,
}

impl Moments {
    #[inline(always)]
    pub(crate) fn of(block: &Block) -> Self {
        let mut moments = Self::default();
        for (bin, magnitudes) in block.bins.iter().enumerate() {
            let bin = bin as f64;
            for (lane, magnitude) in magnitudes.iter().enumerate() {
                moments.total[lane] += magnitude;
                let magnitude = f64::from(*magnitude);
                let weighted = bin * magnitude;
                moments.sum[lane] += magnitude;
                moments.first[lane] += weighted;
                moments.second[lane] += bin * weighted;
            }
        }
        moments
    }

    /// The divisor that normalises magnitudes to a sum of one; a silent frame keeps its zeros.
    pub(crate) fn divisor(&self, lane: usize) -> f64 {
        if self.sum[lane] < f64::from(f32::MIN_POSITIVE) {
            1.0
        } else {
            self.sum[lane]
        }
    }

    /// `librosa.feature.spectral_centroid` in hertz: the mean frequency, weighted by magnitude.
    pub(crate) fn centroid(&self, lane: usize, bin_hertz: f64) -> f64 {
        bin_hertz * self.first[lane] / self.divisor(lane)
    }

    /// `librosa.feature.spectral_bandwidth` in hertz: the deviation from the centroid, weighted by magnitude.
    pub(crate) fn bandwidth(&self, lane: usize, bin_hertz: f64) -> f64 {
        let centre = self.first[lane] / self.divisor(lane);
        let squares = self.second[lane] - 2.0 * centre * self.first[lane] + centre * centre * self.sum[lane];
        bin_hertz * (squares / self.divisor(lane)).max(0.0).sqrt()
    }
}

/// `librosa.feature.spectral_rolloff` as a bin: the first at which the running sum of magnitudes reaches 85 %.
#[inline(always)]
pub(crate) fn rolloff(block: &Block, moments: &Moments) -> Lanes<u32> {
    // Sequential additions in single precision, as in librosa's cumulative sum: the bin depends on it.
    let threshold = moments.total.map(|total| ROLLOFF * total);
    let mut sum = [0_f32; LANES];
    let mut below = [0_u32; LANES];
    for magnitudes in &block.bins {
        for lane in 0..LANES {
            sum[lane] += magnitudes[lane];
            below[lane] += u32::from(sum[lane] < threshold[lane]);
        }
    }
    below
}

/// Bins whose powers are multiplied, two by two, before a logarithm is taken: 32 mantissas, whose product stays below 2^32.
const FLATNESS_PART: usize = 64;
const MANTISSA_BITS: u32 = 23;
const EXPONENT_BIAS: f64 = 127.0;

/// `librosa.feature.spectral_flatness`, 0 to 1: geometric over arithmetic mean of power. The sum of logarithms is that of
/// a product: the sum of exponents and, every few bins, the logarithm of the product of mantissas.
#[inline(always)]
pub(crate) fn flatness(block: &Block) -> Lanes<f64> {
    // One instruction, unlike `max`, which also looks for NaN.
    let power = |magnitude: f32| {
        let power = magnitude * magnitude;
        if power > FLATNESS_FLOOR {
            power
        } else {
            FLATNESS_FLOOR
        }
    };
    let count = block.bins.len() as f64;
    let (mut logs, mut sums) = ([0_f64; LANES], [0_f64; LANES]);
    let (mut exponents, mut products) = ([0_u32; LANES], 0_u32);
    for bins in block.bins.chunks(FLATNESS_PART) {
        let (mut mantissas, mut sum) = ([1_f32; LANES], [0_f32; LANES]);
        let mut take = |product: Lanes<f32>| {
            products += 1;
            for lane in 0..LANES {
                let bits = product[lane].to_bits();
                exponents[lane] += bits >> MANTISSA_BITS;
                let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
                mantissas[lane] *= f32::from_bits(mantissa | 1_f32.to_bits());
            }
        };
        let (pairs, rest) = bins.as_chunks::<2>();
        for [first, second] in pairs {
            let (first, second) = (first.map(power), second.map(power));
            take(std::array::from_fn(|lane| first[lane] * second[lane]));
            for lane in 0..LANES {
                sum[lane] += first[lane] + second[lane];
            }
        }
        for alone in rest {
            let alone = alone.map(power);
            take(alone);
            for lane in 0..LANES {
                sum[lane] += alone[lane];
            }
        }
        let ln = logarithm::ln(mantissas);
        for lane in 0..LANES {
            logs[lane] += f64::from(ln[lane]);
            sums[lane] += f64::from(sum[lane]);
        }
    }
    std::array::from_fn(|lane| {
        let exponent = f64::from(exponents[lane]) - EXPONENT_BIAS * f64::from(products);
        ((logs[lane] + exponent * LN_2) / count).exp() / (sums[lane] / count)
    })
}

/// `librosa.feature.spectral_contrast` in decibels: in each octave band the loudest fiftieth over the quietest.
#[derive(Debug)]
pub(crate) struct Contrast {
    /// The bins of each band, and the size of a fiftieth of them.
    bands: Vec<(std::ops::Range<usize>, usize)>,
}

impl Contrast {
    /// Returns `None` if the rate is too low for the bands.
    pub(crate) fn new(bins: usize, bin_hertz: f64) -> Option<Self> {
        let nyquist = bin_hertz * (bins - 1) as f64;
        let edges: Vec<f64> = std::iter::once(0.0)
            .chain((0..=CONTRAST_OCTAVES).map(|band| CONTRAST_FROM * f64::from(1 << band)))
            .collect();
        if edges[CONTRAST_OCTAVES] >= nyquist {
            return None;
        }
        let band = |band: usize| {
            let inside = |bin: &usize| (edges[band]..=edges[band + 1]).contains(&(*bin as f64 * bin_hertz));
            let first = (0..bins).find(inside).unwrap_or(0);
            let end = (0..bins).rfind(inside).map_or(0, |bin| bin + 1);
            let first = first - usize::from(band > 0 && first > 0);
            let end = if band == CONTRAST_OCTAVES { bins } else { end };
            let count = end.saturating_sub(first);
            let fiftieth = (CONTRAST_QUANTILE * count as f64).round_ties_even().max(1.0) as usize;
            // The band's last bin belongs to the next one.
            let end = if band < CONTRAST_OCTAVES {
                end.saturating_sub(1)
            } else {
                end
            };
            (first..end.max(first), fiftieth)
        };
        Some(Self {
            bands: (0..=CONTRAST_OCTAVES).map(band).collect(),
        })
    }

    /// Computes the mean magnitudes of each band's loudest and quietest bins, band after band, for one frame.
    pub(crate) fn extremes(&self, block: &Block, lane: usize, values: &mut Vec<f32>, into: &mut Extremes) {
        let mean = |part: &[f32]| part.iter().map(|m| f64::from(*m)).sum::<f64>() / part.len().max(1) as f64;
        for (range, fiftieth) in &self.bands {
            values.clear();
            values.extend(block.bins[range.clone()].iter().map(|lanes| lanes[lane]));
            let (count, wanted) = (values.len(), (*fiftieth).min(values.len()));
            if wanted > 0 && wanted < count {
                values.select_nth_unstable_by(wanted - 1, f32::total_cmp);
            }
            into.valleys.push(mean(&values[..wanted]));
            if wanted > 0 && wanted < count {
                values.select_nth_unstable_by(count - wanted, f32::total_cmp);
            }
            into.peaks.push(mean(&values[count - wanted..]));
        }
    }
}

/// The values from which a clip's contrast is computed, `frames × CONTRAST_BANDS` each.
#[derive(Debug, Default)]
pub(crate) struct Extremes {
    peaks: Vec<f64>,
    valleys: Vec<f64>,
}

impl Extremes {
    pub(crate) fn with_frames(frames: usize) -> Self {
        Self {
            peaks: Vec::with_capacity(frames * CONTRAST_BANDS),
            valleys: Vec::with_capacity(frames * CONTRAST_BANDS),
        }
    }

    pub(crate) fn contrast(mut self) -> Vec<f64> {
        decibels(&mut self.peaks);
        decibels(&mut self.valleys);
        for (peak, valley) in self.peaks.iter_mut().zip(&self.valleys) {
            *peak -= valley;
        }
        self.peaks
    }
}

/// `librosa.power_to_db` of the whole: 80 dB below the loudest at most.
fn decibels(values: &mut [f64]) {
    for value in values.iter_mut() {
        *value = 10.0 * value.max(1e-10).log10();
    }
    let floor = values.iter().copied().fold(f64::MIN, f64::max) - 80.0;
    for value in values.iter_mut() {
        *value = value.max(floor);
    }
}

/// Spectral flux: the increase of a frame's spectrum, normalised to a sum of one, over the previous frame: the root of
/// the summed squares of positive differences (Dixon, "Onset Detection Revisited", 2006). The first frame has 0.
#[derive(Debug)]
pub(crate) struct Flux {
    /// The previous frame's normalised spectrum; empty before the first.
    before: Vec<f32>,
}

impl Flux {
    pub(crate) fn new() -> Self {
        Self { before: Vec::new() }
    }

    #[inline(always)]
    pub(crate) fn of(&mut self, block: &Block, moments: &Moments) -> Lanes<f64> {
        let scale: Lanes<f32> = std::array::from_fn(|lane| moments.divisor(lane).recip() as f32);
        let first = self.before.is_empty();
        self.before.resize(block.bins.len(), 0.0);
        let mut rises = [0_f64; LANES];
        for (before, magnitudes) in self.before.iter_mut().zip(&block.bins) {
            let shares: Lanes<f32> = std::array::from_fn(|lane| magnitudes[lane] * scale[lane]);
            let mut last = *before;
            for lane in 0..LANES {
                let rise = (shares[lane] - last).max(0.0);
                rises[lane] += f64::from(rise * rise);
                last = shares[lane];
            }
            *before = last;
        }
        let mut flux = rises.map(f64::sqrt);
        if first {
            flux[0] = 0.0;
        }
        flux
    }
}
