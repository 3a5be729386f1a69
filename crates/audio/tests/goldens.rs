//! Every golden clip within the tolerances that a faithful port of librosa meets.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

use std::{fs, path::Path};

use audio::{Extractor, FeatureOptions, decode};
use domain::{AudioFormat, ClipFeatures, ClipLimits, FeatureName};
use serde_json::Value;

/// Tolerances of mean and deviation over frames.
fn tolerance(name: &str) -> f64 {
    match name {
        "mfcc" | "spectral_centroid" | "spectral_bandwidth" => 1e-3,
        "rms" => 1e-6,
        "spectral_flatness" => 1e-5,
        "spectral_contrast" => 1e-4,
        // Exact, but for the order of a sum.
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

fn worst(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn features(clip: &str, rate: Option<u32>) -> ClipFeatures {
    let data = fs::read(Path::new("tests/goldens/clips").join(format!("{clip}.wav"))).unwrap();
    let samples = decode(&data, AudioFormat::Wav, 0, &ClipLimits::default()).unwrap();
    Extractor::new(FeatureOptions {
        rate,
        names: FeatureName::ALL.to_vec(),
        ..FeatureOptions::default()
    })
    .unwrap()
    .extract(&samples)
}

fn goldens() -> Value {
    serde_json::from_str(&fs::read_to_string("tests/goldens/features.json").unwrap()).unwrap()
}

#[test]
fn decoded_samples_are_libsndfiles() {
    for (clip, golden) in goldens()["clips"].as_object().unwrap() {
        let data = fs::read(Path::new("tests/goldens/clips").join(format!("{clip}.wav"))).unwrap();
        let samples = decode(&data, AudioFormat::Wav, 0, &ClipLimits::default()).unwrap();
        assert_eq!(
            u64::from(samples.rate),
            golden["sample_rate"].as_u64().unwrap(),
            "{clip}"
        );
        let first = numbers(&golden["first_samples"]);
        let ours: Vec<f64> = samples.mono[..first.len()]
            .iter()
            .map(|s| f64::from(*s))
            .collect();
        assert!(worst(&ours, &first) < 1e-7, "{clip}");
    }
}

#[test]
fn native_features_are_librosas() {
    for (clip, golden) in goldens()["clips"].as_object().unwrap() {
        let ours = features(clip, None);
        assert_eq!(
            ours.frames as u64,
            golden["native"]["frames"].as_u64().unwrap(),
            "{clip}"
        );
        for (name, theirs) in golden["native"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, v)| v.is_object())
        {
            let ours = &ours.summaries[&name.parse::<FeatureName>().unwrap()];
            for (which, ours) in [("mean", &ours.mean), ("std", &ours.std)] {
                let worst = worst(ours, &numbers(&theirs[which]));
                assert!(
                    worst <= tolerance(name),
                    "{clip} {name} {which}: off by {worst:e}"
                );
            }
        }
    }
}

#[test]
fn resampled_features_are_close_to_librosas() {
    let mut compared = 0;
    for (clip, golden) in goldens()["clips"].as_object().unwrap() {
        let Some(theirs) = golden.get("resampled") else {
            continue;
        };
        let ours = features(clip, Some(16_000));
        let mean = |name: FeatureName| ours.summaries[&name].mean.clone();
        let mfcc = worst(&mean(FeatureName::Mfcc), &numbers(&theirs["mfcc"]["mean"]));
        let centroid = worst(
            &mean(FeatureName::SpectralCentroid),
            &numbers(&theirs["spectral_centroid"]["mean"]),
        );
        assert!(
            mfcc <= 0.05 && centroid <= 1.0,
            "{clip}: mfcc {mfcc}, centroid {centroid} Hz"
        );
        compared += 1;
    }
    assert!(compared >= 3);
}
