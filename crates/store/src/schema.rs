//! The numbered migrations of `schema/`, and their application to a database.
//!
//! In: a client. Out: every migration applied once, in order, and recorded with its checksum. Statements are
//! idempotent, so an interrupted migration is simply run again.

use std::time::Duration;

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::{StoreError, backfill, quantities, server_error::is_transient};

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../schema/", $name, ".sql")),
        }
    };
}

const MIGRATIONS: [Migration; 22] = [
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
];

/// The schema version that this program needs.
pub const SCHEMA_VERSION: u32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

#[derive(Debug, Row, Serialize, Deserialize)]
struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

/// Returns the statements of a file, without comments and with single spaces.
fn statements(sql: &str) -> Vec<String> {
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
    fn statements(&self) -> Vec<String> {
        statements(self.sql)
    }

    fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.statements().join(";")))
    }

    async fn apply(&self, client: &Client) -> Result<(), StoreError> {
        let failed = |source| {
            if is_transient(&source) {
                StoreError::Unavailable(source)
            } else {
                StoreError::Migration {
                    version: self.version,
                    source,
                }
            }
        };
        for statement in self.statements() {
            // A question mark would otherwise be taken for a bound value.
            let statement = statement.replace('?', "??");
            answered(client.query(&statement).execute())
                .await?
                .map_err(failed)?;
        }
        self.record(client).await.map_err(failed)?;
        tracing::info!(
            version = self.version,
            name = self.name,
            "schema migration applied"
        );
        Ok(())
    }

    async fn record(&self, client: &Client) -> Result<(), Error> {
        let token = format!("schema/{}/{}", self.version, self.checksum());
        let mut insert = client
            .insert::<Applied>("schema_migrations")
            .await?
            .with_setting("insert_deduplication_token", token);
        insert
            .write(&Applied {
                version: self.version,
                name: self.name.to_owned(),
                checksum: self.checksum(),
            })
            .await?;
        insert.end().await
    }
}

/// The longest that one statement of a migration may take.
const STATEMENT: Duration = Duration::from_secs(30);

/// Waits for an answer, but not for ever.
async fn answered<T>(asking: impl Future<Output = T>) -> Result<T, StoreError> {
    timeout(STATEMENT, asking).await.map_err(|_| StoreError::Timeout)
}

/// Brings the database of `client` up to [`SCHEMA_VERSION`], which it returns.
pub(crate) async fn migrate(client: &Client, database: &str) -> Result<u32, StoreError> {
    // The database may not exist yet, so this query does not name one.
    let create = client
        .clone()
        .with_database("default")
        .query("CREATE DATABASE IF NOT EXISTS ?")
        .bind(clickhouse::sql::Identifier(database));
    answered(create.execute()).await??;
    for statement in MIGRATIONS[0].statements() {
        answered(client.query(&statement).execute()).await??;
    }
    let applied = client
        .query("SELECT ?fields FROM schema_migrations FINAL ORDER BY version")
        .fetch_all::<Applied>();
    let applied = answered(applied).await??;
    check(&applied)?;
    for migration in &MIGRATIONS {
        if !applied.iter().any(|applied| applied.version == migration.version) {
            migration.apply(client).await?;
        }
    }
    for definition in quantities::definitions().iter().flat_map(|sql| statements(sql)) {
        answered(client.query(&definition).execute()).await??;
    }
    backfill::run(client, database).await?;
    client.clear_cached_metadata().await;
    Ok(SCHEMA_VERSION)
}

/// Refuses a database that a newer or a different program has migrated.
fn check(applied: &[Applied]) -> Result<(), StoreError> {
    for Applied {
        version, checksum, ..
    } in applied
    {
        match MIGRATIONS.iter().find(|migration| migration.version == *version) {
            None => {
                return Err(StoreError::SchemaTooNew {
                    found: *version,
                    known: SCHEMA_VERSION,
                });
            }
            Some(migration) if migration.checksum() != *checksum => {
                return Err(StoreError::SchemaChanged { version: *version });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error)
        } else {
            Self::Query(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    fn all_statements() -> Vec<String> {
        MIGRATIONS.iter().flat_map(Migration::statements).collect()
    }

    #[test]
    fn versions_ascend_and_are_named_after_their_files() {
        assert!(MIGRATIONS.is_sorted_by(|one, next| one.version < next.version));
        for migration in &MIGRATIONS {
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
        }
    }

    #[test]
    fn every_statement_is_idempotent_and_every_table_deduplicates() {
        for statement in all_statements() {
            let repeats = [
                "IF NOT EXISTS",
                "MODIFY COLUMN IF EXISTS",
                "MODIFY QUERY",
                "MODIFY SETTING",
                "CREATE OR REPLACE VIEW",
                "insert_deduplication_token",
            ];
            assert!(repeats.iter().any(|word| statement.contains(word)), "{statement}");
            assert!(
                !statement.starts_with("CREATE TABLE")
                    || statement.contains("non_replicated_deduplication_window = 1000"),
                "{statement}"
            );
        }
    }

    #[test]
    fn every_quantity_is_rolled_up() {
        let definitions = quantities::definitions().concat();
        for quantity in domain::Quantity::ALL {
            let table = quantity.table();
            assert!(definitions.contains(&format!("{table}_by_time TO readings_by_time")));
            let codecs = format!(
                "ALTER TABLE {table}\n    MODIFY COLUMN IF EXISTS timestamp CODEC(Delta(8), T64, ZSTD(5))"
            );
            assert!(definitions.contains(&codecs));
            assert!(definitions.contains(&format!("FROM {table} WHERE {{step:UInt32}} < 60")));
        }
        assert!(!definitions.contains("{table}") && !definitions.contains("{quantity}"));
    }

    #[test]
    fn every_table_is_created() {
        for table in Table::ALL {
            let create = format!("CREATE TABLE IF NOT EXISTS {table} (");
            assert_eq!(
                all_statements()
                    .iter()
                    .filter(|statement| statement.starts_with(&create))
                    .count(),
                1
            );
        }
    }

    #[test]
    fn newer_and_changed_schemas_are_refused() {
        let applied = |version, checksum: String| Applied {
            version,
            name: String::new(),
            checksum,
        };
        let good = applied(1, MIGRATIONS[0].checksum());
        assert!(check(&[good]).is_ok());
        assert!(matches!(
            check(&[applied(99, String::new())]),
            Err(StoreError::SchemaTooNew { found: 99, .. })
        ));
        assert!(matches!(
            check(&[applied(2, "x".into())]),
            Err(StoreError::SchemaChanged { version: 2 })
        ));
    }
}
