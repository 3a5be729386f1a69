//! Comparison of two models by their predictions for the same commands.
//!
//! In: two versions and a period. Out: sums for each device, which can be added up, and their means as a report. `outcomes` defines when the
//! outcome of a command is known: a window that obeys says nothing about who was right.

use std::collections::BTreeMap;

use clickhouse::{Row, query::Query};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Store, StoreError, outcomes::outcomes};

/// Which predictions to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonQuery {
    /// One version, usually the one that serves.
    pub a: String,
    /// The other, usually the candidate.
    pub b: String,
    /// Start of the period, ms.
    pub since: i64,
    /// End of the period, ms; `None` for now.
    pub until: Option<i64>,
    /// Largest difference, in points, at which predictions agree.
    pub tolerance: f64,
}

/// Sums over the commands of one device for which both models made a prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct PairSums {
    /// The device.
    pub device_id: String,
    /// Number of commands.
    pub pairs: u64,
    /// Commands for which both agreed.
    pub agreed: u64,
    /// Sum of |a − b| in points.
    pub abs_difference: f64,
    /// Sum of b − a in points.
    pub difference: f64,
    /// The largest |a − b| in points.
    pub largest: f64,
    /// Sum of a's confidences.
    pub confidence_a: f64,
    /// Sum of b's confidences.
    pub confidence_b: f64,
    /// Commands whose outcome is known.
    pub outcomes: u64,
    /// Sum of a's absolute errors over those, in points.
    pub abs_error_a: f64,
    /// Sum of b's absolute errors over those, in points.
    pub abs_error_b: f64,
}

/// Summary of all predictions of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row, ToSchema)]
pub struct VersionSums {
    /// The version.
    pub model_version: String,
    /// Number of predictions.
    pub predictions: u64,
    /// Mean prediction in points.
    pub position: f64,
    /// Mean confidence, 0–1.
    pub confidence: f64,
    /// Median inference time, ms; null if unknown.
    #[schema(value_type = Option<f64>)]
    pub inference_time_ms: f64,
}

/// Adds up the sums of devices, as those of a device called `all`.
pub fn total(devices: &[PairSums]) -> PairSums {
    let sum = |pick: fn(&PairSums) -> f64| devices.iter().map(pick).sum();
    let count = |pick: fn(&PairSums) -> u64| devices.iter().map(pick).sum();
    PairSums {
        device_id: "all".into(),
        pairs: count(|d| d.pairs),
        agreed: count(|d| d.agreed),
        abs_difference: sum(|d| d.abs_difference),
        difference: sum(|d| d.difference),
        largest: devices.iter().map(|d| d.largest).fold(0.0, f64::max),
        confidence_a: sum(|d| d.confidence_a),
        confidence_b: sum(|d| d.confidence_b),
        outcomes: count(|d| d.outcomes),
        abs_error_a: sum(|d| d.abs_error_a),
        abs_error_b: sum(|d| d.abs_error_b),
    }
}

/// How two versions compare. Means are null where there is nothing to average.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Comparison {
    /// One version.
    pub a: String,
    /// The other.
    pub b: String,
    /// Start of the period.
    pub since: String,
    /// Largest difference, in points, at which predictions agree.
    pub tolerance: f64,
    /// All predictions of each version, paired or not.
    pub versions: Vec<VersionSums>,
    /// All devices together.
    pub all: PairMeans,
    /// Each device, by its id.
    pub devices: BTreeMap<String, PairMeans>,
}

/// Means over the commands for which both models made a prediction; differences and errors in points.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PairMeans {
    /// Number of commands.
    pub pairs: u64,
    /// Share of the commands for which both agreed.
    pub agreement: Option<f64>,
    /// Mean of |a − b|.
    pub mean_abs_difference: Option<f64>,
    /// Mean of b − a.
    pub mean_difference: Option<f64>,
    /// The largest |a − b|.
    pub max_abs_difference: f64,
    /// Mean confidence of a.
    pub confidence_a: Option<f64>,
    /// Mean confidence of b.
    pub confidence_b: Option<f64>,
    /// Commands whose outcome is known: somebody corrected them.
    pub outcomes: u64,
    /// Mean absolute error of a over those.
    pub mean_abs_error_a: Option<f64>,
    /// Mean absolute error of b over those.
    pub mean_abs_error_b: Option<f64>,
}

impl PairMeans {
    fn of(sums: &PairSums) -> Self {
        let per = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        Self {
            pairs: sums.pairs,
            agreement: per(sums.agreed as f64, sums.pairs),
            mean_abs_difference: per(sums.abs_difference, sums.pairs),
            mean_difference: per(sums.difference, sums.pairs),
            max_abs_difference: sums.largest,
            confidence_a: per(sums.confidence_a, sums.pairs),
            confidence_b: per(sums.confidence_b, sums.pairs),
            outcomes: sums.outcomes,
            mean_abs_error_a: per(sums.abs_error_a, sums.outcomes),
            mean_abs_error_b: per(sums.abs_error_b, sums.outcomes),
        }
    }
}

impl Comparison {
    /// The report of these sums.
    pub fn of(query: &ComparisonQuery, devices: &[PairSums], versions: Vec<VersionSums>) -> Self {
        let of_each = devices
            .iter()
            .map(|sums| (sums.device_id.clone(), PairMeans::of(sums)));
        Self {
            a: query.a.clone(),
            b: query.b.clone(),
            since: Timestamp::from_millis(query.since).to_string(),
            tolerance: query.tolerance,
            versions,
            all: PairMeans::of(&total(devices)),
            devices: of_each.collect(),
        }
    }
}

impl Store {
    /// Returns sums for each device, by id; none if the two versions never made a prediction for the same command.
    pub async fn compare(&self, query: &ComparisonQuery) -> Result<Vec<PairSums>, StoreError> {
        let begin = |sql: &str| self.client.query(sql);
        Ok(pairs(query, begin).fetch_all().await?)
    }

    /// Returns a summary of all predictions of each of the two versions, paired or not.
    pub async fn prediction_sums(&self, query: &ComparisonQuery) -> Result<Vec<VersionSums>, StoreError> {
        let begin = |sql: &str| self.client.query(sql);
        Ok(versions(query, begin).fetch_all().await?)
    }

    /// Returns the report on both versions, as soon as it is its turn, within the time of an answer.
    pub async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison, StoreError> {
        let devices: Vec<PairSums> = self.answers(pairs(query, |sql| self.question(sql))).await?;
        let versions = self.answers(versions(query, |sql| self.question(sql))).await?;
        Ok(Comparison::of(query, &devices, versions))
    }
}

/// The statement for the sums of each device.
fn pairs(query: &ComparisonQuery, begin: impl FnOnce(&str) -> Query) -> Query {
    let until = query.until.unwrap_or(i64::MAX);
    let predictions = "SELECT toString(device_id) AS device_id, command_id, any(p.prediction) AS position, \
                       any(p.confidence) AS confidence FROM ml_predictions AS p WHERE model_version = ? \
                       AND command_id != '' AND p.timestamp >= fromUnixTimestamp64Milli(?) \
                       AND toUnixTimestamp64Milli(p.timestamp) <= ? GROUP BY device_id, command_id";
    let sql = format!(
        "SELECT ?fields FROM (SELECT a.device_id AS device_id, count() AS pairs, \
         countIf(abs(a.position - b.position) <= ?) AS agreed, \
         sum(abs(a.position - b.position)) AS abs_difference, sum(b.position - a.position) AS difference, \
         max(abs(a.position - b.position)) AS largest, \
         sum(a.confidence) AS confidence_a, sum(b.confidence) AS confidence_b, \
         countIf(o.known) AS outcomes, sumIf(abs(a.position - o.outcome), o.known) AS abs_error_a, \
         sumIf(abs(b.position - o.outcome), o.known) AS abs_error_b \
         FROM ({predictions}) AS a INNER JOIN ({predictions}) AS b \
         ON a.device_id = b.device_id AND a.command_id = b.command_id \
         LEFT JOIN ({}) AS o ON a.device_id = o.device_id AND a.command_id = o.command_id \
         GROUP BY a.device_id) ORDER BY device_id",
        outcomes(query.since, None)
    );
    let mut bound = begin(&sql).bind(query.tolerance);
    for version in [&query.a, &query.b] {
        bound = bound.bind(version).bind(query.since).bind(until);
    }
    bound
}

/// The statement for the summary of both versions.
fn versions(query: &ComparisonQuery, begin: impl FnOnce(&str) -> Query) -> Query {
    let sql = "SELECT ?fields FROM (SELECT toString(p.model_version) AS model_version, count() AS predictions, \
               avg(p.prediction) AS position, avg(p.confidence) AS confidence, \
               quantileIf(0.5)(p.inference_time_ms, isFinite(p.inference_time_ms)) AS inference_time_ms \
               FROM ml_predictions AS p WHERE p.model_version IN (?, ?) \
               AND p.timestamp >= fromUnixTimestamp64Milli(?) AND toUnixTimestamp64Milli(p.timestamp) <= ? \
               GROUP BY model_version) ORDER BY model_version";
    let until = query.until.unwrap_or(i64::MAX);
    let bound = begin(sql).bind(&query.a).bind(&query.b);
    bound.bind(query.since).bind(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_weigh_devices_by_their_commands() {
        let device = |pairs: u64, abs_difference: f64, outcomes: u64| PairSums {
            device_id: pairs.to_string(),
            pairs,
            agreed: pairs,
            abs_difference,
            difference: -abs_difference,
            largest: abs_difference,
            confidence_a: pairs as f64,
            confidence_b: 0.0,
            outcomes,
            abs_error_a: 3.0,
            abs_error_b: 1.0,
        };
        let query = ComparisonQuery {
            a: "v1".into(),
            b: "v2".into(),
            since: 0,
            until: None,
            tolerance: 10.0,
        };
        let report = Comparison::of(&query, &[device(1, 8.0, 0), device(3, 4.0, 2)], vec![]);
        assert_eq!(report.all.pairs, 4);
        assert_eq!(report.all.mean_abs_difference, Some(3.0));
        assert_eq!(report.all.mean_difference, Some(-3.0));
        assert_eq!(report.all.mean_abs_error_a, Some(3.0));
        assert_eq!(report.devices["1"].mean_abs_error_a, None);
        let empty = Comparison::of(&query, &[], vec![]);
        assert_eq!((empty.all.pairs, empty.all.agreement), (0, None));
    }
}
