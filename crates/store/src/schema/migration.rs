//! The numbered files of `schema/`, as statements.
//!
//! In: files. Out: statements, a checksum that leaves out comments and spacing, and their application, one after the other.

use clickhouse::{Client, error::Error};
use sha2::{Digest, Sha256};

use super::statement;
use crate::StoreError;

/// A file.
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../schema/", $name, ".sql")),
        }
    };
}

/// Every file, in order.
pub(super) const MIGRATIONS: [Migration; 31] = [
    migration!(1, "0001_schema_migrations"),
    migration!(2, "0002_readings"),
    migration!(3, "0003_audio"),
    migration!(4, "0004_windows"),
    migration!(5, "0005_devices"),
    migration!(6, "0006_ingest_errors"),
    migration!(7, "0007_window_action_origin"),
    migration!(8, "0008_co2"),
    migration!(9, "0009_weather"),
    migration!(10, "0010_suspect_readings"),
    migration!(11, "0011_held_predictions"),
    migration!(12, "0012_readings_by_time"),
    migration!(13, "0013_sound_by_time"),
    migration!(14, "0014_predictions_by_time"),
    migration!(15, "0015_positions_by_hour"),
    migration!(16, "0016_decision_outcomes"),
    migration!(17, "0017_system_metrics"),
    migration!(18, "0018_system_metrics_ages"),
    migration!(19, "0019_received_at_and_held"),
    migration!(20, "0020_positions_by_their_reports"),
    migration!(21, "0021_months_in_one_part"),
    migration!(22, "0022_audit_log"),
    migration!(23, "0023_registry_revision"),
    migration!(24, "0024_calibration"),
    migration!(25, "0025_device_telemetry"),
    migration!(26, "0026_calibration_of_suspects"),
    migration!(27, "0027_window_command_states"),
    migration!(28, "0028_reasons"),
    migration!(29, "0029_sentences"),
    migration!(30, "0030_causes"),
    migration!(31, "0031_guard"),
];

/// The schema version that this program needs.
pub const SCHEMA_VERSION: u32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Returns the statements of a file, without comments and with single spaces.
pub(super) fn statements(sql: &str) -> Vec<String> {
    let without_comments: Vec<&str> = sql
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(sql, _)| sql))
        .collect();
    without_comments
        .join(" ")
        .split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|statement| !statement.is_empty())
        .collect()
}

impl Migration {
    pub(super) fn statements(&self) -> Vec<String> {
        statements(self.sql)
    }

    pub(super) fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.statements().join(";")))
    }

    /// Runs its statements; `tell` hears of each how many percent are done.
    pub(super) async fn apply(&self, client: &Client, tell: impl Fn(u8)) -> Result<(), StoreError> {
        for statement in self.statements() {
            let done = statement::run(client, &statement, &[], &tell).await;
            done.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn failed(&self, error: StoreError) -> StoreError {
        match error {
            // ClickHouse's own words, also where it is out of memory or space.
            StoreError::Query(source)
            | StoreError::TooLarge(source)
            | StoreError::Unavailable(source @ Error::BadResponse(_)) => StoreError::Migration {
                version: self.version,
                name: self.name,
                source,
            },
            other => other,
        }
    }
}
