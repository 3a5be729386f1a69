//! Errors of the database.

use crate::{Table, server_error::is_of_another_schema};

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
    /// Others ask already, and ClickHouse is slow.
    #[error("clickhouse is asked too much at a time")]
    Busy,
    /// The answer would be larger than it may be.
    #[error("the answer is too large")]
    TooLarge(#[source] clickhouse::error::Error),
    /// ClickHouse answered with an error.
    #[error("clickhouse refused a query")]
    Query(#[source] clickhouse::error::Error),
    /// ClickHouse did not finish a backup or a restoration.
    #[error("clickhouse did not finish: {reason}")]
    Backup {
        /// Its reason.
        reason: String,
    },
    /// The database was migrated by a newer version of this program.
    #[error(
        "the database has schema {found}, written by {}, and this is Casement {}, which knows schemas up to {known}; nothing was changed: use the newer version, or restore a backup of before into an empty data directory or database",
        if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
        env!("CARGO_PKG_VERSION")
    )]
    SchemaTooNew {
        /// The highest version applied.
        found: u32,
        /// The highest version known here.
        known: u32,
        /// The version of the program that applied it; empty where it did not say.
        program: String,
    },
    /// An applied migration differs from the one in this program.
    #[error(
        "schema migration {version} was applied with another content, by a program that is no release; use that program, or restore a backup"
    )]
    SchemaChanged {
        /// The migration's number.
        version: u32,
    },
    /// A migration failed half-way; it is safe to run again.
    #[error(
        "schema migration {version} ({name}) failed: {}. It is tried again and goes on where it stopped; until it is through, the version of Casement of before can still use the database",
        remedy(source)
    )]
    Migration {
        /// The migration's number.
        version: u32,
        /// Its name.
        name: &'static str,
        /// ClickHouse's answer.
        #[source]
        source: clickhouse::error::Error,
    },
    /// A month of a rollup could not be made; it is safe to run again.
    #[error(
        "the rollup {target} of earlier rows failed in month {month}: {}. It is tried again, beginning with that month",
        remedy(source)
    )]
    Rollup {
        /// The rollup.
        target: &'static str,
        /// `YYYYMM`.
        month: u32,
        /// ClickHouse's answer.
        #[source]
        source: clickhouse::error::Error,
    },
    /// Another process has the turn to change the schema.
    #[error("another process changes the schema, as this one was silent for too long; it is looked at again")]
    Overtaken,
}

impl StoreError {
    /// Returns whether the question was for tables or columns that the database does not have: the backend makes them, or
    /// brings them up, at its start. Until then a later attempt may succeed; afterwards the question itself is wrong.
    pub fn is_of_another_schema(&self) -> bool {
        matches!(self, Self::Query(error) if is_of_another_schema(error))
    }
}

/// What a person can do about a change of the schema that fails.
fn remedy(source: &clickhouse::error::Error) -> &'static str {
    let text = source.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["Read-only file system", "errno: 30"]) {
        "make ClickHouse's disk writable"
    } else if says(&["Code: 243.", "No space left on device", "NOT_ENOUGH_SPACE"]) {
        "free space on ClickHouse's disk"
    } else if says(&["Code: 241."]) {
        "ClickHouse needs more memory for it (engine.limits.memory_bytes of the embedded one)"
    } else if says(&["Code: 497.", "ACCESS_DENIED"]) {
        "ClickHouse's user of the services needs GRANT ALL ON the database"
    } else {
        "ClickHouse's own words follow"
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_migration_says_what_to_do() {
        for (answer, expected) in [
            (
                "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space",
                "free space",
            ),
            (
                "Code: 1001. DB::Exception: std::filesystem: No space left on device",
                "free space",
            ),
            (
                "Code: 481. DB::ErrnoException: errno: 30, strerror: Read-only file system",
                "writable",
            ),
            ("Code: 241. DB::Exception: Query memory limit exceeded", "memory"),
            ("Code: 497. DB::Exception: writer: Not enough privileges", "GRANT"),
            ("Code: 47. DB::Exception: Unknown identifier", "own words"),
        ] {
            let error = StoreError::Migration {
                version: 12,
                name: "0012_readings_by_time",
                source: clickhouse::error::Error::BadResponse(answer.to_owned()),
            };
            let text = error.to_string();
            assert!(
                text.contains(expected) && text.contains("0012_readings_by_time"),
                "{text}"
            );
            assert!(text.contains("of before can still use the database"), "{text}");
        }
    }
}
