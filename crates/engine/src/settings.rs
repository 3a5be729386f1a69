//! Settings: which ones each user may give, and the state that a request needs its connection to be in.
//!
//! In: a request's settings and the limits. Out: ClickHouse's refusal, or a [`ConnectionState`] that a connection is
//! brought into. A reader's settings only lower the limits.

use crate::{
    allowed::setting_reaches_out,
    exception::{Exception, READONLY, TOO_MANY_ROWS_OR_BYTES},
    ffi::Connection,
    options::Limits,
    sql::{Assignment, quote, quote_name},
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

/// Returns what a statement's own clause sets, of what the user may set. What is left out the engine refuses a reader.
pub(crate) fn clause_settings(user: User, clause: Vec<Assignment>) -> Vec<Setting> {
    let pairs = clause
        .into_iter()
        .filter_map(|given| Some((given.name, given.value?)));
    pairs.filter(|(name, _)| check_name(user, name).is_ok()).collect()
}

/// Refuses what a reader's clause may not set, wherever in a statement it stands.
pub(crate) fn check_clause(given: &Assignment, limits: &Limits) -> Result<(), Exception> {
    let Assignment { name, value } = given;
    check_name(User::Reader, name)?;
    let refused = |why: &str| {
        Exception::new(
            READONLY,
            "READONLY",
            format_args!("Cannot modify '{name}' setting in readonly mode: {why}"),
        )
    };
    let Some(value) = value else {
        return Err(refused("its value is no literal"));
    };
    match bound(User::Reader, name, limits) {
        Some(most) if lower(value, most).is_none() => Err(refused(&format!("it is at most {most}"))),
        _ => Ok(()),
    }
}

/// Returns the most that a user may set a limit to.
fn bound(user: User, name: &str, limits: &Limits) -> Option<f64> {
    match (user, name) {
        (User::Reader, "max_execution_time") => Some(limits.reader_time.as_secs_f64()),
        (User::Reader, "max_result_bytes") => Some(limits.reader_result_bytes as f64),
        _ => None,
    }
}

/// Returns a limit that is none above `most`. 0 would mean no limit.
fn lower(value: &str, most: f64) -> Option<f64> {
    value.parse().ok().filter(|value| *value > 0.0 && *value <= most)
}

/// How many bytes of an answer leave, whatever the engine counts: a constant column is one value to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResultLimit {
    /// Bytes of the format, before any compression.
    pub(crate) bytes: u64,
    /// The answer ends where the limit is reached, without an error.
    pub(crate) is_cut: bool,
}

impl ResultLimit {
    /// Returns the limit of a request: a reader's always, a writer's if it asks for one. Later settings win.
    pub(crate) fn new<'a>(
        user: User,
        settings: impl Iterator<Item = &'a Setting> + Clone,
        limits: &Limits,
    ) -> Option<Self> {
        let given = settings
            .clone()
            .filter(|(name, _)| name == "max_result_bytes")
            .map(|(_, value)| value);
        let bytes = match user {
            User::Reader => {
                let most = limits.reader_result_bytes;
                let lower = given.filter_map(|value| lower(value, most as f64)).last();
                lower.map_or(most, |bytes| bytes as u64)
            }
            // 0 is none.
            User::Default => {
                let last = given.last().and_then(|value| value.parse::<u64>().ok());
                last.filter(|bytes| *bytes > 0)?
            }
        };
        let mode = settings.filter(|(name, _)| name == "result_overflow_mode").last();
        Some(Self {
            bytes,
            is_cut: mode.is_some_and(|(_, mode)| mode == "break"),
        })
    }

    /// Returns the refusal of an answer of so many bytes.
    pub(crate) fn exceeded(self, bytes: u64) -> Exception {
        Exception::new(
            TOO_MANY_ROWS_OR_BYTES,
            "TOO_MANY_ROWS_OR_BYTES",
            format_args!(
                "Limit for result exceeded, max bytes: {}, current bytes: {}",
                readable(self.bytes),
                readable(bytes)
            ),
        )
    }
}

/// Returns a number of bytes as ClickHouse writes it: `97.66 KiB`.
fn readable(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    format!("{value:.2} {unit}")
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
    pub(crate) fn new<'a>(
        user: User,
        database: Option<&str>,
        settings: impl Iterator<Item = &'a Setting>,
        limits: &Limits,
    ) -> Self {
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

fn assignments<'a>(user: User, client: impl Iterator<Item = &'a Setting>, limits: &Limits) -> Vec<String> {
    let seconds = match user {
        User::Default => limits.query_time,
        User::Reader => limits.reader_time,
    }
    .as_secs_f64();
    let mut settings = vec![
        format!("max_execution_time = {seconds}"),
        // As in ClickHouse's server: what begins with no keyword is a syntax error, and no expression.
        "implicit_select = 0".to_owned(),
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
    if user == User::Reader {
        settings.push(format!("max_memory_usage = {}", limits.reader_memory_bytes));
        settings.push(format!("max_result_bytes = {}", limits.reader_result_bytes));
    }
    // A statement is found by its connection's comment, so a client's own comment is dropped; whether it only reads is
    // checked before.
    let ours = |name: &str| matches!(name, "log_comment" | "readonly");
    for (name, value) in client.filter(|(name, _)| !ours(name)) {
        if let Some(most) = bound(user, name, limits) {
            settings.extend(lower(value, most).map(|value| format!("{name} = {value}")));
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
    fn a_limit_is_a_readers_always_and_a_writers_on_demand() {
        let limits = Limits {
            reader_result_bytes: 1000,
            ..Limits::default()
        };
        let of = |user, given: &[(&str, &str)]| {
            let settings: Vec<Setting> = given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            ResultLimit::new(user, settings.iter(), &limits).map(|limit| (limit.bytes, limit.is_cut))
        };
        let bytes = "max_result_bytes";
        assert_eq!(of(User::Reader, &[]), Some((1000, false)));
        assert_eq!(
            of(User::Reader, &[(bytes, "10"), (bytes, "0")]),
            Some((10, false))
        );
        assert_eq!(of(User::Reader, &[(bytes, "2000")]), Some((1000, false)));
        assert_eq!(of(User::Default, &[]), None);
        assert_eq!(of(User::Default, &[(bytes, "10"), (bytes, "0")]), None);
        assert_eq!(
            of(
                User::Default,
                &[(bytes, "2000"), ("result_overflow_mode", "break")]
            ),
            Some((2000, true))
        );
        assert_eq!(readable(100_000), "97.66 KiB");
        assert_eq!(readable(256 << 20), "256.00 MiB");
        assert_eq!(readable(7), "7.00 B");
    }

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
