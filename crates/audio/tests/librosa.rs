//! Generated clips, and what the real librosa says of each: rates from 8 to 48 kHz, lengths from one sample on,
//! silence, tones, noise, chirps, clicks, clipped sound and offsets, in several encodings.
//!
//! Needs the tests' Python environment (`make python`, part of `make test`).
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{collections::BTreeMap, f64::consts::TAU, fmt::Write as _, fs};

use audio::{Extractor, FeatureOptions, Spectrum, decode};
use domain::{AudioFormat, ClipFeatures, ClipLimits, FeatureName};
use serde_json::Value;

const RATES: [u32; 8] = [16_000, 8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000];
/// Lengths in samples; the last is a second of each rate.
const LENGTHS: [usize; 9] = [1, 2, 100, 511, 512, 2_047, 2_049, 9_999, 0];

/// A linear congruential generator: the same clips everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[derive(Debug, Clone, Copy)]
enum Sound {
    Silence,
    Tone,
    Noise,
    Chirp,
    Clicks,
    Clipped,
    Offset,
    Quiet,
    HalfSilent,
    Room,
}

const SOUNDS: [Sound; 10] = [
    Sound::Room,
    Sound::Tone,
    Sound::Noise,
    Sound::Chirp,
    Sound::Clicks,
    Sound::Clipped,
    Sound::Offset,
    Sound::Quiet,
    Sound::HalfSilent,
    Sound::Silence,
];

impl Sound {
    fn samples(self, count: usize, rate: u32, dice: &mut Dice) -> Vec<f64> {
        let hertz = 60.0 + dice.roll() * f64::from(rate) * 0.4;
        let low = 80.0 + 400.0 * dice.roll();
        (0..count)
            .map(|i| {
                let t = i as f64 / f64::from(rate);
                let noise = 2.0 * dice.roll() - 1.0;
                let room = (TAU * low * t).sin() * 0.3 + (TAU * 5.1 * low * t).sin() * 0.05 + noise * 0.03;
                match self {
                    Self::Silence => 0.0,
                    Self::Tone => 0.6 * (TAU * hertz * t).sin() + 1e-4 * noise,
                    Self::Noise => 0.5 * noise,
                    Self::Chirp => {
                        let sweep = f64::from(rate) * 0.2;
                        0.5 * (TAU * (low + sweep * t) * t).sin() + 1e-3 * noise
                    }
                    Self::Clicks => f64::from(u8::from(i % 997 == 5)) * 0.9 + 1e-3 * noise,
                    Self::Clipped => (room * 9.0).clamp(-1.0, 0.999),
                    Self::Offset => 0.25 + 0.2 * room,
                    Self::Quiet => 2e-4 * noise,
                    Self::HalfSilent => room * f64::from(u8::from(i < count / 2)),
                    Self::Room => room,
                }
            })
            .collect()
    }
}

/// A WAV: 16 bit, 24 bit or single precision; mono, or stereo with the second channel a little quieter.
fn wav(samples: &[f64], rate: u32, form: usize) -> Vec<u8> {
    let channels = if form % 5 == 4 { 2_u16 } else { 1 };
    let (tag, bits) = [(1_u16, 16_u16), (3, 32), (1, 16), (1, 24)][form % 4];
    let frame = channels * bits / 8;
    let mut data = Vec::new();
    for sample in samples {
        for channel in 0..channels {
            let value = sample * if channel == 0 { 1.0 } else { 0.7 };
            match bits {
                16 => data.extend(((value * 32_767.0) as i16).to_le_bytes()),
                24 => data.extend(&((value * 8_388_607.0) as i32).to_le_bytes()[..3]),
                _ => data.extend((value as f32).to_le_bytes()),
            }
        }
    }
    let mut out = b"RIFF".to_vec();
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0");
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(frame)).to_le_bytes());
    out.extend(frame.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn clips() -> BTreeMap<String, Vec<u8>> {
    let mut dice = Dice(42);
    let mut clips = BTreeMap::new();
    for (number, (sound, round)) in (0..24)
        .flat_map(|round| SOUNDS.map(|sound| (sound, round)))
        .enumerate()
    {
        let rate = RATES[(number / 3 + round) % RATES.len()];
        // Every other clip is a second long: most of what matters happens over many frames.
        let length = if round % 2 == 0 {
            0
        } else {
            LENGTHS[number % LENGTHS.len()]
        };
        let count = if length == 0 { rate as usize } else { length };
        let samples = sound.samples(count, rate, &mut dice);
        clips.insert(
            format!("{number:03}-{sound:?}-{rate}-{count}"),
            wav(&samples, rate, number),
        );
    }
    clips
}

/// What librosa says of each clip: `{"name": …, "native": {…}, "resampled": {…}}`.
fn librosa(clips: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Value> {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in clips {
        fs::write(dir.path().join(format!("{name}.wav")), bytes).unwrap();
    }
    support::python("features.py", dir.path())
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|said| (said["name"].as_str().unwrap().to_owned(), said))
        .collect()
}

fn tolerance(name: FeatureName) -> f64 {
    match name {
        FeatureName::Mfcc | FeatureName::SpectralCentroid | FeatureName::SpectralBandwidth => 1e-3,
        FeatureName::MelSpectrogram => 2e-3,
        FeatureName::Rms => 1e-6,
        FeatureName::SpectralFlatness => 1e-5,
        FeatureName::SpectralContrast => 1e-4,
        _ => 1e-9,
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn worst(ours: &[f64], theirs: &Value) -> f64 {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn ours(bytes: &[u8], rate: Option<u32>) -> (ClipFeatures, Spectrum) {
    let samples = decode(bytes, AudioFormat::Wav, 0, &ClipLimits::default()).unwrap();
    Extractor::new(FeatureOptions {
        rate,
        names: FeatureName::ALL.to_vec(),
        frames: true,
        ..FeatureOptions::default()
    })
    .unwrap()
    .analyse(&samples)
}

/// Frames whose rolloff is another bin. Where the running sum meets 85 % to the last digit of single precision, the bin
/// depends on how the processor rounds square roots, also between two installations of librosa.
fn rolloff_differences(ours: &ClipFeatures, theirs: &Value, bin_hertz: f64) -> usize {
    let frames = ours.summaries[&FeatureName::SpectralRolloff]
        .frames
        .as_ref()
        .unwrap();
    let theirs = numbers(&theirs["spectral_rolloff"]["frames"]);
    assert_eq!(frames.len(), theirs.len());
    let off = |(frame, hertz): (&Vec<f32>, f64)| (f64::from(frame[0]) - hertz).abs();
    assert!(
        frames
            .iter()
            .zip(theirs.iter().copied())
            .all(|pair| off(pair) < 1.01 * bin_hertz)
    );
    frames
        .iter()
        .zip(theirs)
        .filter(|pair| off((pair.0, pair.1)) > 0.01)
        .count()
}

/// How far MFCC and centroid means (Hz) may be from those after soxr, which is another filter: 67 to 73 dB away on noise.
/// What has little but leakage above some frequency (pure tones, the step that an offset begins with, clicks) shows more
/// of that. In digital silence and in a few samples soxr's own rounding and ends are most of what there is: not
/// compared.
fn resampled_limits(clip: &str, bytes: &[u8]) -> Option<([f64; 2], &'static str)> {
    let is = |sounds: &[&str]| sounds.iter().any(|sound| clip.contains(sound));
    if bytes.len() < 9_000 || is(&["HalfSilent", "Silence"]) {
        None
    } else if is(&["Tone", "Offset", "Clicks"]) {
        Some(([0.5, 5.0], "sparse"))
    } else {
        Some(([0.08, 1.0], "full"))
    }
}

#[test]
fn generated_clips_have_librosas_features() {
    let clips = clips();
    let theirs = librosa(&clips);
    assert_eq!(theirs.len(), clips.len());
    let (mut complaints, mut frames, mut other_bins) = (String::new(), 0, 0);
    let mut largest: BTreeMap<String, f64> = BTreeMap::new();
    let mut note = |what: String, off: f64, limit: f64, clip: &str| {
        let seen = largest.entry(what.clone()).or_default();
        *seen = seen.max(off);
        if off > limit {
            writeln!(complaints, "{clip} {what}: off by {off:e}").unwrap();
        }
    };
    for (clip, bytes) in &clips {
        let (features, spectrum) = ours(bytes, None);
        let native = &theirs[clip]["native"];
        let differing = rolloff_differences(&features, native, f64::from(features.sample_rate) / 2048.0);
        frames += features.frames;
        other_bins += differing;
        for name in FeatureName::ALL {
            let expected = &native[name.as_str()];
            let Some(summary) = features.summaries.get(&name) else {
                assert!(expected.is_null(), "{clip}: {name} is missing");
                continue;
            };
            if name == FeatureName::SpectralFlux || (name == FeatureName::SpectralRolloff && differing > 0) {
                continue;
            }
            for (which, ours) in [("mean", &summary.mean), ("std", &summary.std)] {
                note(
                    format!("{name} {which}"),
                    worst(ours, &expected[which]),
                    tolerance(name),
                    clip,
                );
            }
        }
        let mel_db: Vec<f64> = spectrum.mel_db.iter().copied().map(f64::from).collect();
        // Half a step of 0.1 dB.
        note(
            "mel_db".to_owned(),
            worst(&mel_db, &native["mel_db"]),
            0.0501,
            clip,
        );
        let resampled = &theirs[clip]["resampled"];
        if let Some((limits, kind)) = resampled_limits(clip, bytes)
            && !resampled.is_null()
        {
            let (features, _) = ours(bytes, Some(16_000));
            for (name, limit) in [FeatureName::Mfcc, FeatureName::SpectralCentroid]
                .into_iter()
                .zip(limits)
            {
                let off = worst(&features.summaries[&name].mean, &resampled[name.as_str()]["mean"]);
                note(format!("{kind} resampled {name} mean"), off, limit, clip);
            }
        }
    }
    println!(
        "{} clips, {frames} frames, {other_bins} with another rolloff bin; largest differences:",
        clips.len()
    );
    for (what, off) in &largest {
        println!("  {what}: {off:.2e}");
    }
    assert!(complaints.is_empty(), "{complaints}");
    assert!(
        other_bins * 500 <= frames,
        "{other_bins} of {frames} frames have another rolloff bin"
    );
}
