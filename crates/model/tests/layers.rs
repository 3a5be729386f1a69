//! Every layer as torch computes it in evaluation mode, in whole modules and in state dicts, and the refusals of what a
//! file leaves open.
//!
//! The files in `goldens/layers` are torch's. Where torch is installed (`CASEMENT_TORCH_PYTHON`, else the tests'
//! environment), networks drawn at random are compared, too.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use model::{Model, PredictRequest, answer};
use serde_json::Value;

/// The largest difference: of a position in points, and of a log variance.
const TOLERANCE: f64 = 1e-5;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares all files that `made` tells of. Returns how many were predicted and how many refused.
fn compare(folder: &Path, made: &Value) -> (usize, usize) {
    let request: PredictRequest =
        serde_json::from_value(serde_json::json!({"input": made["rows"]})).expect("the rows are numbers");
    let expected = made["expected"].as_object().expect("files with what is expected");
    let (mut predicted, mut refused) = (0, 0);
    for (name, theirs) in expected {
        let loaded = Model::load(&folder.join(name));
        if let Some(words) = theirs.as_str() {
            let message = loaded.expect_err(name).to_string();
            assert!(message.contains(words), "{name}: {message}");
            assert!(message.contains("three ways in: "), "{name}: {message}");
            refused += 1;
            continue;
        }
        let model = loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours = answer(&model, &request).unwrap_or_else(|error| panic!("{name}: {error}"));
        let log_variance: Vec<f64> = ours.log_variance.iter().copied().flatten().collect();
        for (ours, theirs) in [
            (&ours.position, &theirs["position"]),
            (&log_variance, &theirs["log_variance"]),
        ] {
            let theirs: Vec<f64> = serde_json::from_value(theirs.clone()).expect("numbers");
            assert_eq!(ours.len(), theirs.len());
            for (a, b) in ours.iter().zip(&theirs) {
                assert!(
                    (a - b).abs() <= TOLERANCE * b.abs().max(1.0),
                    "{name}: {a} for torch's {b}; {ours:?} for {theirs:?}"
                );
            }
        }
        predicted += 1;
    }
    (predicted, refused)
}

#[test]
fn every_layer_predicts_what_torch_predicts() {
    let folder = here("tests/goldens/layers");
    let made = std::fs::read(folder.join("expected.json")).unwrap();
    let (predicted, refused) = compare(&folder, &serde_json::from_slice(&made).unwrap());
    assert!(predicted >= 34 && refused >= 19, "{predicted} {refused}");
}

#[test]
fn networks_drawn_at_random_predict_what_torch_predicts() {
    let prepared = here("../../target/python/bin/python");
    let python = std::env::var_os("CASEMENT_TORCH_PYTHON").map_or(prepared, PathBuf::from);
    let has_torch = Command::new(&python).args(["-c", "import torch"]).output();
    if !has_torch.is_ok_and(|output| output.status.success()) {
        println!("torch is not installed: the goldens stand in");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let seed = std::env::var("CASEMENT_SEED").unwrap_or_else(|_| "1".into());
    let output = Command::new(python)
        .arg(here("tests/python/save_layers.py"))
        .arg(dir.path())
        .args([&seed, "60"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (predicted, _) = compare(dir.path(), &serde_json::from_slice(&output.stdout).unwrap());
    assert!(predicted >= 90, "{predicted}");
}

#[test]
fn a_file_tells_its_layers() {
    let tell = |name: &str| {
        let model = Model::load(&here(&format!("tests/goldens/layers/{name}.pth"))).unwrap();
        assert_eq!(model.assumes_relu(), name.starts_with("state_"));
        model.layers().join(" → ")
    };
    assert_eq!(
        tell("normalisation_0"),
        "Linear(5) → BatchNorm1d → Tanh → Linear(5)"
    );
    assert_eq!(
        tell("state_after_bare"),
        "Linear(5) → BatchNorm1d → ReLU → Linear(5) → LayerNorm → ReLU"
    );
    assert_eq!(tell("state_linear_last"), "Linear(5), ReLU → Linear(5)");
}
