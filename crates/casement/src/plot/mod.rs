//! A clip as a picture: waveform, mel spectrogram, and features over time.
//!
//! In: samples. Out: the bytes of a PNG. Text is of the built-in bitmap font, so nothing depends on a system's fonts.

mod canvas;

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions, Samples};
use canvas::{Canvas, Colour, Panel};
use domain::{ClipFeatures, FeatureName};

const WIDTH: usize = 1_200;
const HEIGHT: usize = 1_010;
const LEFT: usize = 90;
const RIGHT: usize = 120;
const WAVE: Colour = [70, 120, 180];
const FIRST: Colour = [31, 119, 180];
const SECOND: Colour = [214, 90, 30];

/// Two features over time in one panel.
struct Tracks {
    top: usize,
    name: &'static str,
    legend: [&'static str; 2],
    values: [Vec<f64>; 2],
    range: (f64, f64),
}

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
    let frame_seconds = hop as f64 / f64::from(rate);
    let level = features.level.context("every extraction has a level")?;

    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let about = format!(
        "{title}   {seconds:.2} s, {rate} Hz, {} frames   Leq {:.1} dBFS, max {:.1} dBFS",
        features.frames, level.equivalent_dbfs, level.max_dbfs
    );
    canvas.text(LEFT, 14, &about);

    let waveform = panel(50, 160);
    let peak = samples.mono.iter().fold(1e-3_f32, |peak, s| peak.max(s.abs()));
    canvas.waveform(&waveform, &samples.mono, peak, WAVE);
    canvas.frame(
        &waveform,
        "waveform",
        (f64::from(-peak), f64::from(peak)),
        seconds,
    );

    let spectrogram = panel(250, 300);
    let mel = features.summaries.get(&FeatureName::MelSpectrogram);
    let bands = mel
        .and_then(|summary| summary.frames.as_deref())
        .unwrap_or_default();
    canvas.heat(&spectrogram, bands, frame_seconds, seconds);
    let caption = "mel spectrogram, Hz, dB below the loudest";
    canvas.frame_with(&spectrogram, caption, seconds, &mel_ticks(rate));
    canvas.scale(&spectrogram, ["0", "-80"]);

    for tracks in tracks(&features) {
        let panel = panel(tracks.top, 100);
        for (values, colour) in tracks.values.iter().zip([FIRST, SECOND]) {
            canvas.line(&panel, values, frame_seconds / seconds, tracks.range, colour);
        }
        canvas.frame(&panel, tracks.name, tracks.range, seconds);
        let [first, second] = tracks.legend;
        canvas.legend(&panel, [(first, FIRST), (second, SECOND)]);
    }
    canvas.png().context("the picture cannot be encoded")
}

fn panel(top: usize, height: usize) -> Panel {
    Panel {
        left: LEFT,
        top,
        width: WIDTH - LEFT - RIGHT,
        height,
    }
}

fn tracks(features: &ClipFeatures) -> [Tracks; 3] {
    let track = |name: FeatureName| -> Vec<f64> {
        let summary = features.summaries.get(&name);
        let frames = summary.and_then(|summary| summary.frames.as_ref());
        frames.map_or_else(Vec::new, |frames| {
            frames.iter().map(|frame| f64::from(frame[0])).collect()
        })
    };
    let decibels = |name: FeatureName, factor: f64| -> Vec<f64> {
        let values = track(name);
        values.iter().map(|x| factor * x.max(1e-10).log10()).collect()
    };
    let last = [FeatureName::ZeroCrossingRate, FeatureName::SpectralFlux].map(track);
    let highest = last.iter().flatten().copied().fold(1e-3, f64::max);
    [
        Tracks {
            top: 590,
            name: "spectral centroid and rolloff, Hz",
            legend: ["centroid", "rolloff"],
            values: [FeatureName::SpectralCentroid, FeatureName::SpectralRolloff].map(track),
            range: (0.0, f64::from(features.sample_rate) / 2.0),
        },
        Tracks {
            top: 730,
            name: "RMS, dBFS, and spectral flatness, dB",
            legend: ["RMS", "flatness"],
            values: [
                decibels(FeatureName::Rms, 20.0),
                decibels(FeatureName::SpectralFlatness, 10.0),
            ],
            range: (-100.0, 0.0),
        },
        Tracks {
            top: 870,
            name: "zero-crossing rate and spectral flux",
            legend: ["crossings", "flux"],
            values: last,
            range: (0.0, highest),
        },
    ]
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
