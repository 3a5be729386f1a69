//! What a device says of itself: battery, reception, memory, firmware.
//!
//! In: numbers that a device sent. Out: the same, each possible, or a refusal that names the one that is not.

use std::ops::RangeInclusive;

use crate::{DeviceId, Refusal, RefusalReason, Timestamp};

/// Characters of a version that are kept.
const MAX_FIRMWARE: usize = 64;

/// What a device says of itself; at least one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// Whose.
    pub device_id: DeviceId,
    /// By the device's clock; `None` where it states no time.
    pub timestamp: Option<Timestamp>,
    /// Volts of its battery.
    pub battery_v: Option<f64>,
    /// Charge of its battery, %.
    pub battery_percent: Option<f64>,
    /// Strength of its reception, dBm.
    pub rssi_dbm: Option<f64>,
    /// Free memory, bytes.
    pub free_heap_bytes: Option<f64>,
    /// Seconds since its start.
    pub uptime_s: Option<f64>,
    /// Version of its firmware.
    pub firmware: Option<String>,
}

impl Telemetry {
    /// Returns telemetry that says nothing yet.
    pub const fn of(device_id: DeviceId, timestamp: Option<Timestamp>) -> Self {
        Self {
            device_id,
            timestamp,
            battery_v: None,
            battery_percent: None,
            rssi_dbm: None,
            free_heap_bytes: None,
            uptime_s: None,
            firmware: None,
        }
    }

    /// Returns it where every value is possible and there is one; a version that is too long is cut.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        let numbers: [(&str, Option<f64>, RangeInclusive<f64>); 5] = [
            // Batteries of up to 48 V, charging.
            ("battery_v", self.battery_v, 0.0..=100.0),
            ("battery_percent", self.battery_percent, 0.0..=100.0),
            ("rssi_dbm", self.rssi_dbm, -200.0..=50.0),
            ("free_heap_bytes", self.free_heap_bytes, 0.0..=1e15),
            // Three hundred years.
            ("uptime_s", self.uptime_s, 0.0..=1e10),
        ];
        for (path, value, range) in &numbers {
            let Some(value) = value else { continue };
            if !value.is_finite() {
                let detail = format!("'{path}' is not a finite number");
                return Err(Refusal::new(RefusalReason::NotFinite, detail));
            }
            if !range.contains(value) {
                let (low, high) = (range.start(), range.end());
                let detail = format!("'{path}' is {value}: it may be {low} to {high}");
                return Err(Refusal::new(RefusalReason::OutOfRange, detail));
            }
        }
        self.firmware = self
            .firmware
            .map(|firmware| {
                let clean = firmware.trim().chars().filter(|c| !c.is_control());
                clean.take(MAX_FIRMWARE).collect::<String>()
            })
            .filter(|firmware| !firmware.is_empty());
        let says_nothing = numbers.iter().all(|(_, value, _)| value.is_none()) && self.firmware.is_none();
        if says_nothing {
            let known: Vec<&str> = numbers.iter().map(|(path, ..)| *path).collect();
            let detail = format!(
                "nothing is said: one of {} or firmware is expected",
                known.join(", ")
            );
            return Err(Refusal::new(RefusalReason::MissingField, detail));
        }
        Ok(self)
    }
}
