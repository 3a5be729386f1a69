//! A clip as a picture: waveform, mel spectrogram, and features over time.
//!
//! In: samples. Out: the bytes of a PNG. Text is of the built-in bitmap font, so nothing depends on a system's fonts.

mod canvas;

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions, Samples};
use canvas::{Canvas, Colour, Panel};
use domain::FeatureName;

const WIDTH: usize = 1_200;
const LEFT: usize = 90;
const RIGHT: usize = 90;
const WAVE: Colour = [70, 120, 180];
const FIRST: Colour = [31, 119, 180];
const SECOND: Colour = [214, 90, 30];

/// Draws a clip, at its own rate or after resampling to `rate`.
pub(crate) fn draw(title: &str, samples: &Samples, rate: Option<u32>) -> anyhow::Result<Vec<u8>> {
    let options = FeatureOptions {
        rate,
        names: FeatureName::ALL.to_vec(),
        frames: true,
        ..FeatureOptions::default()
    };
    let hop = options.hop;
    let features = Extractor::new(options)?.extract(samples);
    let rate = features.sample_rate;
    let seconds = samples.mono.len() as f64 / f64::from(samples.rate);
    let level = features.level.context("every extraction has a level")?;
    let track = |name: FeatureName| -> Vec<f64> {
        let frames = features.summaries.get(&name).and_then(|summary| summary.frames.as_ref());
        frames.map_or_else(Vec::new, |frames| frames.iter().map(|frame| f64::from(frame[0])).collect())
    };
    let decibels = |values: Vec<f64>| -> Vec<f64> { values.iter().map(|x| 20.0 * x.max(1e-5).log10()).collect() };

    let mut canvas = Canvas::new(WIDTH, 1_010);
    canvas.text(
        LEFT,
        14,
        &format!(
            "{title}   {seconds:.2} s, {rate} Hz, {} frames   Leq {:.1} dBFS, max {:.1} dBFS",
            features.frames, level.equivalent_dbfs, level.max_dbfs
        ),
    );
    let panel = |top: usize, height: usize| Panel {
        left: LEFT,
        top,
        width: WIDTH - LEFT - RIGHT,
        height,
    };
    let frame_seconds = hop as f64 / f64::from(rate);

    let waveform = panel(50, 160);
    let peak = samples.mono.iter().fold(1e-3_f32, |peak, s| peak.max(s.abs()));
    canvas.waveform(&waveform, &samples.mono, peak, WAVE);
    canvas.frame(&waveform, "waveform", (f64::from(-peak), f64::from(peak)), seconds);

    let spectrogram = panel(250, 300);
    let mel = features.summaries.get(&FeatureName::MelSpectrogram);
    let bands = mel.and_then(|summary| summary.frames.as_deref()).unwrap_or_default();
    canvas.heat(&spectrogram, bands, frame_seconds, seconds);
    canvas.frame_with(&spectrogram, "mel spectrogram, dB below the loudest", seconds, &mel_ticks(rate));
    canvas.scale(&spectrogram, ["0", "-80"]);

    for (top, name, tracks, range) in [
        (
            590,
            "spectral centroid and rolloff, Hz",
            [track(FeatureName::SpectralCentroid), track(FeatureName::SpectralRolloff)],
            Some((0.0, f64::from(rate) / 2.0)),
        ),
        (
            730,
            "RMS, dBFS, and spectral flatness, dB",
            [decibels(track(FeatureName::Rms)), decibels(track(FeatureName::SpectralFlatness))],
            Some((-100.0, 0.0)),
        ),
        (
            870,
            "zero-crossing rate and spectral flux",
            [track(FeatureName::ZeroCrossingRate), track(FeatureName::SpectralFlux)],
            None,
        ),
    ] {
        let panel = panel(top, 100);
        let range = range.unwrap_or_else(|| (0.0, tracks.iter().flatten().copied().fold(1e-3, f64::max)));
        for (track, colour) in tracks.iter().zip([FIRST, SECOND]) {
            canvas.line(&panel, track, frame_seconds / seconds, range, colour);
        }
        canvas.frame(&panel, name, range, seconds);
        for (colour, row) in [FIRST, SECOND].into_iter().zip([0, 18]) {
            canvas.sample(&panel, row, colour);
        }
    }
    canvas.png().context("the picture cannot be encoded")
}

/// Frequencies at their place between the lowest and the highest band, 0 to 1.
fn mel_ticks(rate: u32) -> Vec<(f64, String)> {
    let edges = audio::mel_edges(rate);
    [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0]
        .into_iter()
        .filter_map(|hertz| {
            let above = edges.iter().position(|edge| *edge >= hertz)?;
            Some((above as f64 / (edges.len() - 1) as f64, format!("{hertz}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_of_any_length_can_be_drawn() {
        for count in [1, 100, 5_000, 40_000] {
            let mono = (0..count).map(|i| (f64::from(i) * 0.1).sin() as f32).collect();
            let png = draw("x", &Samples { rate: 8_000, mono }, None).unwrap();
            let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
            assert_eq!(reader.info().size(), (1_200, 1_010));
        }
    }
}
