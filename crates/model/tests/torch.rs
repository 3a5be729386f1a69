//! What we write, read by `torch.load(weights_only=True)` where torch is installed, else by the rules it follows.

use std::{fs, path::Path, process::Command};

use model::pth::{self, NamedTensor};
use serde_json::Value;

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

    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prepared = crate_dir.join("../../target/python/bin/python");
    let python = if prepared.exists() {
        prepared
    } else {
        "python3".into()
    };
    let output = Command::new(python)
        .arg(crate_dir.join("tests/python/load_pth.py"))
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
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
