//! Errors of the database.

use crate::Table;

/// A query, a migration or the configuration failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address or database name cannot be used.
    #[error("invalid clickhouse option: {reason}")]
    Options {
        /// What is wrong with it.
        reason: String,
    },
    /// ClickHouse could not be reached or could not answer.
    #[error("clickhouse is unavailable")]
    Unavailable(#[source] clickhouse::error::Error),
    /// ClickHouse did not answer in time.
    #[error("clickhouse did not answer in time")]
    Timeout,
    /// ClickHouse answered with an error.
    #[error("clickhouse refused a query")]
    Query(#[source] clickhouse::error::Error),
    /// The database was migrated by a newer version of this program.
    #[error("database schema is version {found}, this program knows up to {known}")]
    SchemaTooNew {
        /// The highest version applied.
        found: u32,
        /// The highest version known here.
        known: u32,
    },
    /// An applied migration differs from the one in this program.
    #[error("migration {version} was applied with another content")]
    SchemaChanged {
        /// The migration's number.
        version: u32,
    },
    /// A migration failed half-way; it is safe to run again.
    #[error("migration {version} failed")]
    Migration {
        /// The migration's number.
        version: u32,
        /// ClickHouse's answer.
        #[source]
        source: clickhouse::error::Error,
    },
}

/// A batch was not stored, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// The database is to blame: send the same batch again later, with the same token.
    #[error("clickhouse cannot take rows for {table} now")]
    Unavailable {
        /// The table at which the insertion stopped.
        table: Table,
        /// ClickHouse's error code, if there was one.
        code: Option<u32>,
        /// The client's error.
        #[source]
        source: clickhouse::error::Error,
    },
    /// A row is to blame: find it by bisection. Every other table of the batch is stored and must not be sent again
    /// under another token: pass `stored` as `done` with each half.
    #[error("clickhouse refused rows for {table}: {message}")]
    Refused {
        /// The table whose rows were refused.
        table: Table,
        /// ClickHouse's message.
        message: String,
        /// ClickHouse's error code.
        code: u32,
        /// The tables of the batch that are stored, including those passed as `done`.
        stored: Vec<Table>,
    },
}
