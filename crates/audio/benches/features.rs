//! A 2 s clip from WAV bytes to features, step by step, and librosa on the same clip in the same run.
//!
//! `cargo bench -p audio`. One thread; medians and 90th percentiles of many calls. librosa runs from `target/python`
//! (`make python`) with one thread; where that is missing, its lines are.

use std::{
    hint::black_box,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use audio::{Extractor, FeatureOptions, decode, wav::encode_pcm16};
use domain::{AudioFormat, ClipLimits, FeatureName};
use hdrhistogram::Histogram;
use realfft::RealFftPlanner;

const ROUNDS: usize = 1_500;

/// Milliseconds of one call: median and 90th percentile.
fn measure<T>(mut work: impl FnMut() -> T) -> (f64, f64) {
    for _ in 0..ROUNDS / 10 {
        black_box(work());
    }
    let mut nanos = Histogram::<u64>::new(3).expect("three digits are valid");
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(work());
        nanos += start.elapsed().as_nanos() as u64;
    }
    let millis = |quantile| nanos.value_at_quantile(quantile) as f64 / 1e6;
    (millis(0.5), millis(0.9))
}

fn measure_once<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e3
}

fn report<T>(what: &str, work: impl FnMut() -> T) -> f64 {
    let (median, p90) = measure(work);
    println!("{what:<58} median {median:>7.4} ms   p90 {p90:>7.4} ms");
    median
}

/// Two seconds of what a room sounds like: hum, a voice-like chirp, noise.
fn room(rate: u32) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..2 * rate)
        .map(|i| {
            let t = f64::from(i) / f64::from(rate);
            let voice = (std::f64::consts::TAU * (200.0 + 900.0 * t) * t).sin() * 0.3;
            let hum = (std::f64::consts::TAU * 50.0 * t).sin() * 0.05;
            (voice + hum) as f32 + 0.05 * noise()
        })
        .collect()
}

fn extractor(rate: Option<u32>, names: &[FeatureName]) -> Extractor {
    Extractor::new(FeatureOptions {
        rate,
        names: names.to_vec(),
        ..FeatureOptions::default()
    })
    .expect("the defaults are valid")
}

/// Only the transforms: 63 windowed frames of 2048 samples in double precision.
fn transforms() -> f64 {
    let plan = RealFftPlanner::<f64>::new().plan_fft_forward(2048);
    let (mut input, mut output) = (plan.make_input_vec(), plan.make_output_vec());
    let mut scratch = plan.make_scratch_vec();
    report("of which the FFTs alone (63 × 2048, f64)", || {
        for _ in 0..63 {
            plan.process_with_scratch(&mut input, &mut output, &mut scratch)
                .expect("the buffers are the plan's own");
        }
    })
}

fn librosa(clip: &Path, other: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("../../target/python/bin/python"))
        .arg(root.join("tests/python/bench_librosa.py"))
        .args([clip, other])
        .envs(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"].map(|name| (name, "1")))
        .stderr(Stdio::inherit())
        .output();
    match output {
        Ok(output) if output.status.success() => print!("{}", String::from_utf8_lossy(&output.stdout)),
        _ => println!("librosa: not measured; `make python` sets it up"),
    }
}

fn main() {
    let limits = ClipLimits::default();
    let wav = encode_pcm16(&room(16_000), 16_000);
    let text = base64_simd::STANDARD.encode_to_string(&wav);
    let clip = |bytes: &[u8]| decode(bytes, AudioFormat::Wav, 0, &limits).expect("a WAV");
    let samples = clip(&wav);
    println!(
        "a clip of 2 s, 16 kHz, 16 bit: {} bytes, {} of Base64",
        wav.len(),
        text.len()
    );

    report("Base64 to bytes", || base64_simd::STANDARD.decode_to_vec(&text));
    report("SHA-256 of the bytes", || audio::hash(&wav));
    report("WAV bytes to samples", || clip(&wav));
    let specified = extractor(Some(16_000), &FeatureName::SPECIFIED);
    report("samples to the specification's five features", || {
        specified.extract(&samples)
    });
    let whole = report("WAV bytes to the specification's five features", || {
        specified.extract(&clip(&wav))
    });
    report("the same, with the spectrum", || specified.analyse(&clip(&wav)));
    let ffts = transforms();
    println!("share of the FFTs in that: {:.0} %", 100.0 * ffts / whole);
    let all = extractor(Some(16_000), &FeatureName::ALL);
    report("WAV bytes to all features", || all.extract(&clip(&wav)));

    let other = encode_pcm16(&room(44_100), 44_100);
    report("44.1 kHz: WAV bytes to the five features at 16 kHz", || {
        specified.extract(&clip(&other))
    });

    let tables = measure_once(|| {
        extractor(Some(16_000), &FeatureName::SPECIFIED).extract(&clip(&encode_pcm16(&room(44_099), 44_099)))
    });
    println!(
        "{:<58}        {tables:>7.1} ms",
        "the first clip of an odd rate (44,099 Hz): with its tables"
    );

    let dir = std::env::temp_dir().join(format!("casement-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary directory");
    let (path, other_path) = (dir.join("16k.wav"), dir.join("44k1.wav"));
    std::fs::write(&path, &wav).expect("the clip is written");
    std::fs::write(&other_path, &other).expect("the clip is written");
    librosa(&path, &other_path);
    std::fs::remove_dir_all(&dir).expect("the directory is ours");
    report("again: WAV bytes to the specification's five features", || {
        specified.extract(&clip(&wav))
    });
}
