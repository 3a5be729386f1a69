//! From examples to a model that is ready to be served: split, normalise, fit, calibrate, write, judge.

use model::{Model, Sidecar};
use serde::{Deserialize, Serialize};

use crate::{
    Baselines, Curve, Epoch, Example, Metrics, Reference, Report, TrainingError,
    evaluation::predictions,
    export,
    fit::{Part, fit},
    normalisation::Normalisation,
    report::{Sizes, histogram},
    split,
};

/// Fewer examples than this say nothing about a room.
const FEWEST: usize = 100;

/// How to train. Start from the defaults and change what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingOptions {
    /// The same seed and examples give the same bytes.
    pub seed: u64,
    /// What predictions will be labelled with.
    pub version: String,
    /// In words, where the examples come from.
    pub training_data: String,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// At most this many passes over the training part.
    pub epochs: usize,
    /// Epochs without progress on the validation part after which it ends.
    pub patience: usize,
    /// Examples a step.
    pub batch: usize,
    /// At the beginning; it falls with half a cosine.
    pub learning_rate: f64,
    /// The optimiser's (`AdamW`).
    pub weight_decay: f32,
    /// Share of clips that are forgotten in training, for devices without a microphone.
    pub forget_clips: f64,
    /// 0 takes examples as they come; 1 lets every tenth of the positions count the same in the loss. Calibration and
    /// figures always see examples as they come.
    pub balance: f64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            version: "v1".into(),
            training_data: "examples".into(),
            hidden: vec![64, 64],
            epochs: 40,
            patience: 12,
            batch: 256,
            learning_rate: 3e-3,
            weight_decay: 1e-1,
            forget_clips: 0.05,
            balance: 0.0,
        }
    }
}

impl TrainingOptions {
    fn check(&self) -> Result<(), TrainingError> {
        let refuse = |reason| Err(TrainingError::Options(reason));
        if self.hidden.is_empty() || self.hidden.iter().any(|width| !(1..=1024).contains(width)) {
            return refuse("hidden layers are one or more, 1 to 1024 wide");
        }
        if self.epochs == 0 || self.batch == 0 {
            return refuse("epochs and batch are at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return refuse("the learning rate lies between 0 and 1");
        }
        if !(0.0..=1.0).contains(&self.forget_clips) || !(0.0..=1.0).contains(&self.balance) {
            return refuse("forget_clips and balance are 0 to 1");
        }
        Ok(())
    }
}

/// A finished model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The `.pth` file.
    pub pth: Vec<u8>,
    /// What stands beside it.
    pub sidecar: Sidecar,
    /// How it came about and how good it is.
    pub report: Report,
}

/// Trains; `watch` hears of every epoch as it ends.
pub fn train(
    examples: &[Example],
    options: &TrainingOptions,
    watch: &mut dyn FnMut(&Epoch),
) -> Result<Trained, TrainingError> {
    options.check()?;
    check(examples)?;
    let parts = split(examples, options.seed)?;
    let raw: Vec<_> = examples.iter().map(Example::row).collect();
    let train_rows: Vec<_> = parts.train.iter().map(|&index| raw[index]).collect();
    let normalisation = Normalisation::fit(&train_rows);
    let part = |indices: &[usize]| Part {
        rows: indices.iter().map(|&i| normalisation.apply(&raw[i])).collect(),
        positions: indices.iter().map(|&i| examples[i].position).collect(),
        weights: Vec::new(),
    };
    let (mut training, validation, test) = (part(&parts.train), part(&parts.validation), part(&parts.test));
    training.weights = weights(&training.positions, options.balance);
    let (network, epochs) = fit(&training, &validation, options, watch)?;

    // Calibrated on what a service would see, guard and rounding included: through the written file.
    let load = |bytes: &[u8]| Model::from_bytes(bytes).map_err(TrainingError::Written);
    let chosen =
        |indices: &[usize]| -> Vec<Example> { indices.iter().map(|&i| examples[i].clone()).collect() };
    let plain = load(&export::pth_bytes(&network, &normalisation, &Curve::straight()))?;
    let residuals: Vec<_> = predictions(&plain, &chosen(&parts.validation))?
        .iter()
        .zip(&validation.positions)
        .map(|(said, wanted)| (said.position - wanted, said.log_variance))
        .collect();
    let curve = Curve::fit(&residuals);
    let pth = export::pth_bytes(&network, &normalisation, &curve);
    let model = load(&pth)?;
    let said = predictions(&model, &chosen(&parts.test))?;
    let metrics = Metrics::of(&said, &test.positions);
    let errors: Vec<f64> = said
        .iter()
        .zip(&test.positions)
        .map(|(p, y)| p.position - y)
        .collect();
    let reference = Reference::of(&chosen(&parts.train));
    let report = Report {
        version: options.version.clone(),
        sha256: model.sha256().to_owned(),
        options: options.clone(),
        examples: Sizes {
            devices: devices(examples),
            train: parts.train.len(),
            validation: parts.validation.len(),
            test: parts.test.len(),
        },
        shut: test.positions.iter().filter(|p| **p <= 0.0).count() as f64 / test.positions.len() as f64,
        epochs,
        log_score: (Curve::straight().score(&residuals), curve.score(&residuals)),
        curve,
        baselines: Baselines::fit(&training, &test),
        histogram: histogram(&errors),
        test: metrics,
    };
    Ok(Trained {
        sidecar: export::sidecar(options, model.sha256(), &report.test, &reference),
        pth,
        report,
    })
}

fn devices(examples: &[Example]) -> usize {
    let ids: std::collections::BTreeSet<&str> = examples.iter().map(|e| e.device_id.as_str()).collect();
    ids.len()
}

fn check(examples: &[Example]) -> Result<(), TrainingError> {
    if examples.len() < FEWEST {
        return Err(TrainingError::TooFew {
            found: examples.len(),
            needed: FEWEST,
        });
    }
    Example::check_all(examples)?;
    let first = examples[0].position;
    if examples.iter().all(|e| (e.position - first).abs() < 1e-9) {
        return Err(TrainingError::ConstantLabels { position: first });
    }
    Ok(())
}

/// (1 / share of the label's tenth)^balance, scaled to a mean of 1.
fn weights(positions: &[f64], balance: f64) -> Vec<f64> {
    let tenth = |position: f64| ((position / 10.0) as usize).min(9);
    let mut counts = [0.0; 10];
    for &position in positions {
        counts[tenth(position)] += 1.0;
    }
    let total = positions.len() as f64;
    let raw: Vec<f64> = positions
        .iter()
        .map(|&p| (total / counts[tenth(p)]).powf(balance))
        .collect();
    let mean = raw.iter().sum::<f64>() / total;
    raw.into_iter().map(|weight| weight / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_lifts_what_is_rare_and_keeps_the_mean() {
        let positions: Vec<f64> = (0..100).map(|n| if n < 90 { 0.0 } else { 95.0 }).collect();
        assert!(weights(&positions, 0.0).iter().all(|w| (w - 1.0).abs() < 1e-12));
        let full = weights(&positions, 1.0);
        assert!((full[..90].iter().sum::<f64>() - full[90..].iter().sum::<f64>()).abs() < 1e-9);
        assert!((full.iter().sum::<f64>() - 100.0).abs() < 1e-9);
    }
}
