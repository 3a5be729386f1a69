//! Real torch where it is installed: it reads what we write, and we read what it writes.
//!
//! The Python is `CASEMENT_TORCH_PYTHON`, else the tests' environment. Without torch, what we write is read by the rules
//! that torch follows, and what torch writes is in the goldens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use model::{
    Model, PredictRequest, answer,
    pth::{self, NamedTensor},
};
use serde_json::Value;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn python() -> PathBuf {
    let chosen = std::env::var_os("CASEMENT_TORCH_PYTHON").map(PathBuf::from);
    let prepared = here("../../target/python/bin/python");
    chosen.unwrap_or_else(|| {
        if prepared.exists() {
            prepared
        } else {
            "python3".into()
        }
    })
}

fn run(script: &str, argument: &Path) -> Value {
    let output = Command::new(python())
        .arg(here(script))
        .arg(argument)
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

fn has_torch() -> bool {
    let mut import = Command::new(python());
    import.args(["-c", "import torch"]);
    import.output().is_ok_and(|output| output.status.success())
}

#[test]
fn torch_reads_what_we_write() {
    let tensors: Vec<NamedTensor> = [
        ("feature_mean", vec![50]),
        ("backbone.0.weight", vec![7, 50]),
        ("cube", vec![2, 3, 4]),
        ("scalar", vec![]),
    ]
    .into_iter()
    .map(|(name, shape): (&str, Vec<usize>)| {
        let values = (0..shape.iter().product())
            .map(|i| i as f32 / 8.0 - 1.0)
            .collect();
        NamedTensor {
            name: name.into(),
            shape,
            values,
        }
    })
    .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    fs::write(&path, pth::write(&tensors)).unwrap();

    let read = run("tests/python/load_pth.py", &path);
    println!("read by {}", read["loader"]);
    assert_eq!(read["tensors"].as_object().unwrap().len(), tensors.len());
    for tensor in &tensors {
        let found = &read["tensors"][&tensor.name];
        assert_eq!(found["shape"], serde_json::to_value(&tensor.shape).unwrap());
        assert_eq!(
            found["values"],
            serde_json::to_value(&tensor.values).unwrap(),
            "{}",
            tensor.name
        );
    }
}

#[test]
fn we_read_what_torch_writes() {
    if !has_torch() {
        println!("torch is not installed: the goldens stand in");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let made = run("tests/python/save_variants.py", dir.path());
    println!("written by torch {}", made["torch"]);
    let request: PredictRequest = serde_json::from_value(serde_json::json!({"input": made["rows"]})).unwrap();
    let expected = made["expected"].as_object().unwrap();
    assert!(expected.len() > 15);
    let (mut largest, mut refused) = ((0.0_f64, 0.0_f64), 0);
    for (name, theirs) in expected {
        let loaded = Model::load(&dir.path().join(name));
        if theirs.is_null() {
            println!("{name}: {}", loaded.expect_err(name));
            refused += 1;
            continue;
        }
        let ours = answer(
            &loaded.unwrap_or_else(|error| panic!("{name}: {error}")),
            &request,
        )
        .unwrap();
        let off = |ours: &[f64], theirs: &Value| {
            let theirs: Vec<f64> = serde_json::from_value(theirs.clone()).unwrap();
            assert_eq!(ours.len(), theirs.len());
            ours.iter()
                .zip(&theirs)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max)
        };
        let (position, variance) = (
            off(&ours.position, &theirs["position"]),
            off(
                &ours.log_variance.iter().copied().flatten().collect::<Vec<_>>(),
                &theirs["log_variance"],
            ),
        );
        assert!(
            position < 1e-4 && variance < 1e-5,
            "{name}: {position:e} {variance:e}"
        );
        largest = (largest.0.max(position), largest.1.max(variance));
    }
    println!(
        "{} files: position within {:.1e}, log variance within {:.1e}; {refused} refused",
        expected.len(),
        largest.0,
        largest.1
    );
}
