//! Pictures. Here that of a clip: waveform, mel spectrogram, and features over time; below, those of devices.
//!
//! In: samples. Out: the bytes of a PNG.

pub(crate) mod device;
mod panel;

use anyhow::Context as _;
use audio::{Extractor, FeatureOptions, Samples};
use domain::{ClipFeatures, FeatureName};
use plot::{BLUE, ORANGE, PlotError, plotters::element::Text, text};

use self::panel::{LEFT, Panel, WIDTH};

const HEIGHT: u32 = 1_010;

/// Two features over time in one panel.
struct Tracks {
    top: i32,
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
    let head = format!(
        "{title}   {seconds:.2} s, {rate} Hz, {} frames   Leq {:.1} dBFS, max {:.1} dBFS",
        features.frames, level.equivalent_dbfs, level.max_dbfs
    );
    let mel = features.summaries.get(&FeatureName::MelSpectrogram);
    let bands = mel
        .and_then(|summary| summary.frames.as_deref())
        .unwrap_or_default();
    let picture: Result<_, PlotError> = plot::png((WIDTH, HEIGHT), |area| {
        area.draw(&Text::new(head, (LEFT, 4), text(14)))?;
        let panel = |name, top, height| Panel {
            area,
            name,
            top,
            height,
            seconds,
        };
        panel("waveform", 50, 160).waveform(&samples.mono)?;
        panel("mel spectrogram, Hz, dB below the loudest", 250, 300).spectrogram(
            bands,
            frame_seconds,
            &mel_ticks(rate),
        )?;
        for tracks in tracks(&features) {
            let panel = panel(tracks.name, tracks.top, 100);
            let [first, second] = &tracks.values;
            let [first_name, second_name] = tracks.legend;
            let lines = [
                (first_name, BLUE, first.as_slice()),
                (second_name, ORANGE, second.as_slice()),
            ];
            panel.lines(lines, frame_seconds, tracks.range)?;
        }
        Ok(())
    });
    Ok(picture?)
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

/// Returns frequencies with their position between the lowest band (0) and the highest (1).
fn mel_ticks(rate: u32) -> Vec<(f64, String)> {
    let edges = audio::mel_edges(rate);
    [250_u32, 500, 1_000, 2_000, 4_000, 8_000, 16_000]
        .into_iter()
        .filter_map(|hertz| {
            let above = edges.iter().position(|edge| *edge >= f64::from(hertz))?;
            Some((above as f64 / (edges.len() - 1) as f64, hertz.to_string()))
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
            assert_eq!(reader.info().size(), (WIDTH, HEIGHT));
        }
    }
}
