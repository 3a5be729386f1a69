//! The backend's queries.
//!
//! In: the start of a period, ms, and a limit on rows. Out: small results. ClickHouse aborts a query after
//! [`LONGEST_QUERY`], so that none outlives the request it was made for.

use std::time::Duration;

use clickhouse::{Row, query::Query};
use domain::Quantity;
use serde::{Deserialize, Serialize};

use crate::{DeviceRow, Store, StoreError};

/// Time after which ClickHouse aborts a query of this module.
pub const LONGEST_QUERY: Duration = Duration::from_secs(20);

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
    /// % open, 0–100.
    pub position: f64,
    /// Confidence, 0–1.
    pub confidence: f64,
    /// Version of the model that decided; empty if the command names none.
    pub model_version: String,
    /// Reason of the decision; empty if the command states none.
    pub reason: String,
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
}

impl Store {
    /// Returns what ClickHouse uses.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT \
                   toUInt64(greatest(0, (SELECT sum(value) FROM system.metrics WHERE metric = 'MemoryTracking'))) \
                   AS memory_bytes, \
                   (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()) \
                   AS disk_bytes, (SELECT min(free_space) FROM system.disks) AS free_bytes)";
        let sql = sql.replace("(SELECT sum(bytes", "assumeNotNull((SELECT sum(bytes");
        Ok(self.bounded(&sql).fetch_one().await?)
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

    /// Returns the newest reading of each quantity of each device since `since` (ms), for at most `limit` devices.
    pub async fn latest_readings(&self, since: i64, limit: usize) -> Result<Vec<LatestReading>, StoreError> {
        let select = |quantity: Quantity| {
            format!(
                "SELECT toString(device_id) AS device_id, '{quantity}' AS quantity, max(r.timestamp) AS timestamp, \
                 argMax(r.value, r.timestamp) AS value FROM {} AS r \
                 WHERE r.timestamp >= fromUnixTimestamp64Milli(?) GROUP BY device_id ORDER BY device_id LIMIT ?",
                quantity.table()
            )
        };
        let selects = Quantity::ALL.map(|quantity| format!("({})", select(quantity)));
        let sql = format!(
            "SELECT ?fields FROM ({}) ORDER BY device_id, quantity",
            selects.join(" UNION ALL ")
        );
        let query = self.bounded(&sql);
        let query = Quantity::ALL
            .iter()
            .fold(query, |query, _| query.bind(since).bind(limit));
        Ok(query.fetch_all().await?)
    }

    /// Returns the newest command to each window since `since` (ms), for at most `limit` windows.
    pub async fn latest_actions(&self, since: i64, limit: usize) -> Result<Vec<LatestAction>, StoreError> {
        let latest = |column: &str| format!("argMax(a.{column}, a.timestamp) AS {column}");
        let sql = format!(
            "SELECT ?fields FROM (SELECT toString(device_id) AS device_id, max(a.timestamp) AS timestamp, {}, {}, \
             toString({}) AS model_version, toString({}) AS reason FROM window_actions AS a \
             WHERE a.timestamp >= fromUnixTimestamp64Milli(?) GROUP BY device_id ORDER BY device_id LIMIT ?)",
            latest("position"),
            latest("confidence"),
            "argMax(a.model_version, a.timestamp)",
            "argMax(a.reason, a.timestamp)",
        );
        Ok(self.bounded(&sql).bind(since).bind(limit).fetch_all().await?)
    }

    pub(crate) fn bounded(&self, sql: &str) -> Query {
        self.client
            .query(sql)
            .with_setting("max_execution_time", LONGEST_QUERY.as_secs().to_string())
    }
}
