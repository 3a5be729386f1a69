//! The backend's queries.
//!
//! In: a period and a limit on rows. Out: small results. ClickHouse aborts a query after
//! [`LONGEST_QUERY`], so that none outlives the request it was made for.

use std::time::Duration;

use clickhouse::{Row, query::Query};
use domain::DeviceId;
use serde::{Deserialize, Serialize};

use crate::{CommandStateRow, DeviceRow, Store, StoreError};

/// Time after which ClickHouse aborts a query of this module.
pub const LONGEST_QUERY: Duration = Duration::from_secs(20);

/// A period of time, ms, both ends included. Its end keeps rows out whose time is still to come: a clock that was ahead
/// once would otherwise hide everything after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub since: i64,
    /// Its end.
    pub until: i64,
}

/// The newest reading of a quantity of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestReading {
    /// The device that measured.
    pub device_id: String,
    /// Name of the quantity.
    pub quantity: String,
    /// The device's own time, ms.
    pub timestamp: i64,
    /// The value in the quantity's unit.
    pub value: f64,
}

/// The newest command to a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestAction {
    /// The device.
    pub device_id: String,
    /// Time of the decision, ms.
    pub timestamp: i64,
    /// Its id; empty if it has none.
    pub command_id: String,
    /// % open, 0–100.
    pub position: f64,
    /// Confidence, 0–1.
    pub confidence: f64,
    /// Version of the model that decided; empty if the command names none.
    pub model_version: String,
    /// Reason of the decision; empty if the command states none.
    pub reason: String,
    /// The average of the model's training, % open, and what temperature, humidity and the clip added, points; NaN if unknown.
    pub contributions: (f32, f32, f32, f32),
    /// What the law of moves said; empty if unknown.
    pub verdict: String,
    /// Who decided: `model`, `person`, `schedule`, `interlock`; empty if the command does not say.
    pub origin: String,
}

/// The newest decision for a window that was not carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestHeldRow {
    /// The device.
    pub device_id: String,
    /// Time of the decision, ms.
    pub timestamp: i64,
    /// What the model wanted, % open, 0–100.
    pub position: f64,
    /// Confidence, 0–1.
    pub confidence: f64,
    /// Version of the model that decided.
    pub model_version: String,
    /// Why it is held, in words; empty if unknown.
    pub reason: String,
    /// The average of the model's training, % open, and what temperature, humidity and the clip added, points; NaN if unknown.
    pub contributions: (f32, f32, f32, f32),
    /// Why it is held, in one word; empty if unknown.
    pub verdict: String,
}

/// The climate that the newest decision for a window was made on, whether or not it was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestDecision {
    /// The device.
    pub device_id: String,
    /// Time of the decision, ms.
    pub timestamp: i64,
    /// Temperature and humidity, °C and %.
    pub climate: (f64, f64),
}

/// What ClickHouse uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct Usage {
    /// Memory of the server.
    pub memory_bytes: u64,
    /// The database on disk.
    pub disk_bytes: u64,
    /// Free space on the fullest disk.
    pub free_bytes: u64,
    /// Seconds since its start.
    pub uptime_s: u32,
}

/// The newest position that a window reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestState {
    /// The device.
    pub device_id: String,
    /// Time of the report, ms.
    pub timestamp: i64,
    /// % open, 0–100.
    pub position: f64,
}

/// The newest answer of a device to settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
pub struct LatestAck {
    /// The device.
    pub device_id: String,
    /// When it answered, ms.
    pub timestamp: i64,
    /// `config_applied` or `config_refused`.
    pub event: String,
    /// The version, and why it is refused.
    pub detail: String,
}

/// The condition of a [`Period`], which binds two values.
const IN_PERIOD: &str =
    "timestamp >= fromUnixTimestamp64Milli(?) AND r.timestamp <= fromUnixTimestamp64Milli(?)";

/// The newest value of a column of rows `r`.
fn latest(column: &str) -> String {
    format!("argMax(r.{column}, (r.timestamp, r.received_at))")
}

/// What the newest decision is made of; `position` is the column of what was decided.
fn decision(position: &str) -> String {
    format!(
        "{} AS position, {} AS confidence, toString({}) AS model_version, toString({}) AS reason, toString({}) AS verdict, \
         argMax((r.average, r.contribution_temperature, r.contribution_humidity, r.contribution_sound), \
         (r.timestamp, r.received_at)) AS contributions",
        latest(position),
        latest("confidence"),
        latest("model_version"),
        latest("reason"),
        latest("verdict"),
    )
}

/// The question of the newest of `rows`, named `r`, of each device. It binds the beginning, the end, and the most devices.
fn newest(columns: &str, rows: &str) -> String {
    format!(
        "SELECT ?fields FROM (SELECT toString(device_id) AS device_id, max(r.timestamp) AS timestamp, {columns} \
         FROM {rows} AND r.{IN_PERIOD} GROUP BY device_id ORDER BY device_id LIMIT ?)"
    )
}

impl Store {
    /// Returns what ClickHouse uses.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT \
                   toUInt64(ifNull((SELECT greatest(0, sum(value)) FROM system.metrics \
                   WHERE metric = 'MemoryTracking'), 0)) AS memory_bytes, \
                   toUInt64(ifNull((SELECT sum(bytes_on_disk) FROM system.parts \
                   WHERE active AND database = currentDatabase()), 0)) AS disk_bytes, \
                   toUInt64(ifNull((SELECT min(free_space) FROM system.disks), 0)) AS free_bytes, \
                   toUInt32(uptime()) AS uptime_s)";
        Ok(self.bounded(sql).fetch_one().await?)
    }

    /// Returns registered devices at most `limit`, the last seen first.
    pub async fn devices(&self, limit: usize) -> Result<Vec<DeviceRow>, StoreError> {
        let sql = "SELECT ?fields FROM device_registry FINAL ORDER BY last_seen DESC, device_id LIMIT ?";
        Ok(self.bounded(sql).bind(limit).fetch_all().await?)
    }

    /// Returns the registered devices among `device_ids`.
    pub async fn devices_of(&self, device_ids: &[String]) -> Result<Vec<DeviceRow>, StoreError> {
        let sql = "SELECT ?fields FROM device_registry FINAL WHERE device_id IN ?";
        Ok(self.bounded(sql).bind(device_ids).fetch_all().await?)
    }

    /// Returns the newest reading of each quantity of each device in `period`, for at most `limit` devices.
    pub async fn latest_readings(
        &self,
        period: Period,
        limit: usize,
    ) -> Result<Vec<LatestReading>, StoreError> {
        // Whole days, then the hours of the last day, then the minutes of the last hour: a hundred rows of a quantity for
        // a week. A minute that ends after the period counts as within it.
        let sql = "WITH fromUnixTimestamp64Milli(?, 'UTC') AS since, fromUnixTimestamp64Milli(?, 'UTC') AS until \
                   SELECT ?fields FROM (SELECT toString(device_id) AS device_id, toString(quantity) AS quantity, \
                   tupleElement(max(r.newest) AS latest, 1) AS timestamp, tupleElement(latest, 2) AS value \
                   FROM readings_by_time AS r WHERE \
                   step = 86400 AND r.time >= toStartOfDay(since) AND r.time < toStartOfDay(until) \
                   OR step = 3600 AND r.time >= toStartOfDay(until) AND r.time < toStartOfHour(until) \
                   OR step = 60 AND r.time >= toStartOfHour(until) AND r.time <= until \
                   GROUP BY quantity, device_id HAVING timestamp >= since ORDER BY quantity, device_id \
                   LIMIT ? BY quantity) ORDER BY device_id, quantity";
        let query = self.bounded(sql).bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns the newest command to each window in `period`, for at most `limit` windows.
    pub async fn latest_actions(
        &self,
        period: Period,
        limit: usize,
    ) -> Result<Vec<LatestAction>, StoreError> {
        let columns = format!(
            "{}, {} AS command_id, toString({}) AS origin",
            decision("position"),
            latest("command_id"),
            latest("origin")
        );
        let sql = newest(&columns, "window_actions AS r WHERE 1");
        let query = self.bounded(&sql).bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns the newest decision for each window in `period` that was not carried out, for at most `limit` windows.
    pub async fn latest_held(&self, period: Period, limit: usize) -> Result<Vec<LatestHeldRow>, StoreError> {
        let sql = newest(&decision("prediction"), "ml_predictions AS r WHERE r.held");
        let query = self.bounded(&sql).bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns what the model's newest decision for each window in `period` was made on, for at most `limit` windows. One whose
    /// climate is not known is left out.
    pub async fn latest_decisions(
        &self,
        period: Period,
        limit: usize,
    ) -> Result<Vec<LatestDecision>, StoreError> {
        let of = |table: &str, condition: &str| {
            format!(
                "SELECT toString(r.device_id) AS id, r.timestamp AS at, r.received_at AS received, \
                 (r.temperature, r.humidity) AS inputs FROM {table} AS r WHERE {condition} AND r.{IN_PERIOD} \
                 AND isFinite(r.temperature) AND isFinite(r.humidity)"
            )
        };
        let sql = format!(
            "SELECT ?fields FROM (SELECT id AS device_id, max(at) AS timestamp, argMax(inputs, (at, received)) AS climate \
             FROM ({} UNION ALL {}) GROUP BY id ORDER BY id LIMIT ?)",
            // A command that does not say whose it is comes from an ML service in the specification's words.
            of("window_actions", "r.origin IN ('model', '')"),
            of("ml_predictions", "r.held"),
        );
        let query = self.bounded(&sql).bind(period.since).bind(period.until);
        let query = query.bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns the newest position that each window reported in `period`, for at most `limit` windows.
    pub async fn latest_states(&self, period: Period, limit: usize) -> Result<Vec<LatestState>, StoreError> {
        let columns = format!("{} AS position", latest("position"));
        let sql = newest(&columns, "window_states AS r WHERE 1");
        let query = self.bounded(&sql).bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns whether the table of `row` has one of the same device, time and content. Rows of devices and of refusals
    /// are never looked up.
    pub async fn has_row(&self, row: &crate::Row) -> Result<bool, StoreError> {
        use crate::Row;
        let (device_id, timestamp, column, value) = match row {
            Row::Reading(_, row) => (&row.device_id, row.timestamp, "value", row.value),
            Row::WindowAction(row) => (&row.device_id, row.timestamp, "position", row.position),
            Row::WindowState(row) => (&row.device_id, row.timestamp, "position", row.position),
            Row::MlPrediction(row) => (&row.device_id, row.timestamp, "prediction", row.prediction),
            Row::Suspect(row) => (&row.device_id, row.timestamp, "value", row.value),
            // One device records one clip at a time.
            Row::Audio(row) => (&row.device_id, row.timestamp, "1.", 1.0),
            Row::Device(_)
            | Row::DeviceEvent(_)
            | Row::CommandState(_)
            | Row::Telemetry(_)
            | Row::IngestError(_)
            | Row::SystemMetrics(_)
            | Row::Audit(_) => return Ok(false),
        };
        let sql = format!(
            "SELECT count() FROM {} WHERE device_id = ? AND timestamp = fromUnixTimestamp64Milli(?) AND abs({column} - ?) < 1e-6",
            row.table()
        );
        let query = self.bounded(&sql).bind(device_id).bind(timestamp).bind(value);
        Ok(query.fetch_one::<u64>().await? > 0)
    }

    /// Returns the newest answer of each device to its settings in `period`, for at most `limit` devices.
    pub async fn latest_acks(&self, period: Period, limit: usize) -> Result<Vec<LatestAck>, StoreError> {
        let columns = format!(
            "toString({}) AS event, toString({}) AS detail",
            latest("event"),
            latest("detail")
        );
        let rows = "device_events AS r WHERE r.event IN ('config_applied', 'config_refused')";
        let sql = newest(&columns, rows);
        let query = self.bounded(&sql).bind(period.since).bind(period.until);
        Ok(query.bind(limit).fetch_all().await?)
    }

    /// Returns how far commands of `device` have come, of those with these ids, the newest last.
    pub async fn command_states(
        &self,
        device: &DeviceId,
        command_ids: &[&str],
    ) -> Result<Vec<CommandStateRow>, StoreError> {
        if command_ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT ?fields FROM window_command_states WHERE device_id = ? AND command_id IN ? \
                   ORDER BY timestamp, state = 'reached' LIMIT 8 BY command_id";
        let query = self.bounded(sql).bind(device.as_str()).bind(command_ids);
        Ok(query.fetch_all().await?)
    }

    /// Removes a device from the table of devices; its history stays. Once it returns, no query finds the row.
    pub async fn forget_device(&self, device_id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM device_registry WHERE device_id = ?";
        let query = self.bounded(sql).with_setting("lightweight_deletes_sync", "2");
        Ok(query.bind(device_id).execute().await?)
    }

    pub(crate) fn bounded(&self, sql: &str) -> Query {
        self.client
            .query(sql)
            .with_setting("max_execution_time", LONGEST_QUERY.as_secs().to_string())
    }
}
