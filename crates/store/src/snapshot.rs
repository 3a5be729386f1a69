//! A frozen copy of the database, and ClickHouse's own backups of it.
//!
//! In: a database in which nothing is inserted for a moment. Out: `{database}_frozen`, whose tables share the parts of that
//! moment (hard links, so it takes milliseconds and no space); a backup of it under the database's own name; figures that tell
//! whether a restored table holds the same. Backups are files in the folder that ClickHouse's configuration allows.

use std::time::Duration;

use clickhouse::{Row, query::Query, sql::Identifier};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::{Store, StoreError};

/// The longest that one backup or restoration takes.
const LONGEST: Duration = Duration::from_hours(6);
/// The longest that one statement about a table takes.
const STATEMENT: Duration = Duration::from_mins(5);
/// Pause between two questions whether ClickHouse is done.
const LOOK: Duration = Duration::from_millis(100);

/// What a table holds. Two tables with the same rows have the same figures, however their parts are cut and merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFigures {
    /// The table.
    pub table: String,
    /// Rows; of a table that is merged by key, rows after merging.
    pub rows: u64,
    /// The sum of a hash of each row modulo 2^64, in hexadecimal. Of a table that is merged by key, of the columns that are
    /// the same in whatever order rows are merged: floating sums and aggregate states are not.
    pub checksum: String,
}

#[derive(Debug, Row, Serialize, Deserialize)]
struct Known {
    name: String,
    engine: String,
}

#[derive(Debug, Row, Serialize, Deserialize)]
struct Counted {
    rows: u64,
    checksum: u64,
}

#[derive(Debug, Row, Serialize, Deserialize)]
struct Progress {
    status: String,
    error: String,
}

impl Known {
    /// Whether its rows are in immutable parts of its own.
    fn has_parts(&self) -> bool {
        self.engine.ends_with("MergeTree") && !self.name.starts_with(".inner")
    }

    /// Whether rows of the same key become one.
    fn is_merged(&self) -> bool {
        self.engine != "MergeTree"
    }
}

impl Store {
    /// Makes the frozen copy anew. Nothing may be inserted meanwhile that has to be in all tables or in none.
    pub async fn freeze(&self) -> Result<(), StoreError> {
        self.unfreeze().await?;
        let frozen = self.frozen();
        let create = self.statement("CREATE DATABASE ?").bind(Identifier(&frozen));
        create.execute().await?;
        for table in self.known(&self.database()).await? {
            if table.has_parts() {
                let copy = self.statement("CREATE TABLE ?.? CLONE AS ?.?");
                let copy = copy.bind(Identifier(&frozen)).bind(Identifier(&table.name));
                let copy = copy
                    .bind(Identifier(&self.database()))
                    .bind(Identifier(&table.name));
                copy.execute().await?;
            }
        }
        Ok(())
    }

    /// Keeps ClickHouse from rewriting the frozen copy, which would only cost time.
    pub async fn keep_frozen(&self) -> Result<(), StoreError> {
        let frozen = self.frozen();
        for table in self.known(&frozen).await? {
            let stop = self.statement("SYSTEM STOP MERGES ?.?");
            let stop = stop.bind(Identifier(&frozen)).bind(Identifier(&table.name));
            stop.execute().await?;
        }
        Ok(())
    }

    /// Removes the frozen copy; one that is not there is no error.
    pub async fn unfreeze(&self) -> Result<(), StoreError> {
        let drop = self.statement("DROP DATABASE IF EXISTS ? SYNC");
        // However large the tables are, these are links.
        let drop = drop.with_setting("max_table_size_to_drop", "0");
        Ok(drop.bind(Identifier(&self.frozen())).execute().await?)
    }

    /// Returns what the frozen copy holds, by table.
    pub async fn frozen_figures(&self) -> Result<Vec<TableFigures>, StoreError> {
        self.figures_in(&self.frozen()).await
    }

    /// Returns what the database holds, by table.
    pub async fn figures(&self) -> Result<Vec<TableFigures>, StoreError> {
        self.figures_in(&self.database()).await
    }

    /// Backs the frozen copy up under the database's own name, with the views of the database, into the file or directory
    /// `name` of ClickHouse's folder of backups. With `base`, only what that backup lacks: of the base, its `.backup` is
    /// enough.
    pub async fn back_up(&self, name: &str, base: Option<&str>) -> Result<(), StoreError> {
        let (database, frozen) = (self.database(), self.frozen());
        let tables = self.known(&database).await?;
        let copied = self.known(&frozen).await?;
        let is_copied = |table: &Known| copied.iter().any(|copy| copy.name == table.name);
        // A table that has gone since has its rows in the copy; one that came since has none there.
        let others = tables
            .iter()
            .filter(|table| !table.has_parts() && !table.name.starts_with(".inner"));
        let others = others.filter(|table| !is_copied(table));
        let mut sql = vec!["TABLE ?.? AS ?.?"; copied.len()];
        let others: Vec<&Known> = others.collect();
        sql.extend(vec!["TABLE ?.?"; others.len()]);
        let base_setting = if base.is_some() {
            ", base_backup = File(?)"
        } else {
            ""
        };
        let sql = format!(
            "BACKUP {} TO File(?) SETTINGS async = 1, id = ?{base_setting}",
            sql.join(", ")
        );
        let mut query = self.statement(&sql);
        for table in &copied {
            query = query.bind(Identifier(&frozen)).bind(Identifier(&table.name));
            query = query.bind(Identifier(&database)).bind(Identifier(&table.name));
        }
        for table in &others {
            query = query.bind(Identifier(&database)).bind(Identifier(&table.name));
        }
        query = query.bind(name).bind(name);
        if let Some(base) = base {
            query = query.bind(base);
        }
        query.execute().await?;
        self.wait_until(name, "BACKUP_CREATED").await
    }

    /// Makes the database of the backup `name`, and of those that it is based on, in ClickHouse's folder of backups. There
    /// may be no such database.
    pub async fn restore(&self, name: &str) -> Result<(), StoreError> {
        let database = self.database();
        let create = self.statement("CREATE DATABASE ?").bind(Identifier(&database));
        create.execute().await?;
        let id = format!("restored-{name}");
        let sql = "RESTORE DATABASE ? FROM File(?) SETTINGS async = 1, id = ?, create_database = 0";
        let query = self.statement(sql).bind(Identifier(&database)).bind(name);
        query.bind(&id).execute().await?;
        self.wait_until(&id, "RESTORED").await
    }

    /// Returns ClickHouse's version.
    pub async fn server_version(&self) -> Result<String, StoreError> {
        Ok(self.statement("SELECT version()").fetch_one().await?)
    }

    async fn wait_until(&self, id: &str, done: &str) -> Result<(), StoreError> {
        let deadline = Instant::now() + LONGEST;
        let failed = |reason: &str| {
            Err(StoreError::Backup {
                reason: reason.to_owned(),
            })
        };
        while Instant::now() < deadline {
            let sql = "SELECT ?fields FROM (SELECT toString(status) AS status, error FROM system.backups WHERE id = ? \
                       ORDER BY start_time DESC LIMIT 1)";
            let found: Option<Progress> = self.statement(sql).bind(id).fetch_optional().await?;
            match found {
                None => return failed("clickhouse was started anew meanwhile"),
                Some(Progress { status, .. }) if status == done => return Ok(()),
                Some(Progress { status, error })
                    if status.ends_with("FAILED") || status.ends_with("CANCELLED") =>
                {
                    return failed(&error);
                }
                Some(_) => sleep(LOOK).await,
            }
        }
        failed("it takes longer than six hours")
    }

    async fn figures_in(&self, database: &str) -> Result<Vec<TableFigures>, StoreError> {
        let mut figures = Vec::new();
        for table in self.known(database).await? {
            if !table.has_parts() {
                continue;
            }
            let columns = if table.is_merged() {
                self.steady_columns(database, &table.name).await?
            } else {
                "*".to_owned()
            };
            let last = if table.is_merged() { " FINAL" } else { "" };
            let sql = format!(
                "SELECT ?fields FROM (SELECT count() AS rows, sum(cityHash64({columns})) AS checksum FROM ?.?{last})"
            );
            let query = self.statement(&sql);
            let query = query.bind(Identifier(database)).bind(Identifier(&table.name));
            // It reads every column of every row, and whoever stores rows meanwhile comes first.
            let query = query.with_setting("max_threads", "1");
            let counted: Counted = query.fetch_one().await?;
            figures.push(TableFigures {
                table: table.name,
                rows: counted.rows,
                checksum: format!("{:016x}", counted.checksum),
            });
        }
        Ok(figures)
    }

    /// The columns whose values do not depend on the order in which rows were merged.
    async fn steady_columns(&self, database: &str, table: &str) -> Result<String, StoreError> {
        let sql = "SELECT name FROM system.columns WHERE database = ? AND table = ? AND default_kind NOT IN ('ALIAS', 'EPHEMERAL') \
                   AND (is_in_sorting_key OR NOT (type LIKE '%Float%' OR type LIKE 'AggregateFunction%')) ORDER BY position";
        let names: Vec<String> = self.statement(sql).bind(database).bind(table).fetch_all().await?;
        let quoted = names
            .iter()
            .map(|name| format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")));
        Ok(quoted.collect::<Vec<_>>().join(", ").replace('?', "??"))
    }

    async fn known(&self, database: &str) -> Result<Vec<Known>, StoreError> {
        let sql = "SELECT ?fields FROM system.tables WHERE database = ? AND NOT is_temporary ORDER BY name";
        Ok(self.statement(sql).bind(database).fetch_all().await?)
    }

    /// A statement that names its databases itself, as ours may not exist.
    fn statement(&self, sql: &str) -> Query {
        self.client
            .clone()
            .with_database("default")
            .query(sql)
            .with_setting("max_execution_time", STATEMENT.as_secs().to_string())
    }

    /// Returns the database's name.
    pub fn database_name(&self) -> &str {
        &self.options.database
    }

    fn database(&self) -> String {
        self.options.database.clone()
    }

    fn frozen(&self) -> String {
        format!("{}_frozen", self.options.database)
    }
}
