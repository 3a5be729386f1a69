//! The connection, and the insertion of batches.
//!
//! In: a batch and its token. Out: the batch stored once, however often it is sent. Each table gets one INSERT with a
//! token of its own.

use std::sync::Arc;

use clickhouse::{Client, RowOwned, RowWrite, error::Error};

use crate::{
    Batch, InsertError, SCHEMA_VERSION, StoreError, StoreOptions, Table, Tell, http_client, questions::Turns,
    schema, server_error,
};

/// A database with our schema. Clones share connections, and the turns of questions.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) options: StoreOptions,
    pub(crate) turns: Arc<Turns>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Checks the options. The connection is made by the first query.
    pub fn new(options: StoreOptions) -> Result<Self, StoreError> {
        let invalid = |reason: &str| {
            Err(StoreError::Options {
                reason: reason.to_owned(),
            })
        };
        if !["http://", "https://"]
            .iter()
            .any(|scheme| options.url.starts_with(scheme))
        {
            return invalid("the address must start with http:// or https://");
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if options.database.is_empty() || !options.database.chars().all(word) {
            return invalid("a database name consists of letters, digits and underscores");
        }
        let mut client = http_client::client(&options)?
            .with_url(&options.url)
            .with_database(&options.database);
        if !options.user.is_empty() {
            client = client.with_user(&options.user).with_password(&options.password);
        }
        Ok(Self {
            client,
            options,
            turns: Arc::default(),
        })
    }

    /// Creates the database when missing and brings its schema up to date; returns the schema's version.
    pub async fn migrate(&self) -> Result<u32, StoreError> {
        self.migrate_telling(&|_| {}).await
    }

    /// The same; `tell` hears how far it has come. One process at a time does it, others wait. It can be interrupted at any
    /// point, and goes on there; what it has done counts when all of it is done.
    pub async fn migrate_telling(&self, tell: Tell<'_>) -> Result<u32, StoreError> {
        schema::migrate(&self.client, &self.options.database, SCHEMA_VERSION, tell).await
    }

    /// Brings the schema to what it was at `version`, to measure and try upgrades from there. Rollups of earlier rows and
    /// what every start makes anew are left out below [`SCHEMA_VERSION`].
    pub async fn migrate_until(&self, version: u32, tell: Tell<'_>) -> Result<u32, StoreError> {
        schema::migrate(
            &self.client,
            &self.options.database,
            version.min(SCHEMA_VERSION),
            tell,
        )
        .await
    }

    /// Inserts `batch` under `token` (`journal-id/first-last`), table by table. Each table's own token is
    /// `journal-id/table/first-last`. Repeating the call with the same rows and token changes nothing.
    pub async fn insert(&self, batch: &Batch, token: &str) -> Result<(), InsertError> {
        self.insert_except(batch, token, &[]).await
    }

    /// Like [`Store::insert`], but omits the tables in `done`, which are already stored: for the halves of a batch.
    /// When rows of one table are refused, the other tables are still inserted.
    pub async fn insert_except(&self, batch: &Batch, token: &str, done: &[Table]) -> Result<(), InsertError> {
        let mut stored = done.to_vec();
        let mut refused = None;
        for table in batch.tables().filter(|table| !done.contains(table)) {
            let Err(source) = self.insert_table(batch, table, &table_token(token, table)).await else {
                stored.push(table);
                continue;
            };
            let Some(refusal) = server_error::refusal(&source) else {
                // The tables may have been altered, and the client caches their columns.
                self.client.clear_cached_metadata().await;
                let code = server_error::code(&source);
                return Err(InsertError::Unavailable { table, code, source });
            };
            refused.get_or_insert((table, refusal));
        }
        match refused {
            None => Ok(()),
            Some((table, (code, message))) => Err(InsertError::Refused {
                table,
                message,
                code,
                stored,
            }),
        }
    }

    async fn insert_table(&self, batch: &Batch, table: Table, token: &str) -> Result<(), Error> {
        match table {
            Table::Sensor(quantity) => self.insert_rows(table, batch.readings(quantity), token).await,
            Table::SuspectReadings => self.insert_rows(table, &batch.suspect_readings, token).await,
            Table::SensorAudio => self.insert_rows(table, &batch.audio, token).await,
            Table::WindowActions => self.insert_rows(table, &batch.window_actions, token).await,
            Table::MlPredictions => self.insert_rows(table, &batch.ml_predictions, token).await,
            Table::DeviceRegistry => self.insert_rows(table, &batch.devices, token).await,
            Table::WindowStates => self.insert_rows(table, &batch.window_states, token).await,
            Table::DeviceEvents => self.insert_rows(table, &batch.device_events, token).await,
            Table::WindowCommandStates => self.insert_rows(table, &batch.command_states, token).await,
            Table::DeviceTelemetry => self.insert_rows(table, &batch.telemetry, token).await,
            Table::IngestErrors => self.insert_rows(table, &batch.ingest_errors, token).await,
            Table::SystemMetrics => self.insert_rows(table, &batch.system_metrics, token).await,
            Table::AuditLog => self.insert_rows(table, &batch.audit_log, token).await,
        }
    }

    async fn insert_rows<R: RowOwned + RowWrite>(
        &self,
        table: Table,
        rows: &[R],
        token: &str,
    ) -> Result<(), Error> {
        let timeout = Some(self.options.insert_timeout);
        let mut insert = self
            .client
            .insert::<R>(table.name())
            .await?
            .with_timeouts(timeout, timeout)
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", token)
            // A batch that comes again counts once in the rollups, too, even if the first attempt ended between them.
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            // The answer must mean: stored.
            .with_setting("async_insert", "0");
        for row in rows {
            insert.write(row).await?;
        }
        insert.end().await
    }
}

/// `journal-id/first-last` → `journal-id/table/first-last`.
fn table_token(token: &str, table: Table) -> String {
    match token.rsplit_once('/') {
        Some((journal, range)) => format!("{journal}/{table}/{range}"),
        None => format!("{table}/{token}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tables_token_names_journal_table_and_range() {
        assert_eq!(
            table_token("ab12/1-99", Table::SensorAudio),
            "ab12/sensor_audio/1-99"
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let options = StoreOptions {
            password: "hunter2".into(),
            ..StoreOptions::new("http://localhost:8123", "iot")
        };
        let store = Store::new(options.clone()).unwrap();
        for text in [format!("{options:?}"), format!("{store:?}")] {
            assert!(text.contains("[redacted]") && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn https_needs_a_certificate_to_trust() {
        let mut options = StoreOptions::new("https://localhost:8443", "iot");
        options.trusted_certificates_pem = Some(b"no certificate".to_vec());
        let error = Store::new(options.clone()).unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        // Plain HTTP needs none.
        options.url = "http://localhost:8123".into();
        assert!(Store::new(options).is_ok());
    }

    #[test]
    fn unusable_options_are_refused() {
        assert!(Store::new(StoreOptions::new("localhost:9000", "iot")).is_err());
        for database in ["", "io-t", "iot; DROP", "iot`"] {
            assert!(Store::new(StoreOptions::new("http://localhost:8123", database)).is_err());
        }
    }
}
