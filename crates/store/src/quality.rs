//! How a version of the model does: its confidence against what people kept, its errors day by day, and what its decisions
//! rest on.
//!
//! In: a version and a period. Out: counts and means. `outcomes` defines when a decision counts as corrected; days are those
//! of UTC, as in the rollups.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Period, Store, StoreError};

/// Bins of the confidence in a reliability diagram.
pub const RELIABILITY_BINS: u8 = 10;

const DAY_MS: i64 = 86_400_000;

/// Decisions of one bin of the confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct ReliabilityBin {
    /// The bin, from 0: confidences of `bin / RELIABILITY_BINS` and more.
    pub bin: u8,
    /// Decisions whose outcome is known.
    pub decisions: u64,
    /// Those of them that somebody corrected.
    pub corrected: u64,
}

/// What a version did on one day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Row)]
pub struct QualityDay {
    /// Midnight (UTC) at its beginning, ms.
    pub time: i64,
    /// Predictions.
    pub predictions: u64,
    /// Their mean confidence, 0–1; NaN without any.
    pub confidence: f64,
    /// Decisions whose outcome is known.
    pub decisions: u64,
    /// Those of them that somebody corrected.
    pub corrected: u64,
    /// Mean |chosen − decided| of the corrected ones, points; NaN without any.
    pub correction: f64,
}

/// What decisions rest on: means of |contribution|, points; NaN if unknown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Row)]
pub struct MeanContributions {
    /// Predictions with known contributions.
    pub predictions: u64,
    /// Of the temperature.
    pub temperature: f64,
    /// Of the humidity.
    pub humidity: f64,
    /// Of the sound.
    pub sound: f64,
}

/// How a version does.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// By confidence; bins without decisions are left out.
    pub reliability: Vec<ReliabilityBin>,
    /// By day, oldest first; days without predictions and decisions are left out.
    pub days: Vec<QualityDay>,
    /// What its predictions rest on.
    pub contributions: MeanContributions,
}

/// Conditions on a rollup by day that bind a version, a beginning and an end.
const DAYS: &str = "s.step = 86400 AND s.model_version = ? AND s.time >= fromUnixTimestamp64Milli(?) AND s.time <= fromUnixTimestamp64Milli(?)";

impl Store {
    /// Returns how `version` does in `period`, which begins with a whole day.
    pub async fn quality(&self, version: &str, period: Period) -> Result<Quality, StoreError> {
        let period = Period {
            since: period.since - period.since.rem_euclid(DAY_MS),
            until: period.until,
        };
        let bound = |sql: &str| {
            let query = self.question(sql).bind(version);
            query.bind(period.since).bind(period.until)
        };
        // A rollup has twenty bins of the confidence.
        let reliability = format!(
            "SELECT ?fields FROM (SELECT bin, toUInt64(judged[toUInt8(2 * bin)] + judged[toUInt8(2 * bin + 1)]) AS decisions, \
             toUInt64(wrong[toUInt8(2 * bin)] + wrong[toUInt8(2 * bin + 1)]) AS corrected \
             FROM (SELECT sumMap(s.decision_bins) AS judged, sumMap(s.corrected_bins) AS wrong \
             FROM outcomes_by_time AS s WHERE {DAYS}) \
             ARRAY JOIN arrayMap(b -> toUInt8(b), range({RELIABILITY_BINS})) AS bin) WHERE decisions > 0 ORDER BY bin"
        );
        let reliability = self.answers(bound(&reliability)).await?;
        let days = format!(
            "SELECT ?fields FROM (SELECT 1000 * toInt64(toUnixTimestamp(b.day)) AS time, sum(p) AS predictions, \
             sum(c) / predictions AS confidence, sum(d) AS decisions, sum(w) AS corrected, sum(m) / corrected AS correction \
             FROM (SELECT s.time AS day, s.predictions AS p, s.confidence AS c, toUInt64(0) AS d, toUInt64(0) AS w, 0. AS m \
             FROM predictions_by_time AS s WHERE {DAYS} UNION ALL \
             SELECT s.time AS day, toUInt64(0) AS p, 0. AS c, s.decisions AS d, s.corrected AS w, s.correction AS m \
             FROM outcomes_by_time AS s WHERE {DAYS}) AS b GROUP BY time) ORDER BY time"
        );
        let query = bound(&days).bind(version);
        let days = self.answers(query.bind(period.since).bind(period.until)).await?;
        let contributions = "SELECT ?fields FROM (SELECT count() AS predictions, avg(abs(p.contribution_temperature)) AS temperature, \
             avg(abs(p.contribution_humidity)) AS humidity, avg(abs(p.contribution_sound)) AS sound \
             FROM ml_predictions AS p WHERE p.model_version = ? AND p.timestamp >= fromUnixTimestamp64Milli(?) \
             AND p.timestamp <= fromUnixTimestamp64Milli(?) AND isFinite(p.average))";
        let found: Vec<MeanContributions> = self.answers(bound(contributions)).await?;
        Ok(Quality {
            reliability,
            days,
            contributions: found.into_iter().next().unwrap_or(MeanContributions {
                predictions: 0,
                temperature: f64::NAN,
                humidity: f64::NAN,
                sound: f64::NAN,
            }),
        })
    }
}
