//! What became of the model's decisions: kept or corrected.
//!
//! A decision is corrected if somebody changed the position within half an hour and before the next command: by a
//! command of another sender, or by moving the window. It is kept otherwise. In: the time up to which decisions are
//! old enough. Out: a row of `decision_outcomes` for each. A correction that becomes known later than
//! [`JUDGED_AFTER_S`] is not counted.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Seconds after a command within which a change counts as a correction of it.
const OUTCOME_WITHIN_S: u32 = 30 * 60;
/// Seconds that a window may take to reach its position.
const TRAVEL_S: u32 = 60;
/// Points within which a window counts as having obeyed: motors are not exact.
const OBEYED_POINTS: f64 = 5.0;
/// Seconds after which a decision is judged: a correction is possible no more, and late reports have five minutes.
pub const JUDGED_AFTER_S: u32 = OUTCOME_WITHIN_S + 5 * 60;

/// The longest span that one statement judges, ms: a day.
const SPAN_MS: i64 = 86_400_000;

/// The decisions that are not judged yet.
#[derive(Debug, Clone, Copy, Row, Serialize, Deserialize)]
struct Pending {
    /// The newest judged decision, ms; 0 without one.
    judged: i64,
    /// The oldest decision after it, ms; 0 without one.
    next: i64,
}

impl Store {
    /// Judges the model's decisions made up to `now` (ms) − [`JUDGED_AFTER_S`], a day at a time; returns whether some
    /// are left. Called again, it goes on where it ended.
    pub async fn judge_decisions(&self, now: i64) -> Result<bool, StoreError> {
        // Two backends that judge at the same time send the same statement under the same token.
        let until = (now - i64::from(JUDGED_AFTER_S) * 1000).div_euclid(60_000) * 60_000;
        let sql = "SELECT ?fields FROM (SELECT ifNull((SELECT toUnixTimestamp64Milli(max(timestamp)) FROM decision_outcomes), 0) \
                   AS judged, toUnixTimestamp64Milli(min(timestamp)) AS next FROM window_actions \
                   WHERE model_version != '' AND command_id != '' AND timestamp > fromUnixTimestamp64Milli(judged))";
        let Pending { judged, next } = self.bounded(sql).fetch_one().await?;
        if next == 0 || next > until {
            return Ok(false);
        }
        let to = until.min(next + SPAN_MS);
        let changes_until = to + i64::from(OUTCOME_WITHIN_S) * 1000;
        let insert = format!(
            "INSERT INTO decision_outcomes SELECT d.timestamp, d.device_id, d.command_id, d.model_version, d.position, \
             d.confidence, o.known, if(o.known, o.outcome, nan) FROM (SELECT timestamp, device_id, command_id, \
             model_version, position, confidence FROM window_actions WHERE model_version != '' AND command_id != '' \
             AND timestamp > fromUnixTimestamp64Milli(?) AND timestamp <= fromUnixTimestamp64Milli(?)) AS d \
             LEFT JOIN ({}) AS o ON d.device_id = o.device_id AND d.command_id = o.command_id",
            outcomes(next, Some(changes_until))
        );
        let query = self
            .bounded(&insert)
            .bind(judged)
            .bind(to)
            .with_setting("insert_deduplication_token", format!("outcomes/{judged}-{to}"))
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1");
        query.execute().await?;
        Ok(to < until)
    }
}

/// Selects the corrections of the model's commands: `device_id, command_id, outcome, known`, in the period from `since`
/// until `until` (ms). A change belongs to the newest command before it.
pub(crate) fn outcomes(since: i64, until: Option<i64>) -> String {
    let until = until.map(|until| format!(" AND timestamp <= fromUnixTimestamp64Milli({until})"));
    let period = format!(
        "timestamp >= fromUnixTimestamp64Milli({since}){}",
        until.unwrap_or_default()
    );
    let commands = format!(
        "SELECT toString(device_id) AS device_id, timestamp, position, command_id, model_version \
         FROM window_actions WHERE {period}"
    );
    let changes = format!(
        "SELECT toString(device_id) AS device_id, timestamp, position, 0 AS stands FROM window_actions \
         WHERE model_version = '' AND {period} UNION ALL \
         SELECT toString(device_id) AS device_id, timestamp, position, 1 AS stands FROM window_states WHERE {period}"
    );
    format!(
        "SELECT c.device_id AS device_id, c.command_id AS command_id, argMax(s.position, s.timestamp) AS outcome, \
         true AS known FROM ({changes}) AS s \
         ASOF INNER JOIN ({commands}) AS c ON s.device_id = c.device_id AND s.timestamp > c.timestamp \
         WHERE c.model_version != '' AND c.command_id != '' \
         AND s.timestamp <= c.timestamp + INTERVAL {OUTCOME_WITHIN_S} SECOND \
         AND (s.stands = 0 OR (s.timestamp >= c.timestamp + INTERVAL {TRAVEL_S} SECOND \
         AND abs(s.position - c.position) > {OBEYED_POINTS})) GROUP BY device_id, command_id"
    )
}
