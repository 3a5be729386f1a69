//! Rows of devices: the registry, events, telemetry.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::number_or_nan;

/// A row of `device_registry`. Of each device, the row with the latest `last_seen` is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceRow {
    /// The device.
    pub device_id: String,
    /// A name for people.
    pub name: String,
    /// Its location.
    pub location: String,
    /// Time of the first message, ms.
    pub registered_at: i64,
    /// Time of the latest message, ms.
    pub last_seen: i64,
    /// Whether it has sent messages recently.
    pub is_active: bool,
    /// What is set for this device alone, a JSON object.
    pub config: String,
    /// The change of the registry that it tells of; 0 in rows of other programs.
    #[serde(default)]
    pub revision: u64,
}

/// A row of `device_events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct DeviceEventRow {
    /// Time of the event, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// `registered`, `online`, `offline`, `inactive`, …
    pub event: String,
    /// Explanation in words.
    #[serde(default)]
    pub detail: String,
    /// Time at which it was noticed, ms.
    pub received_at: i64,
}

/// A row of `device_telemetry`. What a device does not say is NaN or empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct TelemetryRow {
    /// The device's own time, or that of receipt, ms.
    pub timestamp: i64,
    /// The device.
    pub device_id: String,
    /// Volts of its battery.
    #[serde(deserialize_with = "number_or_nan")]
    pub battery_v: f32,
    /// Charge of its battery, %.
    #[serde(deserialize_with = "number_or_nan")]
    pub battery_percent: f32,
    /// Strength of its reception, dBm.
    #[serde(deserialize_with = "number_or_nan")]
    pub rssi_dbm: f32,
    /// Free memory, bytes.
    #[serde(deserialize_with = "number_or_nan")]
    pub free_heap_bytes: f64,
    /// Seconds since its start.
    #[serde(deserialize_with = "number_or_nan")]
    pub uptime_s: f64,
    /// Version of its firmware.
    pub firmware: String,
    /// Time of receipt, ms.
    pub received_at: i64,
}
