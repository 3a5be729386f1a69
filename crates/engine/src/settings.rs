//! Settings: which ones each user may give, and the state that a request needs its connection to be in.
//!
//! In: a request's settings and the limits. Out: ClickHouse's refusal, or a [`ConnectionState`] that a connection is
//! brought into. A reader's settings only lower the limits.

use crate::{
    allowed::setting_reaches_out,
    exception::{Exception, READONLY},
    ffi::Connection,
    options::Limits,
    sql::{quote, quote_name},
    users::User,
};

/// Far above the backend's batches, which must stay one block each, and far below the memory.
const INSERT_BLOCK_BYTES: u64 = 64 << 20;

/// What a reader's settings may be: everything that shapes an answer and lifts no limit. Limits only go down, see
/// [`ConnectionState::new`].
const READER_SETTINGS: &[&str] = &[
    "additional_table_filters",
    "additional_result_filter",
    "allow_experimental_analyzer",
    "any_join_distinct_right_table_keys",
    "date_time_output_format",
    "enable_analyzer",
    "extremes",
    "final",
    "http_headers_progress_interval_ms",
    "interactive_delay",
    "join_use_nulls",
    "limit",
    "log_comment",
    "log_queries",
    "max_block_size",
    "max_execution_time",
    "max_result_bytes",
    "max_result_rows",
    "max_threads",
    "network_compression_method",
    "network_zstd_compression_level",
    "offset",
    "prefer_column_name_to_alias",
    "result_overflow_mode",
    "send_progress_in_http_headers",
    "session_timezone",
    "timeout_overflow_mode",
    "use_query_cache",
    "wait_end_of_query",
];

/// A setting's name and value, as the client gave them.
pub(crate) type Setting = (String, String);

/// Refuses a setting that the user may not give.
pub(crate) fn check_name(user: User, name: &str) -> Result<(), Exception> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(Exception::bad_arguments(format_args!("'{name}' is no setting")));
    }
    if setting_reaches_out(&name.to_ascii_lowercase()) {
        return Err(Exception::access_denied(format_args!(
            "the setting '{name}' reaches files, programs or the network, which is not allowed here"
        )));
    }
    let formatting = name.starts_with("output_format_") || name.starts_with("format_");
    if user == User::Default || READER_SETTINGS.contains(&name) || formatting {
        return Ok(());
    }
    Err(Exception::new(
        READONLY,
        "READONLY",
        format_args!("Cannot modify '{name}' setting in readonly mode"),
    ))
}

/// The state that a request needs its connection to be in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConnectionState {
    database: Option<String>,
    /// `name = value`, in the order in which they are set.
    settings: Vec<String>,
    /// Locked by [`lock`](Self::lock): a reader's.
    readonly: bool,
}

impl ConnectionState {
    /// Puts our bounds first and the client's settings after them.
    pub(crate) fn new(user: User, database: Option<&str>, settings: &[Setting], limits: &Limits) -> Self {
        Self {
            database: database.map(str::to_owned),
            settings: assignments(user, settings, limits),
            readonly: user == User::Reader,
        }
    }

    /// Brings a connection into this state, and names it, so that its statements are found.
    pub(crate) fn apply(&self, connection: &mut Connection) -> Result<(), Exception> {
        let name = format!("log_comment = {}", quote(connection.name()));
        let mut run = |sql: String| connection.query(&sql, "Null", &[]).map(drop);
        if let Some(database) = &self.database {
            run(format!("USE {}", quote_name(database)))?;
        }
        run(format!("SET {}, {name}", self.settings.join(", ")))
    }

    /// Locks a reader's connection, behind which nothing is set or made any more.
    pub(crate) fn lock(&self, connection: &mut Connection) -> Result<(), Exception> {
        if self.readonly {
            connection.query("SET readonly = 1", "Null", &[])?;
        }
        Ok(())
    }
}

fn assignments(user: User, client: &[Setting], limits: &Limits) -> Vec<String> {
    let seconds = match user {
        User::Default => limits.query_time,
        User::Reader => limits.reader_time,
    }
    .as_secs_f64();
    let mut settings = vec![
        format!("max_execution_time = {seconds}"),
        // Values may be expressions, and expressions may be calls: only looked-at ones are evaluated.
        "input_format_values_interpret_expressions = 0".to_owned(),
        // By rows alone a block of long rows would fill the memory.
        format!("input_format_max_block_size_bytes = {INSERT_BLOCK_BYTES}"),
        format!("min_insert_block_size_bytes = {INSERT_BLOCK_BYTES}"),
        format!(
            "output_format_parallel_formatting = {}",
            u8::from(limits.parallel_formatting)
        ),
    ];
    let mut bounds = Vec::new();
    if user == User::Reader {
        settings.push(format!("max_memory_usage = {}", limits.reader_memory_bytes));
        settings.push(format!("max_result_bytes = {}", limits.reader_result_bytes));
        bounds.push(("max_execution_time", seconds));
        bounds.push(("max_result_bytes", limits.reader_result_bytes as f64));
    }
    // A statement is found by its connection's comment, so a client's own comment is dropped; whether it only reads is
    // checked before.
    let ours = |name: &str| matches!(name, "log_comment" | "readonly");
    for (name, value) in client.iter().filter(|(name, _)| !ours(name)) {
        let bound = bounds.iter().find(|(bounded, _)| bounded == name);
        if let Some((_, most)) = bound {
            // 0 would mean no limit.
            let lower = value
                .parse::<f64>()
                .ok()
                .filter(|value| *value > 0.0 && value <= most);
            settings.extend(lower.map(|value| format!("{name} = {value}")));
        } else {
            settings.push(format!("{name} = {}", quote(value)));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sets_what_shapes_an_answer() {
        for name in ["readonly", "max_memory_usage", "format_template_resultset"] {
            assert!(check_name(User::Reader, name).is_err(), "{name}");
        }
        for name in [
            "max_execution_time",
            "additional_table_filters",
            "output_format_json_quote_64bit_integers",
        ] {
            assert!(check_name(User::Reader, name).is_ok(), "{name}");
        }
        for name in [
            "format_schema",
            "Dialect",
            "input_format_values_interpret_expressions",
        ] {
            assert!(check_name(User::Default, name).is_err(), "{name}");
        }
    }
}
