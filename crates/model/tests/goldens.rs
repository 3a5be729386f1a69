//! What PyTorch computed, against what we compute, for every container that `torch.save` has written.

use std::path::{Path, PathBuf};

use model::{INPUTS, Model, PredictRequest, answer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    hidden: usize,
    input: Vec<Vec<f64>>,
    position: Vec<f64>,
    log_variance: Vec<f64>,
    position_f64: Vec<f64>,
    log_variance_f64: Vec<f64>,
    confidence_erf10: Vec<f64>,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name)
}

fn golden(name: &str) -> Golden {
    let text = std::fs::read(path(name)).expect("the golden is there");
    serde_json::from_slice(&text).expect("the golden is JSON")
}

fn largest_difference(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn known(log_variance: &[Option<f64>]) -> Vec<f64> {
    log_variance.iter().copied().flatten().collect()
}

#[test]
fn every_container_predicts_what_torch_predicts() {
    for (file, json) in [
        ("window_regressor.pth", "window_regressor.json"),
        ("regressor_h32.pth", "regressor_h32.json"),
        ("regressor_h32.ckpt.pth", "regressor_h32.json"),
        ("regressor_h32.full.pth", "regressor_h32.json"),
        ("regressor_h32.legacy.pth", "regressor_h32.json"),
        ("regressor_h32.full.legacy.pth", "regressor_h32.json"),
        ("regressor_h96.pth", "regressor_h96.json"),
    ] {
        let golden = golden(json);
        let model = Model::load(&path(file)).unwrap();
        assert_eq!(model.inputs(), INPUTS);
        assert_eq!(model.hidden_widths(), [golden.hidden, golden.hidden]);
        let ours = answer(&model, &PredictRequest { input: golden.input }).unwrap();
        for (theirs, variance) in [
            (&golden.position, &golden.log_variance),
            (&golden.position_f64, &golden.log_variance_f64),
        ] {
            let (position, variance) = (
                largest_difference(&ours.position, theirs),
                largest_difference(&known(&ours.log_variance), variance),
            );
            assert!(position < 1e-4, "{file}: position off by {position:e}");
            assert!(variance < 1e-5, "{file}: log variance off by {variance:e}");
        }
        let sure = largest_difference(&ours.model_confidence, &golden.confidence_erf10);
        assert!(sure < 1e-5, "{file}: confidence off by {sure:e}");
    }
}

#[test]
fn bytes_and_files_are_the_same_model() {
    for file in [
        "regressor_h32.pth",
        "regressor_h32.ckpt.pth",
        "regressor_h32.full.pth",
        "regressor_h32.legacy.pth",
        "regressor_h32.full.legacy.pth",
    ] {
        let from_file = Model::load(&path(file)).unwrap();
        let from_bytes = Model::from_bytes(&std::fs::read(path(file)).unwrap()).unwrap();
        let input = [1.0; INPUTS];
        assert_eq!(from_file.predict(&input), from_bytes.predict(&input));
        assert_eq!(from_file.sha256(), from_bytes.sha256());
    }
}

#[test]
fn far_from_the_training_data_nothing_is_confident() {
    let model = Model::load(&path("window_regressor.pth")).unwrap();
    let golden = golden("window_regressor.json");
    let ours = answer(&model, &PredictRequest { input: golden.input }).unwrap();
    // Rows 1 and 2 are 30 standard deviations off; the model itself is sure of them.
    assert!(ours.model_confidence[1] > 0.99 && ours.model_confidence[2] > 0.97);
    assert_eq!(&ours.confidence[1..3], [0.0, 0.0]);
    assert_eq!(ours.confidence[3..], ours.model_confidence[3..]);
}

#[test]
fn a_missing_clip_is_the_training_mean() {
    let model = Model::load(&path("window_regressor.pth")).unwrap();
    let mean: [f64; 48] = std::array::from_fn(|i| f64::from(model.feature_mean()[i + 2]));
    let with_mean = model::input(21.0, 50.0, Some(&mean), &model);
    let bits = |input: [f32; INPUTS]| input.map(f32::to_bits);
    assert_eq!(bits(model::input(21.0, 50.0, None, &model)), bits(with_mean));
    assert!(model.predict(&with_mean).unwrap().confidence > 0.5);
}

#[test]
fn batch_and_single_agree() {
    let model = Model::load(&path("window_regressor.pth")).unwrap();
    let rows: Vec<Vec<f32>> = golden("window_regressor.json")
        .input
        .iter()
        .map(|row| row.iter().map(|x| *x as f32).collect())
        .collect();
    let batch = model.predict_batch(rows.iter().map(Vec::as_slice)).unwrap();
    for (row, prediction) in rows.iter().zip(&batch) {
        assert_eq!(model.predict(row).unwrap(), *prediction);
    }
}

#[test]
fn bad_rows_are_named() {
    let model = Model::load(&path("window_regressor.pth")).unwrap();
    let ask = |input| answer(&model, &PredictRequest { input }).unwrap_err().to_string();
    let good = vec![1.0; INPUTS];
    assert_eq!(
        ask(vec![good.clone(), vec![1.0; 49]]),
        "row 1 has 49 numbers, the model reads 50"
    );
    let mut huge = good.clone();
    huge[7] = 1e300;
    assert!(ask(vec![good, huge]).starts_with("row 1: number 7 is 1"));
}
