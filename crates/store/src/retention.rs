//! Which rows are kept together for how long, and their removal: whole months.
//!
//! In: a table and a month. Out: that month's partition dropped, which rewrites nothing and takes milliseconds, however
//! many rows it has. The backend decides when. It never removes readings that the rollups lack: [`Store::is_rolled_up`].

use clickhouse::sql::Identifier;
use domain::Quantity;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, backfill};

/// What is kept for the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Readings as devices sent them.
    Readings,
    /// Rollups by minute, hour and day.
    Rollups,
    /// Clips as hashes and features.
    Audio,
    /// Predictions.
    Predictions,
    /// Commands, what became of them, positions, events and telemetry of devices.
    Events,
    /// Refused messages.
    Errors,
    /// How the system itself does.
    SystemMetrics,
    /// Who came in, who did not, and what was done to accounts.
    Audit,
}

impl Kept {
    /// Each of them, in the order in which they are removed: rows before what follows from them.
    pub const ALL: [Self; 8] = [
        Self::Readings,
        Self::Audio,
        Self::Predictions,
        Self::Events,
        Self::Rollups,
        Self::Errors,
        Self::SystemMetrics,
        Self::Audit,
    ];

    /// Its tables; those that others follow from come first.
    pub fn tables(self) -> Vec<&'static str> {
        match self {
            Self::Readings => {
                let readings = Quantity::ALL.map(Quantity::table).into_iter();
                readings.chain(["suspect_readings"]).collect()
            }
            Self::Rollups => vec![
                "readings_by_time",
                "sound_by_time",
                "predictions_by_time",
                "commands_by_time",
                "positions_by_hour",
                "outcomes_by_time",
            ],
            Self::Audio => vec!["sensor_audio"],
            Self::Predictions => vec!["ml_predictions"],
            // A decision whose outcome is gone would be judged again, so outcomes go after commands.
            Self::Events => vec![
                "window_actions",
                "window_states",
                "window_command_states",
                "decision_outcomes",
                "device_events",
                "device_telemetry",
            ],
            Self::Errors => vec!["ingest_errors"],
            Self::SystemMetrics => vec!["system_metrics"],
            Self::Audit => vec!["audit_log"],
        }
    }

    /// What `table` is kept with; `None` for tables that are always kept.
    pub fn of(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kept| kept.tables().contains(&table))
    }

    /// The column by which ClickHouse removes rows itself, day by day. These tables are small: a month of them at most,
    /// unless they are to be kept for longer.
    pub const fn time_to_live(self) -> Option<&'static str> {
        match self {
            Self::Errors => Some("received_at"),
            Self::SystemMetrics | Self::Audit => Some("timestamp"),
            _ => None,
        }
    }
}

/// The last second of `DateTime`, in seconds since 1970.
const LAST_S: u32 = u32::MAX;

/// Drops of partitions above this size are refused by a server unless they say that they mean it.
const UNUSUAL_BYTES: u64 = 10 << 30;

impl Store {
    /// Returns whether the rollups have every row of a month (`YYYYMM`) of `table`; `true` for a table without rollups.
    pub async fn is_rolled_up(&self, table: &str, month: u32) -> Result<bool, StoreError> {
        if !backfill::is_complete(&self.client, table).await? {
            return Ok(false);
        }
        let Some(quantity) = Quantity::ALL.into_iter().find(|known| known.table() == table) else {
            return Ok(true);
        };
        // Whole hours around the month's readings: a server's months may begin in the middle of a day of UTC.
        let sql = format!(
            "WITH (SELECT (count(), min(timestamp), max(timestamp)) FROM {table} WHERE _partition_id = ?) AS stored \
             SELECT ifNull(sum(r.readings) >= stored.1, 0) FROM readings_by_time AS r WHERE r.step = 3600 AND r.quantity = ? \
             AND r.time > stored.2 - INTERVAL 1 HOUR AND r.time <= stored.3"
        );
        let query = self.bounded(&sql).bind(month.to_string()).bind(quantity.as_str());
        Ok(query.fetch_one::<u8>().await? == 1)
    }

    /// Drops a month (`YYYYMM`) of `table`, which takes `bytes`. One that is not there is no error.
    pub async fn drop_month(&self, table: &str, month: u32, bytes: u64) -> Result<(), StoreError> {
        let drop = self
            .bounded("ALTER TABLE ? DROP PARTITION ?")
            .bind(Identifier(table));
        let drop = drop.bind(month);
        let drop = if bytes > UNUSUAL_BYTES {
            drop.with_setting("max_partition_size_to_drop", "0")
        } else {
            drop
        };
        Ok(drop.execute().await?)
    }

    /// Lets ClickHouse remove rows of `table` by itself `days` after the time in `column`, a `DateTime64`; 0: never. Returns
    /// whether that is a change.
    pub async fn keep_for(&self, table: &str, column: &str, days: u32) -> Result<bool, StoreError> {
        let sql = "SELECT extract(create_table_query, ' TTL (.+??)( SETTINGS |$)') FROM system.tables \
                   WHERE database = currentDatabase() AND name = ?";
        let Some(known) = self.bounded(sql).bind(table).fetch_optional::<String>().await? else {
            return Ok(false);
        };
        let wanted = time_to_live(column, days);
        let alter = match days {
            0 if known.is_empty() => return Ok(false),
            0 => format!("ALTER TABLE {table} REMOVE TTL"),
            _ if known == wanted => return Ok(false),
            _ => format!("ALTER TABLE {table} MODIFY TTL {wanted}"),
        };
        // Nobody waits until rows of before are gone.
        let alter = self.bounded(&alter).with_setting("alter_sync", "0");
        alter.execute().await?;
        Ok(true)
    }
}

/// The time at which a row goes, as ClickHouse prints it. `DateTime` ends in February 2106, and what is beyond wraps around to
/// 1970, which is over: so the sum is one of seconds, and no later than the last.
fn time_to_live(column: &str, days: u32) -> String {
    let seconds = u64::from(days) * 86_400;
    format!("toDateTime(least(intDiv(toUnixTimestamp64Milli({column}), 1000) + {seconds}, {LAST_S}))")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    #[test]
    fn every_table_that_ingest_writes_is_kept_with_others_but_for_the_registry() {
        for table in Table::ALL {
            assert_eq!(
                Kept::of(table.name()).is_none(),
                table == Table::DeviceRegistry,
                "{table}"
            );
        }
    }

    #[test]
    fn no_table_is_kept_twice() {
        let mut tables: Vec<_> = Kept::ALL.into_iter().flat_map(Kept::tables).collect();
        let count = tables.len();
        tables.sort_unstable();
        tables.dedup();
        assert_eq!(tables.len(), count);
    }
}
