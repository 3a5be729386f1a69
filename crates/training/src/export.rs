//! The written model: a state dict as PyTorch has it, with the calibration inside, and what the side-car says.

use domain::{FEATURES_VERSION, FeatureName};
use model::{
    Calibration, Sidecar,
    pth::{self, NamedTensor},
};

use crate::{
    Metrics, Reference, Scaling, TrainingOptions, normalisation::Normalisation, regressor::Regressor,
};

/// The bytes of the `.pth`: normalisation, network, and the log variance head scaled.
pub(crate) fn pth_bytes(network: &Regressor, normalisation: &Normalisation, scaling: Scaling) -> Vec<u8> {
    let vector = |name: &str, values: &[f32]| NamedTensor {
        name: name.to_owned(),
        shape: vec![values.len()],
        values: values.to_vec(),
    };
    let mut tensors = vec![
        vector("feature_mean", &normalisation.mean),
        vector("feature_std", &normalisation.std),
    ];
    tensors.extend(network.tensors());
    for tensor in &mut tensors {
        let shift = match tensor.name.as_str() {
            "logvar_head.weight" => 0.0,
            "logvar_head.bias" => scaling.shift,
            _ => continue,
        };
        for value in &mut tensor.values {
            *value = (f64::from(*value) * scaling.scale + shift) as f32;
        }
    }
    pth::write(&tensors)
}

/// The names of the inputs as the side-car lists them.
fn feature_names() -> Vec<String> {
    let audio = FeatureName::SPECIFIED.into_iter().flat_map(|name| match name {
        FeatureName::Mfcc => vec!["mfcc_mean".to_owned(), "mfcc_std".to_owned()],
        other => vec![other.to_string()],
    });
    ["temperature".to_owned(), "humidity".to_owned()]
        .into_iter()
        .chain(audio)
        .collect()
}

/// What is known about the model `sha256` after its test.
pub(crate) fn sidecar(
    options: &TrainingOptions,
    sha256: &str,
    metrics: &Metrics,
    reference: &Reference,
) -> Sidecar {
    Sidecar {
        version: options.version.clone(),
        sha256: sha256.to_owned(),
        features_version: Some(FEATURES_VERSION.to_owned()),
        features: feature_names(),
        sample_rate: Some(16_000),
        training_data: Some(options.training_data.clone()),
        calibration: Some(Calibration {
            mae: metrics.errors.mae,
            ece: metrics.ece,
            brier: metrics.brier,
            auroc: metrics.auroc.unwrap_or(0.5),
            coverage_95: metrics.coverage_95(),
        }),
        input_deciles: reference.deciles().to_vec(),
    }
}
