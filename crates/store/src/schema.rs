//! The numbered migrations of `schema/`, and their application to a database.
//!
//! In: a client. Out: every migration applied once, in order, and recorded with its checksum. Statements are
//! idempotent, so an interrupted migration is simply run again. What an upgrade has done is recorded when all of it is
//! done: until then the program of before can go on with the database. One process at a time does it.

mod lock;
mod migration;
mod process;
mod progress;
pub(crate) mod statement;

use std::time::Instant;

use clickhouse::{Client, Row, error::Error};
use serde::{Deserialize, Serialize};

use self::{
    lock::Lock,
    migration::{MIGRATIONS, Migration, statements},
    statement::answered,
};
use crate::{
    StoreError, backfill, quantities,
    server_error::{is_too_large, is_transient},
};

pub use migration::SCHEMA_VERSION;
pub use progress::{Phase, Progress, Tell};

#[derive(Debug, Row, Serialize, Deserialize)]
struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

/// What an upgrade needs beside the table of migrations.
const BOOKKEEPING: &str = include_str!("../schema/bookkeeping.sql");

/// A migration that is done while others of the same upgrade are not.
#[derive(Debug, Row, Serialize, Deserialize)]
struct Step {
    version: u32,
    checksum: String,
}

/// A row of the table of migrations.
#[derive(Debug, Row, Serialize)]
struct Entry {
    version: u32,
    name: String,
    checksum: String,
    program: String,
}

/// Brings the database of `client` up to `until`, at most [`SCHEMA_VERSION`], and returns the version.
pub(crate) async fn migrate(
    client: &Client,
    database: &str,
    until: u32,
    tell: Tell<'_>,
) -> Result<u32, StoreError> {
    // The database may not exist yet, so this query does not name one.
    let create = client
        .clone()
        .with_database("default")
        .query("CREATE DATABASE IF NOT EXISTS ?")
        .bind(clickhouse::sql::Identifier(database));
    answered(create.execute()).await??;
    execute(client, MIGRATIONS[0].statements()).await?;
    let applied = applied(client).await?;
    if let Err(error) = check(&applied) {
        return Err(named(client, error).await);
    }
    let is_whole = until == SCHEMA_VERSION;
    let is_due = !due(&applied, until).is_empty() || is_whole && backfill::is_due(client).await?;
    if is_due {
        execute(client, statements(BOOKKEEPING)).await?;
        let lock = Lock::take(client, tell).await?;
        lock.hold(upgrade(client, database, until, tell)).await?;
    } else if is_whole {
        define(client).await?;
    }
    client.clear_cached_metadata().await;
    Ok(until)
}

/// What is due, in the turn of this process.
async fn upgrade(client: &Client, database: &str, until: u32, tell: Tell<'_>) -> Result<(), StoreError> {
    // Another process may have done it meanwhile.
    let applied = applied(client).await?;
    check(&applied)?;
    let due = due(&applied, until);
    // Of a new database there is nothing to tell.
    let is_new = applied.is_empty();
    let steps = client
        .query("SELECT ?fields FROM schema_steps")
        .fetch_all::<Step>();
    let steps = answered(steps).await??;
    for (index, migration) in due.iter().enumerate() {
        let checksum = migration.checksum();
        let progress = Progress {
            phase: Phase::Migration,
            step: index + 1,
            of: due.len(),
            name: migration.name.to_owned(),
            percent: None,
        };
        if steps
            .iter()
            .any(|step| step.version == migration.version && step.checksum == checksum)
        {
            tracing::debug!("{progress}: done by an earlier attempt");
            continue;
        }
        let started = Instant::now();
        if !is_new {
            tracing::info!("{progress}");
        }
        tell(&progress);
        let told = Told::new(tell, progress.clone());
        migration.apply(client, |percent| told.tell(percent)).await?;
        let version = migration.version;
        insert(client, "schema_steps", vec![Step { version, checksum }]).await?;
        let ms = started.elapsed().as_millis() as u64;
        tracing::debug!(ms, "{progress}: done");
    }
    if until == SCHEMA_VERSION {
        sweep(client, database).await?;
        define(client).await?;
        backfill::run(client, database, tell).await?;
    }
    finish(client, &due).await
}

/// Records that all of these are applied: older programs leave the database alone from now on.
async fn finish(client: &Client, due: &[&Migration]) -> Result<(), StoreError> {
    if due.is_empty() {
        return Ok(());
    }
    let entry = |migration: &&Migration| Entry {
        version: migration.version,
        name: migration.name.to_owned(),
        checksum: migration.checksum(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    insert(client, "schema_migrations", due.iter().map(entry).collect()).await?;
    execute(client, vec!["TRUNCATE TABLE IF EXISTS schema_steps".to_owned()]).await
}

/// Tells of the percents of one step, in the log every ten seconds.
pub(crate) struct Told<'a> {
    tell: Tell<'a>,
    progress: Progress,
    logged: std::sync::Mutex<Instant>,
}

impl<'a> Told<'a> {
    pub(crate) fn new(tell: Tell<'a>, progress: Progress) -> Self {
        let logged = std::sync::Mutex::new(Instant::now());
        Self {
            tell,
            progress,
            logged,
        }
    }

    pub(crate) fn tell(&self, percent: u8) {
        let progress = Progress {
            percent: Some(percent),
            ..self.progress.clone()
        };
        (self.tell)(&progress);
        let mut logged = self.logged.lock().expect("nobody panics with it");
        if logged.elapsed().as_secs() >= 10 {
            *logged = Instant::now();
            tracing::info!("{progress}");
        }
    }
}

/// Removes views that a kill left while they were replaced: ClickHouse makes the new one under a name of its own first. Nobody
/// else replaces any, since the caller holds the schema's lock.
async fn sweep(client: &Client, database: &str) -> Result<(), StoreError> {
    let left = client
        .query(
            "SELECT name FROM system.tables \
             WHERE database = ? AND engine = 'View' AND startsWith(name, '_tmp_replace_')",
        )
        .bind(database)
        .fetch_all::<String>();
    let left = answered(left).await??;
    let drops = left.iter().map(|name| format!("DROP VIEW IF EXISTS `{name}`"));
    execute(client, drops.collect()).await
}

/// What every start makes anew, where it differs.
async fn define(client: &Client) -> Result<(), StoreError> {
    let definitions = quantities::definitions();
    execute(
        client,
        definitions.iter().flat_map(|sql| statements(sql)).collect(),
    )
    .await
}

async fn execute(client: &Client, statements: Vec<String>) -> Result<(), StoreError> {
    for statement in statements {
        answered(client.query(&statement).execute()).await??;
    }
    Ok(())
}

/// Writes rows as one block, whatever was written before.
async fn insert<R: clickhouse::RowOwned + clickhouse::RowWrite>(
    client: &Client,
    table: &str,
    rows: Vec<R>,
) -> Result<(), StoreError> {
    let writing = async {
        let insert = client.insert::<R>(table).await?;
        let mut insert = insert
            .with_setting("insert_deduplicate", "0")
            .with_setting("async_insert", "0");
        for row in rows {
            insert.write(&row).await?;
        }
        insert.end().await
    };
    let written: Result<(), Error> = answered(writing).await?;
    Ok(written?)
}

async fn applied(client: &Client) -> Result<Vec<Applied>, StoreError> {
    let applied = client
        .query("SELECT ?fields FROM schema_migrations FINAL ORDER BY version")
        .fetch_all::<Applied>();
    Ok(answered(applied).await??)
}

/// The migrations up to `until` that are not applied.
fn due(applied: &[Applied], until: u32) -> Vec<&'static Migration> {
    let is_applied = |version| applied.iter().any(|applied| applied.version == version);
    MIGRATIONS
        .iter()
        .filter(|migration| migration.version <= until && !is_applied(migration.version))
        .collect()
}

/// Refuses a database that a newer or a different program has migrated.
fn check(applied: &[Applied]) -> Result<(), StoreError> {
    if let Some(newest) = applied.iter().map(|applied| applied.version).max()
        && newest > SCHEMA_VERSION
    {
        return Err(StoreError::SchemaTooNew {
            found: newest,
            known: SCHEMA_VERSION,
            program: String::new(),
        });
    }
    for Applied {
        version, checksum, ..
    } in applied
    {
        let known = MIGRATIONS.iter().find(|migration| migration.version == *version);
        if known.is_none_or(|migration| migration.checksum() != *checksum) {
            return Err(StoreError::SchemaChanged { version: *version });
        }
    }
    Ok(())
}

/// The same refusal with the program that wrote the newer schema, if it says so.
async fn named(client: &Client, error: StoreError) -> StoreError {
    let StoreError::SchemaTooNew { found, known, .. } = error else {
        return error;
    };
    let sql = "SELECT program FROM schema_migrations WHERE version = ? LIMIT 1";
    let asked = answered(client.query(sql).bind(found).fetch_optional::<String>()).await;
    StoreError::SchemaTooNew {
        found,
        known,
        program: asked.ok().and_then(Result::ok).flatten().unwrap_or_default(),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if is_too_large(&error) {
            Self::TooLarge(error)
        } else if is_transient(&error) {
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
        let bookkeeping = statements(BOOKKEEPING);
        MIGRATIONS
            .iter()
            .flat_map(Migration::statements)
            .chain(bookkeeping)
            .collect()
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
        let newer = check(&[applied(99, String::new())]).unwrap_err().to_string();
        assert!(
            newer.contains("newer version") && newer.contains("backup"),
            "{newer}"
        );
        assert!(matches!(
            check(&[applied(2, "x".into())]),
            Err(StoreError::SchemaChanged { version: 2 })
        ));
    }
}
