//! One number, or seven, for each frame: from magnitudes or from the samples themselves, each as librosa defines it.
//!
//! Every function returns values frame after frame. Double precision where librosa's result does not hinge on single.

use crate::spectrum::Spectrum;

const FLATNESS_FLOOR: f32 = 1e-10;
const SILENT: f32 = 1e-10;
const ROLLOFF: f32 = 0.85;
/// Octave bands of the contrast above the first, and the frequency that begins them.
const CONTRAST_BANDS: usize = 6;
const CONTRAST_FROM: f64 = 200.0;
const CONTRAST_QUANTILE: f64 = 0.02;

/// Shares of a frame's magnitudes in their sum, in single precision; zeros for a silent frame.
fn normalized(frame: &[f32], shares: &mut [f32]) {
    let sum: f64 = frame.iter().map(|magnitude| f64::from(*magnitude)).sum();
    let sum = if sum < f64::from(f32::MIN_POSITIVE) {
        1.0
    } else {
        sum
    };
    for (share, magnitude) in shares.iter_mut().zip(frame) {
        *share = (f64::from(*magnitude) / sum) as f32;
    }
}

/// `librosa.feature.spectral_centroid` and `spectral_bandwidth` in hertz: the mean and the deviation of the frequency,
/// weighted by magnitude.
pub(crate) fn centroid_and_bandwidth(spectrum: &Spectrum, bin_hertz: f64) -> (Vec<f64>, Vec<f64>) {
    let mut shares = vec![0_f32; spectrum.bins];
    spectrum
        .frames()
        .map(|frame| {
            normalized(frame, &mut shares);
            let centroid: f64 = shares
                .iter()
                .enumerate()
                .map(|(bin, share)| bin as f64 * bin_hertz * f64::from(*share))
                .sum();
            let variance: f64 = shares
                .iter()
                .enumerate()
                .map(|(bin, share)| (bin as f64 * bin_hertz - centroid).powi(2) * f64::from(*share))
                .sum();
            (centroid, variance.sqrt())
        })
        .unzip()
}

/// `librosa.feature.spectral_rolloff` in hertz: the first bin at which the running sum of magnitudes reaches 85 %.
pub(crate) fn rolloff(spectrum: &Spectrum, bin_hertz: f64) -> Vec<f64> {
    let of_frame = |frame: &[f32]| {
        let total = frame.iter().fold(0_f32, |sum, magnitude| sum + magnitude);
        let threshold = ROLLOFF * total;
        let mut sum = 0_f32;
        let bin = frame.iter().position(|magnitude| {
            sum += magnitude;
            sum >= threshold
        });
        bin.unwrap_or(0) as f64 * bin_hertz
    };
    spectrum.frames().map(of_frame).collect()
}

/// `librosa.feature.spectral_flatness`, 0 to 1: geometric over arithmetic mean of power.
pub(crate) fn flatness(spectrum: &Spectrum) -> Vec<f64> {
    let bins = spectrum.bins as f64;
    let of_frame = |frame: &[f32]| {
        let power = |magnitude: &f32| f64::from((magnitude * magnitude).max(FLATNESS_FLOOR));
        let log_mean = frame.iter().map(|m| power(m).ln()).sum::<f64>() / bins;
        let mean = frame.iter().map(power).sum::<f64>() / bins;
        log_mean.exp() / mean
    };
    spectrum.frames().map(of_frame).collect()
}

/// `librosa.feature.spectral_contrast` in decibels, `frames × 7`: in each octave band the loudest fiftieth over the
/// quietest. `None` where the rate is too low for the bands.
pub(crate) fn contrast(spectrum: &Spectrum, bin_hertz: f64) -> Option<Vec<f64>> {
    let nyquist = bin_hertz * (spectrum.bins - 1) as f64;
    let edges: Vec<f64> = std::iter::once(0.0)
        .chain((0..=CONTRAST_BANDS).map(|band| CONTRAST_FROM * f64::from(1 << band)))
        .collect();
    if edges[CONTRAST_BANDS] >= nyquist {
        return None;
    }
    let bands: Vec<(std::ops::Range<usize>, usize)> = (0..=CONTRAST_BANDS)
        .map(|band| {
            let inside = |bin: &usize| (edges[band]..=edges[band + 1]).contains(&(*bin as f64 * bin_hertz));
            let mut first = (0..spectrum.bins).find(inside).unwrap_or(0);
            let mut end = (0..spectrum.bins).rfind(inside).map_or(0, |bin| bin + 1);
            first -= usize::from(band > 0);
            if band == CONTRAST_BANDS {
                end = spectrum.bins;
            }
            let quantile = (CONTRAST_QUANTILE * (end - first) as f64)
                .round_ties_even()
                .max(1.0) as usize;
            // The band's last bin belongs to the next one.
            (first..if band < CONTRAST_BANDS { end - 1 } else { end }, quantile)
        })
        .collect();
    let (mut peaks, mut valleys) = (Vec::new(), Vec::new());
    let mut sorted = Vec::with_capacity(spectrum.bins);
    for frame in spectrum.frames() {
        for (range, quantile) in &bands {
            sorted.clear();
            sorted.extend_from_slice(&frame[range.clone()]);
            sorted.sort_unstable_by(f32::total_cmp);
            let mean =
                |part: &[f32]| part.iter().map(|m| f64::from(*m)).sum::<f64>() / part.len().max(1) as f64;
            valleys.push(mean(&sorted[..*quantile.min(&sorted.len())]));
            peaks.push(mean(&sorted[sorted.len().saturating_sub(*quantile)..]));
        }
    }
    decibels(&mut peaks);
    decibels(&mut valleys);
    Some(
        peaks
            .iter()
            .zip(&valleys)
            .map(|(peak, valley)| peak - valley)
            .collect(),
    )
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

/// Spectral flux: how much a frame's spectrum, scaled to a sum of one, rises over the frame before it: the root of the
/// summed squares of its increases (half-wave rectified; Dixon, "Onset Detection Revisited", 2006). 0 for the first.
pub(crate) fn flux(spectrum: &Spectrum) -> Vec<f64> {
    let mut before = vec![0_f32; spectrum.bins];
    let mut now = vec![0_f32; spectrum.bins];
    let mut first = true;
    spectrum
        .frames()
        .map(|frame| {
            normalized(frame, &mut now);
            let rise: f64 = now
                .iter()
                .zip(&before)
                .map(|(now, before)| f64::from((now - before).max(0.0)).powi(2))
                .sum();
            std::mem::swap(&mut before, &mut now);
            if std::mem::take(&mut first) {
                0.0
            } else {
                rise.sqrt()
            }
        })
        .collect()
}

/// `librosa.feature.rms` of centred frames, full scale 1; zeros beyond the edges.
pub(crate) fn rms(samples: &[f32], frame: usize, hop: usize) -> Vec<f64> {
    let squares = |from: usize, to: usize| samples[from..to].iter().map(|s| f64::from(s * s)).sum::<f64>();
    let of_frame = |index: usize| {
        let end = (index * hop + frame / 2).min(samples.len());
        let begin = (index * hop).saturating_sub(frame / 2).min(end);
        (squares(begin, end) / frame as f64).sqrt()
    };
    (0..=samples.len() / hop).map(of_frame).collect()
}

/// `librosa.feature.zero_crossing_rate` of centred frames: the edges are repeated beyond the ends, so nothing crosses
/// there; samples within 1e-10 of zero count as zero, and zero as positive.
pub(crate) fn zero_crossing_rate(samples: &[f32], frame: usize, hop: usize) -> Vec<f64> {
    let negative = |sample: f32| sample < 0.0 && sample.abs() > SILENT;
    // crossings[i]: how many signs changed up to sample i.
    let mut crossings = Vec::with_capacity(samples.len());
    let mut count = 0_u32;
    let mut previous = samples.first().is_some_and(|s| negative(*s));
    for sample in samples {
        let sign = negative(*sample);
        count += u32::from(sign != previous);
        previous = sign;
        crossings.push(count);
    }
    let last = samples.len() as isize - 1;
    let up_to = |at: isize| crossings[at.clamp(0, last) as usize];
    let of_frame = |index: usize| {
        let begin = (index * hop) as isize - (frame / 2) as isize;
        f64::from(up_to(begin + frame as isize - 1) - up_to(begin)) / frame as f64
    };
    (0..=samples.len() / hop).map(of_frame).collect()
}
