//! The section `retention`, its rules, and how long each table's rows are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Kept;

/// `retention`: days for which rows are kept in ClickHouse, and the guard of its disk. Rows are removed by whole months, so
/// that a row stays for at least so many days and at most a month longer. 0 means for ever.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days for readings as devices sent them. They go only where the rollups have them.
    #[schemars(range(max = 36_500))]
    pub readings_days: u32,
    /// Days for rollups by minute, hour and day; at least those of the readings.
    #[schemars(range(max = 36_500))]
    pub rollups_days: u32,
    /// Days for the hashes and features of clips. Recordings: `audio.storage_max_age_days`.
    #[schemars(range(max = 36_500))]
    pub audio_days: u32,
    /// Days for predictions.
    #[schemars(range(max = 36_500))]
    pub predictions_days: u32,
    /// Days for commands and what became of them, positions of windows and events of devices.
    #[schemars(range(max = 36_500))]
    pub events_days: u32,
    /// Days for refused messages, removed day by day.
    #[schemars(range(max = 36_500))]
    pub errors_days: u32,
    /// Days for figures of the system itself, removed day by day.
    #[schemars(range(max = 36_500))]
    pub system_metrics_days: u32,
    /// Days for the audit log, removed day by day.
    #[schemars(range(max = 36_500))]
    pub audit_days: u32,
    /// Free bytes on the disk of ClickHouse below which the oldest readings that are rolled up are removed, then clips. 0
    /// removes nothing.
    pub min_free_bytes: u64,
}

impl Retention {
    /// Returns the days for which rows are kept; 0: for ever.
    pub const fn days(&self, kept: Kept) -> u32 {
        match kept {
            Kept::Readings => self.readings_days,
            Kept::Rollups => self.rollups_days,
            Kept::Audio => self.audio_days,
            Kept::Predictions => self.predictions_days,
            Kept::Events => self.events_days,
            Kept::Errors => self.errors_days,
            Kept::SystemMetrics => self.system_metrics_days,
            Kept::Audit => self.audit_days,
        }
    }

    /// Says what is wrong: rollups are what charts are drawn from, and what allows readings to go.
    pub(super) fn check(&self) -> Result<(), String> {
        let (readings, rollups) = (self.readings_days, self.rollups_days);
        if rollups == 0 || (1..=rollups).contains(&readings) {
            return Ok(());
        }
        let kept = match readings {
            0 => "for ever".to_owned(),
            days => format!("for {days} days"),
        };
        Err(format!(
            "the readings are kept {kept} and their rollups for {rollups} days, but charts of long ranges are drawn from \
             rollups; set retention.readings_days to {rollups} or less, or retention.rollups_days to 0"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollups_are_kept_for_at_least_as_long_as_readings() {
        let check = |readings_days, rollups_days| {
            let retention = Retention {
                readings_days,
                rollups_days,
                ..Retention::default()
            };
            retention.check()
        };
        for (readings, rollups) in [(0, 0), (30, 0), (30, 30), (30, 365)] {
            assert_eq!(check(readings, rollups), Ok(()), "{readings} {rollups}");
        }
        assert!(check(31, 30).unwrap_err().contains("for 31 days"));
        assert!(check(0, 30).unwrap_err().contains("for ever"));
    }
}
