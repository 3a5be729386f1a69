//! Labelled positions with the climate and clip of that moment: the examples for training and evaluating models.
//!
//! In: the start of the period. Out: a row for each position with climate and clip as stored. A model's own decisions
//! are never labels for training: it would learn from itself.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Which positions are labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Positions that people or a schedule chose: commands whose origin is neither a model nor an interlock, without those that
    /// repeat or undo an earlier one; and windows that settled more than 5 points away from the last command, at least a minute
    /// after it. One that stopped on its way there is stuck, and nobody's choice, unless the backend found a person's hand.
    Chosen,
    /// Positions that windows reported after each model's decision: the first report from a minute to half an hour
    /// later. What the window failed to carry out is left out.
    Reported,
}

/// A labelled position with its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LabelRow {
    /// Time of the position, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// % open, 0–100.
    pub position: f64,
    /// °C: the decision's own input, otherwise the newest reading of the last quarter of an hour.
    pub temperature: f64,
    /// %: as for the temperature.
    pub humidity: f64,
    /// JSON of the features of the decision's clip, otherwise of the newest clip of the last ten minutes; empty without
    /// one.
    pub features: String,
}

const CHOSEN: &str = "\
SELECT timestamp, device_id, position, temperature, humidity, audio_hash FROM window_actions \
WHERE origin NOT IN ('model', 'interlock') AND timestamp >= fromUnixTimestamp64Milli(?) \
AND NOT startsWith(reason, 'told again (') AND NOT startsWith(reason, 'back to where it was put by ') \
AND NOT endsWith(reason, ' is over: back to where the window was') \
UNION ALL \
SELECT s.timestamp AS timestamp, s.device_id AS device_id, s.position AS position, nan AS temperature, nan AS humidity, \
'' AS audio_hash FROM (\
SELECT timestamp, device_id, position, \
lagInFrame(position, 1, -1) OVER w AS before, leadInFrame(position, 1, -1) OVER w AS after, \
leadInFrame(toUnixTimestamp64Milli(timestamp), 1, toInt64(0)) OVER w AS after_at FROM window_states \
WHERE timestamp >= fromUnixTimestamp64Milli(?) \
WINDOW w AS (PARTITION BY device_id ORDER BY timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS s \
ASOF LEFT JOIN window_actions AS c ON c.device_id = s.device_id AND c.timestamp <= s.timestamp \
ASOF LEFT JOIN (SELECT timestamp, device_id, detail FROM device_events WHERE event = 'moved_by_hand') AS e \
ON e.device_id = s.device_id AND e.timestamp >= s.timestamp \
WHERE s.before >= 0 AND abs(s.position - s.before) > 1 \
AND (s.after_at = 0 OR abs(s.after - s.position) <= 1 OR s.after_at > toUnixTimestamp64Milli(s.timestamp) + 30000) \
AND abs(s.position - c.position) > 5 AND dateDiff('second', c.timestamp, s.timestamp) >= 60 \
AND (startsWith(e.detail, concat('the window stands at ', toString(toInt64(round(s.position))), ' %')) \
OR ((s.position - s.before) * (c.position - s.position) <= 0 AND c.command_id NOT IN \
(SELECT command_id FROM window_command_states WHERE state = 'failed' AND command_id != '')))";

const REPORTED: &str = "\
SELECT d.timestamp AS timestamp, d.device_id AS device_id, s.position AS position, d.temperature AS temperature, \
d.humidity AS humidity, d.audio_hash AS audio_hash FROM (\
SELECT *, timestamp + INTERVAL 60 SECOND AS settled FROM window_actions \
WHERE origin = 'model' AND timestamp >= fromUnixTimestamp64Milli(?) AND command_id NOT IN \
(SELECT command_id FROM window_command_states WHERE state = 'failed' AND command_id != '')) AS d \
ASOF JOIN (SELECT * FROM window_states WHERE timestamp >= fromUnixTimestamp64Milli(?)) AS s \
ON s.device_id = d.device_id AND s.timestamp >= d.settled \
WHERE s.timestamp <= d.timestamp + INTERVAL 30 MINUTE";

impl Store {
    /// Returns the positions since `since` (ms) with their inputs, by time. Positions without climate are omitted.
    pub async fn labels(&self, outcome: Outcome, since: i64) -> Result<Vec<LabelRow>, StoreError> {
        let positions = match outcome {
            Outcome::Chosen => CHOSEN,
            Outcome::Reported => REPORTED,
        };
        let known = |column: &str, join: &str| {
            format!(
                "if(isNaN(c.{column}), if(dateDiff('second', {join}.timestamp, c.timestamp) <= 900, {join}.value, nan), \
                 c.{column}) AS {column}"
            )
        };
        let sql = format!(
            "SELECT ?fields FROM (SELECT c.timestamp AS timestamp, toString(c.device_id) AS device_id, \
             c.position AS position, {}, {}, multiIf(h.features != '', h.features, \
             dateDiff('second', a.timestamp, c.timestamp) <= 600, a.features, '') AS features \
             FROM ({positions}) AS c \
             ASOF LEFT JOIN sensor_temperature AS t ON t.device_id = c.device_id AND t.timestamp <= c.timestamp \
             ASOF LEFT JOIN sensor_humidity AS u ON u.device_id = c.device_id AND u.timestamp <= c.timestamp \
             ASOF LEFT JOIN sensor_audio AS a ON a.device_id = c.device_id AND a.timestamp <= c.timestamp \
             LEFT ANY JOIN (SELECT device_id, audio_hash, any(features) AS features FROM sensor_audio \
             WHERE audio_hash != '' GROUP BY device_id, audio_hash) AS h \
             ON h.device_id = c.device_id AND h.audio_hash = c.audio_hash) \
             WHERE NOT isNaN(temperature) AND NOT isNaN(humidity) ORDER BY timestamp, device_id",
            known("temperature", "t"),
            known("humidity", "u"),
        );
        Ok(self
            .client
            .query(&sql)
            .bind(since)
            .bind(since)
            .fetch_all()
            .await?)
    }
}
