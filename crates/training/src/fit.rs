//! The training loop: seeded batches, likelihood loss, early stopping with the best weights.
//!
//! In: normalised rows and positions. Out: the weights of the epoch with the best score on the validation part. It runs
//! on one thread, so that the same seed produces the same bytes.

use burn::{
    grad_clipping::GradientClippingConfig,
    module::Module as _,
    optim::{AdamWConfig, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use model::{INPUTS, TOLERANCE_POINTS};
use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    TrainingError, TrainingOptions, metrics,
    part::Part,
    regressor::{LOG_VARIANCE, Regressor, Start},
};

/// The exponent of β-NLL: 0 is the plain likelihood, which neglects difficult examples; 1 is the squared error.
const BETA: f64 = 0.5;

/// The results of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, counted from 1.
    pub number: usize,
    /// Mean loss over the training part (β-NLL, whose zero has no meaning).
    pub loss: f64,
    /// Mean continuous ranked probability score over the validation part, in points.
    pub validation_crps: f64,
    /// Mean absolute error over the validation part, in points.
    pub validation_mae: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// Weight of the confidence's log score beside β-NLL. Errors are not normally distributed, so the likelihood alone
/// produces a variance whose confidence is wrong for medium values; the score corrects it.
const CONFIDENCE: f64 = 4.0;

/// Returns the log score of the event |error| ≤ 10 points, against `right` (0 or 1).
fn confidence_score(log_variance: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    let scaled = log_variance
        .mul_scalar(-0.5)
        .exp()
        .mul_scalar(TOLERANCE_POINTS / std::f64::consts::SQRT_2);
    let sure = scaled.erf().clamp(1e-4, 1.0 - 1e-4);
    let wrong = right.clone().neg().add_scalar(1.0);
    (right * sure.clone().log() + wrong * sure.neg().add_scalar(1.0).log()).neg()
}

/// Returns β-NLL (Seitzer et al. 2022, eq. 5), the Gaussian likelihood of each error weighted by σ^2β without gradient,
/// plus the log score of the confidence.
fn loss(position: Tensor<2>, log_variance: Tensor<2>, wanted: Tensor<2>, weight: Tensor<2>) -> Tensor<1> {
    let log_variance = log_variance.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1);
    let right = (position.clone() - wanted.clone())
        .abs()
        .lower_equal_elem(TOLERANCE_POINTS)
        .float()
        .detach();
    let score = confidence_score(log_variance.clone(), right).mul_scalar(CONFIDENCE);
    let precision = log_variance.clone().neg().exp();
    let nll = (log_variance.clone() + (position - wanted).square() * precision).mul_scalar(0.5);
    let beta = log_variance.detach().mul_scalar(BETA).exp();
    ((nll * beta + score) * weight).mean()
}

fn start(part: &Part) -> Start {
    let count = part.positions.len() as f64;
    let position = part.positions.iter().sum::<f64>() / count;
    let variance = part.positions.iter().map(|p| (p - position).powi(2)).sum::<f64>() / count;
    Start {
        position,
        log_variance: variance.max(1.0).ln(),
    }
}

/// Returns one batch as tensors: rows, positions, weights. Some clips are dropped, so that the model learns to answer
/// devices without a microphone.
fn batch(
    part: &Part,
    indices: &[usize],
    forget: f64,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> [Tensor<2>; 3] {
    let mut rows = Vec::with_capacity(indices.len() * INPUTS);
    for &index in indices {
        let mut row = part.rows[index];
        if rng.random_bool(forget) {
            row[2..].fill(0.0);
        }
        rows.extend_from_slice(&row);
    }
    let column = |values: &[f64]| {
        let values: Vec<f32> = indices.iter().map(|&index| values[index] as f32).collect();
        Tensor::from_data(TensorData::new(values, [indices.len(), 1]), device)
    };
    let rows = Tensor::from_data(TensorData::new(rows, [indices.len(), INPUTS]), device);
    [rows, column(&part.positions), column(&part.weights)]
}

/// Fits a network. `watch` is called after every epoch.
pub(crate) fn fit(
    train: &Part,
    validation: &Part,
    options: &TrainingOptions,
    watch: &mut dyn FnMut(&Epoch),
) -> Result<(Regressor, Vec<Epoch>), TrainingError> {
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut network = Regressor::new(&options.hidden, start(train), &mut rng, &device);
    let mut optimiser = AdamWConfig::new()
        .with_weight_decay(options.weight_decay)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(5.0)))
        .init();
    let mut order: Vec<usize> = (0..train.rows.len()).collect();
    let mut best: Option<(f64, Regressor)> = None;
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut since_best = 0;
    for number in 1..=options.epochs {
        order.shuffle(&mut rng);
        let progress = (number - 1) as f64 / options.epochs as f64;
        // Half a cosine from the full rate to zero (Loshchilov and Hutter 2017).
        let rate = options.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let mut sum = 0.0;
        for indices in order.chunks(options.batch) {
            let [rows, wanted, weight] = batch(train, indices, options.forget_clips, &mut rng, &device);
            let (position, log_variance) = network.forward(rows);
            let loss = loss(position, log_variance, wanted, weight);
            sum += f64::from(loss.clone().into_scalar::<f32>()) * indices.len() as f64;
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimiser.step(rate, network, gradients);
        }
        let loss = sum / train.rows.len() as f64;
        let valid = network.valid();
        let (crps, mae) = judge(&valid, validation, &plain);
        if !(loss.is_finite() && crps.is_finite()) {
            return Err(TrainingError::Diverged { epoch: number });
        }
        let is_best = best.as_ref().is_none_or(|(least, _)| crps < *least);
        let epoch = Epoch {
            number,
            loss,
            validation_crps: crps,
            validation_mae: mae,
            best: is_best,
        };
        watch(&epoch);
        epochs.push(epoch);
        if is_best {
            best = Some((crps, valid));
            since_best = 0;
        } else {
            since_best += 1;
            if since_best >= options.patience {
                break;
            }
        }
    }
    let (_, network) = best.ok_or(TrainingError::Options("at least one epoch is needed"))?;
    Ok((network, epochs))
}

/// Returns the mean CRPS and the mean absolute error.
fn judge(network: &Regressor, part: &Part, device: &Device) -> (f64, f64) {
    let predictions = network.predict(&part.rows, device);
    let count = predictions.len() as f64;
    let mut sums = (0.0, 0.0);
    for ((position, log_variance), wanted) in predictions.iter().zip(&part.positions) {
        let sigma = (log_variance.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1) / 2.0).exp();
        sums.0 += metrics::crps(position - wanted, sigma);
        sums.1 += (position - wanted).abs();
    }
    (sums.0 / count, sums.1 / count)
}
