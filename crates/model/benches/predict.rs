//! Loading and predicting: medians and 99th percentiles of repeated calls, and torch's beside them where it is installed.
//!
//! `CASEMENT_TORCH_PYTHON=/path/to/python cargo bench -p model`; else the tests' Python, or `python3`, is asked for torch.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use hdrhistogram::Histogram;
use model::{INPUTS, Model, pth};

/// Microseconds of one call: median and 99th percentile over `rounds` rounds of `calls` calls.
fn measure(rounds: usize, calls: u32, mut work: impl FnMut()) -> (f64, f64) {
    for _ in 0..calls {
        work();
    }
    // Nanoseconds of `calls` calls together: one alone may take too few for three digits.
    let mut nanos = Histogram::<u64>::new(3).expect("three digits are valid");
    for _ in 0..rounds {
        let start = Instant::now();
        (0..calls).for_each(|_| work());
        nanos += start.elapsed().as_nanos() as u64;
    }
    let micros = |quantile| nanos.value_at_quantile(quantile) as f64 / 1e3 / f64::from(calls);
    (micros(0.5), micros(0.99))
}

fn report(what: &str, target: &str, (median, p99): (f64, f64)) {
    println!("{what:<40} median {median:>9.3} µs   p99 {p99:>9.3} µs   {target}");
}

/// A model of another size, as bytes of a file.
fn sized(hidden: usize) -> Vec<u8> {
    let tensor = |name: &str, shape: &[usize]| {
        let values = (0..shape.iter().product()).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.4);
        let values = values
            .map(|x| if name == "feature_std" { x.abs() + 0.1 } else { x })
            .collect();
        pth::NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values,
        }
    };
    pth::write(&[
        tensor("feature_mean", &[INPUTS]),
        tensor("feature_std", &[INPUTS]),
        tensor("backbone.0.weight", &[hidden, INPUTS]),
        tensor("backbone.0.bias", &[hidden]),
        tensor("backbone.2.weight", &[hidden, hidden]),
        tensor("backbone.2.bias", &[hidden]),
        tensor("mean_head.weight", &[1, hidden]),
        tensor("mean_head.bias", &[1]),
        tensor("logvar_head.weight", &[1, hidden]),
        tensor("logvar_head.bias", &[1]),
    ])
}

fn predictions(name: &str, model: &Model, targets: [&str; 2]) {
    let rows: Vec<Vec<f32>> = (0..64)
        .map(|row| {
            (0..INPUTS)
                .map(|i| ((row * 13 + i * 7) % 17) as f32 / 5.0)
                .collect()
        })
        .collect();
    let mut next = rows.iter().cycle();
    let single = measure(1_000, 1_000, || {
        let row = next.next().expect("a cycle never ends");
        black_box(model.predict(black_box(row))).expect("the row is good");
    });
    report(&format!("{name}: one prediction"), targets[0], single);
    let mut next = rows.iter().cycle();
    let explained = measure(1_000, 200, || {
        let row = next.next().expect("a cycle never ends");
        black_box(model.explain(black_box(row))).expect("the row is good");
    });
    report(&format!("{name}: one explanation"), "20", explained);
    let batch = measure(1_000, 20, || {
        black_box(model.predict_batch(black_box(&rows).iter().map(Vec::as_slice)))
            .expect("the rows are good");
    });
    report(&format!("{name}: batch of 64"), targets[1], batch);
}

/// The same by torch in one thread, as it says itself.
fn beside_torch(model: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prepared = here.join("../../target/python/bin/python");
    let chosen = std::env::var_os("CASEMENT_TORCH_PYTHON").map(PathBuf::from);
    let python = chosen.unwrap_or_else(|| {
        if prepared.exists() {
            prepared
        } else {
            "python3".into()
        }
    });
    let script = here.join("benches/torch_predict.py");
    match Command::new(python).arg(script).arg(model).output() {
        Ok(output) if output.status.success() => print!("{}", String::from_utf8_lossy(&output.stdout)),
        _ => println!("torch is not installed: set CASEMENT_TORCH_PYTHON to a Python that has it"),
    }
}

/// The same network by ONNX Runtime, where this was built with it and the library is found.
fn by_onnx_runtime() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let options = model::LoadOptions {
        onnx_runtime: Some(here.join("../../target/python")),
        ..model::LoadOptions::default()
    };
    match Model::load_with(&here.join("tests/goldens/window_regressor.onnx"), &options) {
        Ok(model) => predictions("hidden 64, ONNX Runtime", &model, ["", ""]),
        Err(error) => println!("ONNX Runtime: {error}"),
    }
}

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth");
    let load = measure(500, 1, || {
        drop(black_box(Model::load(&path)).expect("the shipped model loads"));
    });
    report("load the shipped model", "target 1000", load);
    predictions(
        "hidden 64",
        &Model::load(&path).expect("the shipped model loads"),
        ["target 3", "target 80"],
    );
    predictions(
        "hidden 96",
        &Model::from_bytes(&sized(96)).expect("the model loads"),
        ["target 3", "target 80"],
    );
    by_onnx_runtime();
    beside_torch(&path);
}
