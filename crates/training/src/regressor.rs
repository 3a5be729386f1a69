//! The network in training: dense layers with `ReLU`, a head for the position and one for the log variance.
//!
//! In: normalised inputs. Out: position in points, log variance in squared points. Normalisation is not part of it, so
//! that the optimiser cannot change it. Initial weights come from a generator of our own, because burn's is shared by
//! the process.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, TensorData, activation},
};
use model::{INPUTS, pth::NamedTensor};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// The bounds to which a log variance is clamped, in training as in use.
pub(crate) const LOG_VARIANCE: (f64, f64) = (-6.0, 8.0);

/// Initial biases of the heads, so that training starts from a constant model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// The labels' mean in points.
    pub(crate) position: f64,
    /// The logarithm of the labels' variance.
    pub(crate) log_variance: f64,
}

/// Backbone and heads.
#[derive(Module, Debug)]
pub(crate) struct Regressor {
    backbone: Vec<Linear>,
    mean_head: Linear,
    logvar_head: Linear,
}

/// Returns a layer with He's uniform initialisation (He et al. 2015), scaled by `gain`.
fn dense(inputs: usize, outputs: usize, gain: f64, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    let bound = gain * (6.0 / inputs as f64).sqrt();
    let weight: Vec<f32> = (0..inputs * outputs)
        .map(|_| rng.random_range(-bound..bound) as f32)
        .collect();
    Linear {
        weight: Param::from_data(TensorData::new(weight, [inputs, outputs]), device),
        bias: Some(Param::from_data(
            TensorData::new(vec![0.0_f32; outputs], [outputs]),
            device,
        )),
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_to_vec()
        .expect("a flex tensor of 32-bit floats")
}

impl Regressor {
    pub(crate) fn new(hidden: &[usize], start: Start, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let mut width = INPUTS;
        let mut backbone = Vec::with_capacity(hidden.len());
        for &next in hidden {
            backbone.push(dense(width, next, 1.0, rng, device));
            width = next;
        }
        let mut head = |bias: f64| Linear {
            bias: Some(Param::from_data(TensorData::new(vec![bias as f32], [1]), device)),
            ..dense(width, 1, 0.1, rng, device)
        };
        let share = (start.position / 100.0).clamp(0.01, 0.99);
        Self {
            mean_head: head((share / (1.0 - share)).ln()),
            logvar_head: head(start.log_variance),
            backbone,
        }
    }

    /// Returns positions (points) and log variances (not clamped), `[rows, 1]` each, from `[rows, 50]`.
    pub(crate) fn forward(&self, input: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let hidden = self
            .backbone
            .iter()
            .fold(input, |x, layer| activation::relu(layer.forward(x)));
        let position = activation::sigmoid(self.mean_head.forward(hidden.clone())).mul_scalar(100.0);
        (position, self.logvar_head.forward(hidden))
    }

    /// Returns positions and log variances of rows of 50 normalised numbers, without gradients.
    pub(crate) fn predict(&self, rows: &[[f32; INPUTS]], device: &Device) -> Vec<(f64, f64)> {
        let data = TensorData::new(rows.as_flattened().to_vec(), [rows.len(), INPUTS]);
        let (position, log_variance) = self.forward(Tensor::from_data(data, device));
        let pairs = numbers(position).into_iter().zip(numbers(log_variance));
        pairs.map(|(p, v)| (f64::from(p), f64::from(v))).collect()
    }

    /// Returns the weights under the names and in the layout (outputs × inputs) of PyTorch.
    pub(crate) fn tensors(&self) -> Vec<NamedTensor> {
        let mut tensors = Vec::new();
        let places = (0..).step_by(2).map(|place| format!("backbone.{place}"));
        let heads = [("mean_head", &self.mean_head), ("logvar_head", &self.logvar_head)];
        let layers = places
            .zip(&self.backbone)
            .chain(heads.map(|(name, head)| (name.to_owned(), head)));
        for (name, layer) in layers {
            let [inputs, outputs] = layer.weight.val().dims();
            tensors.push(NamedTensor {
                name: format!("{name}.weight"),
                shape: vec![outputs, inputs],
                values: numbers(layer.weight.val().transpose()),
            });
            let bias = layer.bias.as_ref().expect("every layer is made with a bias");
            tensors.push(NamedTensor {
                name: format!("{name}.bias"),
                shape: vec![outputs],
                values: numbers(bias.val()),
            });
        }
        tensors
    }
}
