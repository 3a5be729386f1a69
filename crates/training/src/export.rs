//! The written model: a PyTorch state dict that includes the calibration, and its side-car.

use domain::{FEATURES_VERSION, FeatureName};
use model::{
    INPUTS, Sidecar,
    pth::{self, NamedTensor},
};

use crate::{
    Metrics, Reference, TrainingOptions, calibration::Curve, normalisation::Normalisation,
    regressor::Regressor,
};

/// Returns the bytes of the `.pth`: normalisation, network, and the calibration as one more hidden layer. Its units
/// max(0, ±m) pass on the output of the mean head, its units max(0, v − knot) map that of the log variance head.
pub(crate) fn pth_bytes(network: &Regressor, normalisation: &Normalisation, curve: &Curve) -> Vec<u8> {
    let mut tensors = vec![
        tensor("feature_mean", vec![INPUTS], normalisation.mean.to_vec()),
        tensor("feature_std", vec![INPUTS], normalisation.std.to_vec()),
    ];
    let mut layers = network.tensors();
    // The last four are the heads' weights and biases.
    let heads: Vec<NamedTensor> = layers.split_off(layers.len() - 4);
    let place = layers.len();
    tensors.append(&mut layers);
    let [mean, mean_bias, variance, variance_bias] = &heads[..] else {
        unreachable!("a network ends in two heads of two tensors each")
    };
    let mut weight = mean.values.clone();
    weight.extend(mean.values.iter().map(|w| -w));
    let mut bias = vec![mean_bias.values[0], -mean_bias.values[0]];
    for knot in &curve.knots {
        weight.extend(&variance.values);
        bias.push((f64::from(variance_bias.values[0]) - knot) as f32);
    }
    let units = bias.len();
    let mut hand_on = vec![0.0; units];
    (hand_on[0], hand_on[1]) = (1.0, -1.0);
    let mut bend = vec![0.0, 0.0];
    bend.extend(curve.slope_changes().iter().map(|change| *change as f32));
    tensors.extend([
        tensor(
            &format!("backbone.{place}.weight"),
            vec![units, mean.values.len()],
            weight,
        ),
        tensor(&format!("backbone.{place}.bias"), vec![units], bias),
        tensor("mean_head.weight", vec![1, units], hand_on),
        tensor("mean_head.bias", vec![1], vec![0.0]),
        tensor("logvar_head.weight", vec![1, units], bend),
        tensor("logvar_head.bias", vec![1], vec![curve.values[0] as f32]),
    ]);
    pth::write(&tensors)
}

fn tensor(name: &str, shape: Vec<usize>, values: Vec<f32>) -> NamedTensor {
    NamedTensor {
        name: name.to_owned(),
        shape,
        values,
    }
}

/// Returns the names of the inputs as the side-car lists them.
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

/// Returns the side-car of the model with the hash `sha256`.
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
        calibration: Some(metrics.calibration()),
        output_scale: None,
        uncertainty: None,
        input_deciles: reference.deciles().to_vec(),
    }
}
