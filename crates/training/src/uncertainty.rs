//! Measuring the uncertainty of a model that states none.
//!
//! In: a model, examples that it was not trained on. Out: its uncertainty from all of them, and figures from devices
//! that had no part in the measurement.

use std::collections::BTreeSet;

use model::{Calibration, Model, Uncertainty};

use crate::{Example, Metrics, TrainingError, evaluation::predictions};

/// The fewest devices that can be divided.
const FEWEST_DEVICES: usize = 4;

/// The measured uncertainty of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// From all examples.
    pub uncertainty: Uncertainty,
    /// How well the uncertainty of one half of the examples describes the errors of the other; `None` if there are too
    /// few.
    pub figures: Option<Calibration>,
}

/// Measures the uncertainty of `model` on examples, whose origin is described by `source`.
pub fn measure(model: &Model, examples: &[Example], source: &str) -> Result<Measured, TrainingError> {
    Example::check_all(examples)?;
    let uncertainty = on(model, examples, source)?;
    let (measured, held_out) = halves(examples);
    let figures = match on(model, &measured, source) {
        Ok(half) if !held_out.is_empty() => Some(figures(&model.clone().with_uncertainty(half), &held_out)?),
        _ => None,
    };
    Ok(Measured { uncertainty, figures })
}

fn on(model: &Model, examples: &[Example], source: &str) -> Result<Uncertainty, TrainingError> {
    let said = predictions(model, examples)?;
    let pairs: Vec<(f64, f64)> = said
        .iter()
        .zip(examples)
        .map(|(said, example)| (said.position, example.position))
        .collect();
    Ok(Uncertainty::measure(source, &pairs)?)
}

fn figures(model: &Model, examples: &[Example]) -> Result<Calibration, TrainingError> {
    let outcomes: Vec<f64> = examples.iter().map(|example| example.position).collect();
    Ok(Metrics::of(&predictions(model, examples)?, &outcomes).calibration())
}

/// Divides the examples by device; those of few devices by time.
fn halves(examples: &[Example]) -> (Vec<Example>, Vec<Example>) {
    let devices: BTreeSet<&str> = examples
        .iter()
        .map(|example| example.device_id.as_str())
        .collect();
    if devices.len() >= FEWEST_DEVICES {
        let first: BTreeSet<&str> = devices.into_iter().step_by(2).collect();
        return examples
            .iter()
            .cloned()
            .partition(|example| first.contains(example.device_id.as_str()));
    }
    let mut sorted = examples.to_vec();
    sorted.sort_by_key(|example| example.timestamp.as_millis());
    let later = sorted.split_off(sorted.len() / 2);
    (sorted, later)
}
