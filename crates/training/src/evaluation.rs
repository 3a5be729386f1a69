//! Evaluation of a model against outcomes: figures over the whole period and by week.
//!
//! In: a model, examples whose position is the outcome. Out: errors, calibration and drift of the inputs.

use std::{collections::BTreeMap, fmt};

use domain::Timestamp;
use model::{Model, Prediction};
use serde::{Deserialize, Serialize};

use crate::{Example, InputDrift, Metrics, Reference, TrainingError};

const WEEK_MS: i64 = 7 * 86_400_000;
/// 1970-01-05 was the first Monday.
const FIRST_MONDAY_MS: i64 = 4 * 86_400_000;

/// Figures of one week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// Its Monday at 00:00 UTC.
    pub start: Timestamp,
    /// Metrics of the model.
    pub metrics: Metrics,
    /// Drift of the inputs from the reference.
    pub drift: Vec<InputDrift>,
}

/// The evaluation of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of the model.
    pub model_version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Over the whole period.
    pub overall: Metrics,
    /// The reference of the drift: `training`, or `first week` if the side-car holds no deciles.
    pub drift_against: String,
    /// Over the whole period.
    pub drift: Vec<InputDrift>,
    /// The weeks that have examples, in order.
    pub weeks: Vec<Week>,
}

/// Returns the model's predictions, computed as a service does.
pub(crate) fn predictions(model: &Model, examples: &[Example]) -> Result<Vec<Prediction>, TrainingError> {
    let rows: Vec<_> = examples.iter().map(|example| example.input(model)).collect();
    Ok(model.predict_batch(rows.iter().map(<[f32; model::INPUTS]>::as_slice))?)
}

fn metrics(model: &Model, examples: &[Example]) -> Result<Metrics, TrainingError> {
    let outcomes: Vec<f64> = examples.iter().map(|example| example.position).collect();
    Ok(Metrics::of(&predictions(model, examples)?, &outcomes))
}

/// Evaluates `model` against outcomes.
pub fn evaluate(model: &Model, examples: &[Example]) -> Result<Evaluation, TrainingError> {
    if examples.is_empty() {
        return Err(TrainingError::TooFew { found: 0, needed: 1 });
    }
    Example::check_all(examples)?;
    let mut weeks: BTreeMap<i64, Vec<Example>> = BTreeMap::new();
    for example in examples {
        let since = example.timestamp.as_millis() - FIRST_MONDAY_MS;
        weeks
            .entry(since.div_euclid(WEEK_MS))
            .or_default()
            .push(example.clone());
    }
    let kept = model
        .sidecar()
        .and_then(|known| Reference::from_deciles(&known.input_deciles));
    let first = weeks.values().next().map_or(&[][..], Vec::as_slice);
    let (drift_against, reference) = match kept {
        Some(reference) => ("training", reference),
        None => ("first week", Reference::of(first)),
    };
    let weeks = weeks
        .iter()
        .map(|(number, examples)| {
            Ok(Week {
                start: Timestamp::from_millis(number * WEEK_MS + FIRST_MONDAY_MS),
                metrics: metrics(model, examples)?,
                drift: reference.drift(examples),
            })
        })
        .collect::<Result<_, TrainingError>>()?;
    Ok(Evaluation {
        model_version: model.version().to_owned(),
        sha256: model.sha256().to_owned(),
        overall: metrics(model, examples)?,
        drift_against: drift_against.to_owned(),
        drift: reference.drift(examples),
        weeks,
    })
}

fn worst(drift: &[InputDrift]) -> String {
    let known = drift.iter().filter_map(|d| Some((d.psi?, d.group.as_str())));
    match known.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((psi, group)) => format!("{psi:.2} {group}"),
        None => "–".to_owned(),
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, m: &Metrics, drift: &[InputDrift]) -> fmt::Result {
    let auroc = m.auroc.map_or("–".to_owned(), |area| format!("{area:.2}"));
    writeln!(
        f,
        "{name:<12}{:>8}{:>7.2}{:>8.3}{:>8.3}{:>8.3}{:>7}{:>9.3}  {}",
        m.count,
        m.errors.mae,
        m.errors.right,
        m.ece,
        m.brier,
        auroc,
        m.coverage_95(),
        worst(drift)
    )
}

impl fmt::Display for Evaluation {
    /// Returns a table for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "model {} ({})", self.model_version, &self.sha256[..12])?;
        writeln!(
            f,
            "{:<12}{:>8}{:>7}{:>8}{:>8}{:>8}{:>7}{:>9}  drift (PSI against {})",
            "week", "count", "MAE", "right", "ECE", "Brier", "AUROC", "in 95 %", self.drift_against
        )?;
        for week in &self.weeks {
            let day = week.start.to_string();
            line(
                f,
                day.split('T').next().unwrap_or(&day),
                &week.metrics,
                &week.drift,
            )?;
        }
        line(f, "all", &self.overall, &self.drift)?;
        write!(
            f,
            "right: within 10 points; base rate's Brier score {:.3}; guard lowered {:.1} % of confidences",
            self.overall.brier_of_base_rate,
            100.0 * self.overall.guarded
        )
    }
}
