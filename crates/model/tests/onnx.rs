//! `.onnx` models through the ONNX Runtime of the tests' Python environment: what torch computed, and what is refused.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use model::{
    Device, INPUTS, InputError, LoadOptions, Model, OutputScale, PredictRequest, Uncertainty, answer,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    input: Vec<Vec<f64>>,
    position: Vec<f64>,
    log_variance: Vec<f64>,
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Made by `make python`.
fn environment() -> PathBuf {
    here("../../target/python")
}

fn options(device: Device) -> LoadOptions {
    LoadOptions {
        device,
        onnx_runtime: Some(environment()),
        ..LoadOptions::default()
    }
}

fn load(path: &Path) -> Result<Model, model::LoadError> {
    Model::load_with(path, &options(Device::Cpu))
}

fn made() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(environment().join("bin/python"))
        .arg(here("tests/python/make_onnx.py"))
        .arg(dir.path())
        .output()
        .expect("the tests' Python is there: make python");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    dir
}

/// The whole chain of an error in one line.
fn words(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", words(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

#[test]
fn onnx_predicts_what_torch_predicts() {
    for (name, hidden) in [
        ("window_regressor", 64),
        ("regressor_h32", 32),
        ("regressor_h96", 96),
    ] {
        let golden = std::fs::read(here(&format!("tests/goldens/{name}.json"))).unwrap();
        let golden: Golden = serde_json::from_slice(&golden).unwrap();
        let onnx = load(&here(&format!("tests/goldens/{name}.onnx"))).unwrap();
        let pth = load(&here(&format!("tests/goldens/{name}.pth"))).unwrap();
        assert_eq!((onnx.format(), pth.format()), ("onnx", "pth"));
        assert_eq!((onnx.inputs(), pth.hidden_widths()), (INPUTS, vec![hidden; 2]));
        assert_eq!(onnx.feature_mean(), pth.feature_mean());
        let request = PredictRequest { input: golden.input };
        let (by_onnx, by_us) = (answer(&onnx, &request).unwrap(), answer(&pth, &request).unwrap());
        let off = |a: &[f64], b: &[f64]| {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        for theirs in [&golden.position, &by_us.position] {
            assert!(off(&by_onnx.position, theirs) < 1e-4, "{name}");
        }
        let known = |numbers: &[Option<f64>]| numbers.iter().copied().flatten().collect::<Vec<_>>();
        for theirs in [&golden.log_variance, &known(&by_us.log_variance)] {
            assert!(off(&known(&by_onnx.log_variance), theirs) < 1e-5, "{name}");
        }
        assert!(off(&by_onnx.confidence, &by_us.confidence) < 1e-5, "{name}");
        for (row, position) in request.input.iter().zip(&by_onnx.position) {
            let row: Vec<f32> = row.iter().map(|x| *x as f32).collect();
            assert!(
                (onnx.predict(&row).unwrap().position - position).abs() < 1e-4,
                "{name}"
            );
        }
    }
}

#[test]
fn the_forms_that_exporters_write_all_load() {
    let dir = made();
    let predict = |name: &str| {
        let model = load(&dir.path().join(name)).unwrap_or_else(|error| panic!("{name}: {}", words(&error)));
        let rows = [[0.5_f32; INPUTS], [-1.0; INPUTS], [2.0; INPUTS]];
        model
            .predict_batch(rows.iter().map(<[f32; INPUTS]>::as_slice))
            .unwrap()
    };
    let expected = predict("good.onnx");
    assert_eq!(expected.len(), 3);
    for name in ["good_squeezed.onnx", "good_one_row.onnx"] {
        for (a, b) in predict(name).iter().zip(&expected) {
            assert!((a.position - b.position).abs() < 1e-4 && (a.confidence - b.confidence).abs() < 1e-5);
        }
    }
}

/// Rows near the means of the training data, where the guard changes nothing.
const ROWS: [[f32; INPUTS]; 3] = [[0.5; INPUTS], [-1.0; INPUTS], [0.2; INPUTS]];

fn predictions(model: &Model) -> Vec<model::Prediction> {
    model
        .predict_batch(ROWS.iter().map(<[f32; INPUTS]>::as_slice))
        .expect("the rows are good")
}

#[test]
fn outputs_are_on_the_scale_that_is_declared() {
    let dir = made();
    let path = |name: &str| dir.path().join(format!("{name}.onnx"));
    let declared = |scale| LoadOptions {
        output_scale: Some(scale),
        ..options(Device::Cpu)
    };
    let expected = predictions(&load(&path("good")).unwrap());
    let same = |found: &[model::Prediction]| {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(&expected) {
            assert!((a.position - b.position).abs() < 1e-4, "{a:?} {b:?}");
        }
    };
    let share = Model::load_with(&path("share"), &declared(OutputScale::Share)).unwrap();
    same(&predictions(&share));
    same(&predictions(&load(&path("percent_stated")).unwrap()));
    let stated = predictions(&load(&path("share_stated")).unwrap());
    same(&stated);
    // A log variance is on the same scale: in points it is larger by ln 100².
    for (a, b) in stated.iter().zip(&expected) {
        let points = (b.log_variance.unwrap() + 10_000_f64.ln()).min(8.0);
        assert!((a.log_variance.unwrap() - points).abs() < 1e-4, "{a:?} {b:?}");
    }
    // The side-car declares as the flag does.
    let sidecar = format!(
        r#"{{"version": "v1", "sha256": "{}", "output_scale": "0-1"}}"#,
        share.sha256()
    );
    std::fs::write(model::sidecar_path(&path("share")), sidecar).unwrap();
    same(&predictions(&load(&path("share")).unwrap()));
    let refused = |name: &str, scale| words(&Model::load_with(&path(name), &declared(scale)).unwrap_err());
    assert_eq!(
        refused("share_stated", OutputScale::Percent),
        "the file says that its outputs are 0-1, but 0-100 was declared"
    );
    assert_eq!(
        refused("good", OutputScale::Share).split(';').next(),
        Some("for the means of its training data the model answers 5000 percent, as its scale is 0-1")
    );
}

#[test]
fn without_a_log_variance_the_confidence_is_measured_or_nothing() {
    let dir = made();
    let model = load(&dir.path().join("percent_stated.onnx")).unwrap();
    assert!(!model.states_variance() && model.uncertainty().is_none());
    for prediction in predictions(&model) {
        assert_eq!((prediction.log_variance, prediction.confidence), (None, 0.0));
    }
    // Right in half of the cases.
    let pairs: Vec<(f64, f64)> = (0..100)
        .map(|i| (50.0, if i % 2 == 0 { 55.0 } else { 90.0 }))
        .collect();
    let measured = model.with_uncertainty(Uncertainty::measure("tests", &pairs).unwrap());
    for prediction in predictions(&measured) {
        assert!((prediction.model_confidence - 0.5).abs() < 1e-6, "{prediction:?}");
        assert!(prediction.log_variance.is_some());
    }
    // The guard counts as for any other model.
    let far = measured.predict(&[1e4; INPUTS]).unwrap();
    assert_eq!((far.confidence, far.model_confidence > 0.4), (0.0, true));
    // A model that states its own keeps it.
    let own = load(&dir.path().join("good.onnx")).unwrap();
    let before = predictions(&own);
    let after = own.with_uncertainty(Uncertainty::measure("tests", &pairs).unwrap());
    assert_eq!(predictions(&after), before);
}

#[test]
fn whatever_is_wrong_is_named() {
    let dir = made();
    for (name, expected) in [
        (
            "four_rows",
            "the model has the inputs features f32 [4, 50]; expected one: features float32 [batch, 50]",
        ),
        ("input_name", "the model has the inputs x f32 [batch, 50]"),
        ("input_width", "the model has the inputs features f32 [batch, 1]"),
        ("input_type", "the model has the inputs features f64 [batch, 50]"),
        (
            "output_name",
            "the model has the outputs position f32 [batch, 1]; logvar f32 [batch, 1]; expected position, and",
        ),
        (
            "one_output",
            "neither the file nor its side-car says whether position is 0 to 1 or 0 to 100: casement models add",
        ),
        (
            "three_outputs",
            "the model has the outputs position f32 [batch, 1]; log_variance f32 [batch, 1]; share",
        ),
        (
            "no_mean",
            "tensor 'feature_mean' is missing, expected with shape [50]",
        ),
        ("short_std", "tensor 'feature_std' has shape [7], expected [50]"),
        (
            "zero_std",
            "tensor 'feature_std' has 0 at index 3, expected more than 0",
        ),
        (
            "nan_weight",
            "tensor 'mean_head.weight' has NaN at index 0, expected finite numbers",
        ),
        (
            "double_mean",
            "tensor 'feature_mean' is of ONNX's element type 11, expected float32",
        ),
        (
            "wild_position",
            "for the means of its training data the model answers 500000 percent, as its scale is 0-100",
        ),
        (
            "unknown_scale",
            "the metadata casement.output_scale cannot be used: 'percent' is no output scale, expected 0-1 or 0-100",
        ),
        (
            "share_that_is_percent",
            "for the means of its training data the model answers 5000 percent, as its scale is 0-1",
        ),
        ("bomb", "operator 'ConstantOfShape' is refused"),
        ("loop", "operator 'If' is refused"),
        ("external", "lies in another file: export with"),
        ("unknown_operator", "ONNX Runtime refuses the model: "),
        ("torn", "the .onnx file is damaged: it is not a protocol buffer"),
    ] {
        let message = words(&load(&dir.path().join(format!("{name}.onnx"))).unwrap_err());
        let fits = if name == "external" {
            message.contains(expected)
        } else {
            message.starts_with(expected)
        };
        assert!(fits, "{name}: {message}");
    }
    let large = dir.path().join("large.onnx");
    std::fs::write(&large, vec![8; (16 << 20) + 1]).unwrap();
    assert!(
        words(&load(&large).unwrap_err())
            .starts_with("the model has 16777217 bytes, and the limit is 16777216")
    );
}

#[test]
fn bad_rows_are_named() {
    let model = load(&here("tests/goldens/regressor_h32.onnx")).unwrap();
    let good = [1.0_f32; INPUTS];
    let batch = |second: &[f32]| model.predict_batch([&good[..], second]).unwrap_err();
    assert_eq!(
        batch(&[1.0; 49]),
        InputError::Length {
            row: 1,
            found: 49,
            expected: INPUTS
        }
    );
    assert!(matches!(
        batch(&[f32::NAN; INPUTS]),
        InputError::NotFinite { row: 1, index: 0, .. }
    ));
    assert!(model.predict_batch([]).unwrap().is_empty());
}

#[test]
fn cuda_is_refused_clearly_where_the_library_has_none_and_for_pth() {
    let cuda = options(Device::Cuda(0));
    let message = words(&Model::load_with(&here("tests/goldens/regressor_h32.onnx"), &cuda).unwrap_err());
    // Where the wheel is the GPU's and a GPU is there, this test has nothing to say.
    assert!(
        message
            .starts_with("model.device is cuda, but ONNX Runtime has no CUDA here: install onnxruntime-gpu"),
        "{message}"
    );
    let message = words(&Model::load_with(&here("tests/goldens/regressor_h32.pth"), &cuda).unwrap_err());
    assert!(
        message.contains("a .pth model runs on the CPU") && message.contains("training/export_onnx.py"),
        "{message}"
    );
}
