//! The questions that backend and page ask.
//!
//! In: spans of time, ms. Out: small answers, bounded by devices or by points asked for.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::{DeviceRow, Store, StoreError, Table};

/// Rows in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableCount {
    /// The table.
    pub table: Table,
    /// Its rows.
    pub rows: u64,
}

/// The newest reading of a device and quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestReading {
    /// Who measured.
    pub device_id: String,
    /// `temperature` or `humidity`.
    pub quantity: String,
    /// The device's own time, ms.
    pub timestamp: i64,
    /// °C or %.
    pub value: f64,
}

/// The newest command to a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct LatestWindow {
    /// Whose window.
    pub device_id: String,
    /// When it was decided, ms.
    pub timestamp: i64,
    /// % open, 0–100.
    pub position: f64,
    /// 0–1.
    pub confidence: f64,
}

/// A series over time to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    /// `SensorTemperature`, `SensorHumidity`, `WindowActions` or `WindowStates`.
    pub table: Table,
    /// Whose.
    pub device_id: String,
    /// From this time on, ms.
    pub from: i64,
    /// Before this time, ms.
    pub to: i64,
    /// At most this many points.
    pub points: u32,
}

/// What was measured in one of a series' equal spans of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct SeriesPoint {
    /// Start of the span, ms.
    pub timestamp: i64,
    /// Mean value.
    pub mean: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

impl Store {
    /// All registered devices, by id.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, StoreError> {
        let sql = "SELECT ?fields FROM device_registry FINAL ORDER BY device_id";
        Ok(self.client.query(sql).fetch_all().await?)
    }

    /// Rows in each table.
    pub async fn counts(&self) -> Result<Vec<TableCount>, StoreError> {
        let selects =
            Table::ALL.map(|table| format!("SELECT '{table}' AS table, count() AS rows FROM {table}"));
        let rows = self
            .client
            .query(&selects.join(" UNION ALL "))
            .fetch_all::<(String, u64)>()
            .await?;
        let named = rows.into_iter().filter_map(|(name, rows)| {
            Some(TableCount {
                table: Table::from_name(&name)?,
                rows,
            })
        });
        Ok(named.collect())
    }

    /// The newest temperature and humidity of each device since `since` (ms).
    pub async fn latest_readings(&self, since: i64) -> Result<Vec<LatestReading>, StoreError> {
        let select = |quantity: &str| {
            format!(
                "SELECT toString(device_id) AS device_id, '{quantity}' AS quantity, max(r.timestamp) AS timestamp, \
                 argMax(r.value, r.timestamp) AS value FROM sensor_{quantity} AS r \
                 WHERE r.timestamp >= fromUnixTimestamp64Milli(?) GROUP BY device_id"
            )
        };
        let sql = format!(
            "SELECT ?fields FROM ({} UNION ALL {}) ORDER BY device_id, quantity",
            select("temperature"),
            select("humidity")
        );
        Ok(self
            .client
            .query(&sql)
            .bind(since)
            .bind(since)
            .fetch_all()
            .await?)
    }

    /// The newest command to each window since `since` (ms).
    pub async fn latest_windows(&self, since: i64) -> Result<Vec<LatestWindow>, StoreError> {
        let sql = "SELECT ?fields FROM (SELECT toString(device_id) AS device_id, max(a.timestamp) AS timestamp, \
                   argMax(a.position, a.timestamp) AS position, argMax(a.confidence, a.timestamp) AS confidence \
                   FROM window_actions AS a WHERE a.timestamp >= fromUnixTimestamp64Milli(?) GROUP BY device_id) \
                   ORDER BY device_id";
        Ok(self.client.query(sql).bind(since).fetch_all().await?)
    }

    /// A series in at most `points` equal spans; spans without a value are left out. Empty for a table without one.
    pub async fn series(&self, query: &SeriesQuery) -> Result<Vec<SeriesPoint>, StoreError> {
        let column = match query.table {
            Table::SensorTemperature | Table::SensorHumidity => "value",
            Table::WindowActions | Table::WindowStates => "position",
            _ => return Ok(Vec::new()),
        };
        let span = query.to.saturating_sub(query.from).max(1);
        let step = span.div_euclid(i64::from(query.points.max(1))) + 1;
        let sql = format!(
            "SELECT ?fields FROM (SELECT ? + intDiv(toUnixTimestamp64Milli(t.timestamp) - ?, ?) * ? AS timestamp, \
             avg(t.{column}) AS mean, min(t.{column}) AS min, max(t.{column}) AS max FROM {} AS t \
             WHERE t.device_id = ? AND t.timestamp >= fromUnixTimestamp64Milli(?) \
             AND t.timestamp < fromUnixTimestamp64Milli(?) GROUP BY timestamp) ORDER BY timestamp",
            query.table
        );
        let bound = self
            .client
            .query(&sql)
            .bind(query.from)
            .bind(query.from)
            .bind(step)
            .bind(step);
        Ok(bound
            .bind(&query.device_id)
            .bind(query.from)
            .bind(query.to)
            .fetch_all()
            .await?)
    }
}
