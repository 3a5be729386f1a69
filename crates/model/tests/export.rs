//! `training/export_onnx.py`: models of people's own, from each kind of source, answer as torch does.
//!
//! The files in `goldens/exported` are the script's. Where torch and onnxscript are installed
//! (`CASEMENT_TORCH_PYTHON`, else the tests' environment), it is run as well.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use model::{LoadOptions, Model, PredictRequest, answer};
use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

/// Compares all files that `made` tells of. Returns how many there were.
fn compare(folder: &Path, made: &Value) -> usize {
    let request: PredictRequest =
        serde_json::from_value(serde_json::json!({"input": made["rows"]})).expect("the rows are numbers");
    let options = LoadOptions {
        onnx_runtime: Some(here("../../target/python")),
        ..LoadOptions::default()
    };
    let expected = made["expected"].as_object().expect("files with what is expected");
    for (name, theirs) in expected {
        let model =
            Model::load_with(&folder.join(name), &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let ours = answer(&model, &request).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (a, b) in ours.position.iter().zip(numbers(&theirs["position"])) {
            assert!((a - b).abs() < 1e-3, "{name}: position {a} for torch's {b}");
        }
        if theirs["log_variance"].is_null() {
            assert!(ours.log_variance.iter().all(Option::is_none), "{name}");
            assert!(ours.confidence.iter().all(|sure| *sure <= 0.0), "{name}");
        } else {
            for (a, b) in ours.log_variance.iter().zip(numbers(&theirs["log_variance"])) {
                let a = a.expect("the model states it");
                assert!(
                    (a - b.clamp(-6.0, 8.0)).abs() < 1e-4,
                    "{name}: log variance {a} for torch's {b}"
                );
            }
        }
    }
    expected.len()
}

#[test]
fn exported_models_predict_what_torch_predicts() {
    let folder = here("tests/goldens/exported");
    let made = std::fs::read(folder.join("expected.json")).unwrap();
    assert_eq!(compare(&folder, &serde_json::from_slice(&made).unwrap()), 10);
}

#[test]
fn the_script_exports_every_kind_of_source() {
    let prepared = here("../../target/python/bin/python");
    let python = std::env::var_os("CASEMENT_TORCH_PYTHON").map_or(prepared, PathBuf::from);
    let modules = Command::new(&python)
        .args(["-c", "import torch, onnxscript, onnxruntime"])
        .output();
    if !modules.is_ok_and(|output| output.status.success()) {
        println!("torch and onnxscript are not installed: the goldens stand in");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg("-B")
        .arg(here("tests/python/export_nets.py"))
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let made = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(compare(dir.path(), &made), 10);
}
