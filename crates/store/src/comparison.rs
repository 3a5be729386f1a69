//! Comparison of two models by their predictions for the same commands.
//!
//! In: two versions and a start time. Out: sums for each device, which can be added up. `outcomes` defines when the
//! outcome of a command is known: a window that obeys says nothing about who was right.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct VersionSums {
    /// The version.
    pub model_version: String,
    /// Number of predictions.
    pub predictions: u64,
    /// Mean prediction in points.
    pub position: f64,
    /// Mean confidence, 0–1.
    pub confidence: f64,
    /// Median inference time, ms; NaN if unknown.
    pub inference_time_ms: f64,
}

impl Store {
    /// Returns sums for each device, by id; none if the two versions never made a prediction for the same command.
    pub async fn compare(&self, query: &ComparisonQuery) -> Result<Vec<PairSums>, StoreError> {
        let predictions = "SELECT toString(device_id) AS device_id, command_id, any(p.prediction) AS position, \
                           any(p.confidence) AS confidence FROM ml_predictions AS p WHERE model_version = ? \
                           AND command_id != '' AND p.timestamp >= fromUnixTimestamp64Milli(?) \
                           GROUP BY device_id, command_id";
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
        let bound = self.client.query(&sql).bind(query.tolerance);
        let bound = bound
            .bind(&query.a)
            .bind(query.since)
            .bind(&query.b)
            .bind(query.since);
        Ok(bound.fetch_all().await?)
    }

    /// Returns a summary of all predictions of each of the two versions, paired or not.
    pub async fn prediction_sums(&self, query: &ComparisonQuery) -> Result<Vec<VersionSums>, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT toString(p.model_version) AS model_version, count() AS predictions, \
                   avg(p.prediction) AS position, avg(p.confidence) AS confidence, \
                   quantileIf(0.5)(p.inference_time_ms, isFinite(p.inference_time_ms)) AS inference_time_ms \
                   FROM ml_predictions AS p WHERE p.model_version IN (?, ?) \
                   AND p.timestamp >= fromUnixTimestamp64Milli(?) GROUP BY model_version) ORDER BY model_version";
        let bound = self.client.query(sql).bind(&query.a).bind(&query.b);
        Ok(bound.bind(query.since).fetch_all().await?)
    }
}
