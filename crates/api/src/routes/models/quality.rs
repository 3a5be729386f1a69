//! How a version does: its confidence against what people kept, its errors by day, what its decisions rest on. It needs
//! ClickHouse, and no file.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::Timestamp;
use monitoring::{
    Problem,
    extract::{Path, Query, invalid},
};
use serde::{Deserialize, Serialize};
use store::{MeanContributions, QualityDay, RELIABILITY_BINS, ReliabilityBin};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Parts,
    past::{DAY_MS, span, unanswered, word},
};

/// The period, if nobody says which.
const USUAL_MS: i64 = 30 * DAY_MS;
/// The longest period.
const LONGEST_MS: i64 = 400 * DAY_MS;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Its beginning, from a midnight (UTC) on: RFC 3339, or as far back as `-24h` or `-7d`, 400 days at most. Left out: 30 days
    /// before its end.
    #[param(example = "-30d")]
    from: Option<String>,
    /// Its end, likewise; left out: now.
    to: Option<String>,
}

/// How a version of the model does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelQuality {
    /// The version.
    version: String,
    /// The beginning of the period.
    from: Timestamp,
    /// Its end.
    to: Timestamp,
    /// Predictions, carried out or not.
    predictions: u64,
    /// Decisions that are more than half an hour old, so that it is known whether somebody corrected them.
    decisions: u64,
    /// Those of them that somebody corrected.
    corrected: u64,
    /// Decisions by confidence. Bins without any are left out.
    reliability: Vec<Reliability>,
    /// By day (UTC), oldest first. Days without anything are left out.
    days: Vec<ModelDay>,
    /// What its predictions rest on; null where no prediction says so.
    contributions: Option<ContributionSizes>,
}

/// Decisions of similar confidence. A model that knows what it knows has confidence and share kept alike.
#[derive(Debug, Serialize, ToSchema)]
struct Reliability {
    /// Confidences from this one on, 0 to 1.
    from: f64,
    /// Confidences below this one.
    to: f64,
    /// Decisions.
    decisions: u64,
    /// The share of them that nobody corrected, 0 to 1.
    kept: f64,
    /// The least that the share may be, as far as so many decisions tell (Wilson's interval, 95 %).
    kept_at_least: f64,
    /// The most that it may be.
    kept_at_most: f64,
}

/// What a version did on one day.
#[derive(Debug, Serialize, ToSchema)]
struct ModelDay {
    /// Its beginning (UTC).
    time: Timestamp,
    /// Predictions.
    predictions: u64,
    /// Their mean confidence, 0 to 1.
    confidence: Option<f64>,
    /// Decisions whose outcome is known.
    decisions: u64,
    /// Those of them that somebody corrected.
    corrected: u64,
    /// By how many points a correction moved the window away from what the model wished, mean.
    correction: Option<f64>,
}

/// What predictions rest on: the mean size of each input's contribution, in points of the position.
#[derive(Debug, Serialize, ToSchema)]
struct ContributionSizes {
    /// Predictions that say so.
    predictions: u64,
    /// Of the temperature.
    temperature: f64,
    /// Of the humidity.
    humidity: f64,
    /// Of the sound.
    sound: f64,
}

impl From<ReliabilityBin> for Reliability {
    fn from(bin: ReliabilityBin) -> Self {
        let edge = |bin: u8| f64::from(bin) / f64::from(RELIABILITY_BINS);
        let kept = bin.decisions.saturating_sub(bin.corrected);
        let [kept_at_least, kept_at_most] = wilson(kept, bin.decisions);
        Self {
            from: edge(bin.bin),
            to: edge(bin.bin + 1),
            decisions: bin.decisions,
            kept: kept as f64 / bin.decisions.max(1) as f64,
            kept_at_least,
            kept_at_most,
        }
    }
}

/// The 95 % score interval of a share (Wilson 1927).
fn wilson(successes: u64, trials: u64) -> [f64; 2] {
    const Z: f64 = 1.96;
    if trials == 0 {
        return [0.0, 1.0];
    }
    let (k, n) = (successes as f64, trials as f64);
    let middle = (k + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (k * (n - k) / n + Z * Z / 4.0).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

impl From<QualityDay> for ModelDay {
    fn from(day: QualityDay) -> Self {
        let number = |value: f64| value.is_finite().then_some(value);
        Self {
            time: Timestamp::from_millis(day.time),
            predictions: day.predictions,
            confidence: number(day.confidence),
            decisions: day.decisions,
            corrected: day.corrected,
            correction: number(day.correction),
        }
    }
}

impl ContributionSizes {
    fn known(found: MeanContributions) -> Option<Self> {
        let MeanContributions {
            predictions,
            temperature,
            humidity,
            sound,
        } = found;
        let is_known = predictions > 0 && [temperature, humidity, sound].iter().all(|it| it.is_finite());
        is_known.then_some(Self {
            predictions,
            temperature,
            humidity,
            sound,
        })
    }
}

/// Show how a model does.
///
/// Its confidence against the share of its decisions that people kept, its corrections day by day, and what its predictions
/// rest on. A decision counts as kept if nobody corrected it within half an hour.
#[utoipa::path(get, path = "/models/{version}/quality", operation_id = "get_model_quality", tag = "models",
    params(("version" = String, Path, description = "The name of the version, whether its file is still there or not.", example = "v1.1.0"), Asked),
    responses(
        (status = 200, description = "How it does. Of a version that never predicted, everything is empty.", body = ModelQuality),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
pub(super) async fn show(
    State(parts): State<Arc<Parts>>,
    Path(version): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<ModelQuality>, Problem> {
    word("version", Some(&version))?;
    let span = span(asked.from.as_deref(), asked.to.as_deref(), Some(USUAL_MS))?;
    if span.0.until - span.0.since > LONGEST_MS {
        return Err(invalid("from", "is more than 400 days before the end"));
    }
    let found = parts
        .store
        .quality(&version, span.0)
        .await
        .map_err(unanswered(&parts))?;
    let days: Vec<ModelDay> = found.days.into_iter().map(ModelDay::from).collect();
    Ok(Json(ModelQuality {
        version,
        from: span.from(),
        to: span.to(),
        predictions: days.iter().map(|day| day.predictions).sum(),
        decisions: days.iter().map(|day| day.decisions).sum(),
        corrected: days.iter().map(|day| day.corrected).sum(),
        reliability: found.reliability.into_iter().map(Reliability::from).collect(),
        days,
        contributions: ContributionSizes::known(found.contributions),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_decisions_leave_a_wide_range_open() {
        // Reference: scipy.stats.binomtest(k, n).proportion_ci(method='wilson').
        for (kept, of, low, high) in [
            (9, 10, 0.595_85, 0.982_12),
            (0, 5, 0.0, 0.434_5),
            (950, 1000, 0.934_7, 0.961_86),
        ] {
            let [least, most] = wilson(kept, of);
            assert!(
                (least - low).abs() < 1e-3 && (most - high).abs() < 1e-3,
                "{least} {most}"
            );
        }
        assert_eq!(wilson(0, 0).map(f64::to_bits), [0.0, 1.0].map(f64::to_bits));
        let bin = Reliability::from(ReliabilityBin {
            bin: 9,
            decisions: 10,
            corrected: 1,
        });
        assert!(
            (bin.from - 0.9).abs() < 1e-9 && (bin.to - 1.0).abs() < 1e-9 && (bin.kept - 0.9).abs() < 1e-9
        );
    }
}
