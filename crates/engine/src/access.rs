//! Who may do what: `default` writes, `reader` reads, and neither has business with files, programs or the network.
//!
//! In: a user and a statement. Out: nothing, or ClickHouse's refusal. It is the first of two locks: the second is
//! `SET readonly = 1` on each of a reader's connections.

use crate::{
    exception::{ACCESS_DENIED, AUTHENTICATION_FAILED, Exception, READONLY},
    sql::{Kind, Token, tokens},
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Reads and writes.
    Default,
    /// Reads.
    Reader,
}

/// Table functions and engines that leave the data directory.
const OUTSIDE: &[&str] = &[
    "filesystem",
    "overlay",
    "hudicluster",
    "paimons3cluster",
    "paimonazurecluster",
    "paimonhdfscluster",
    "file",
    "filecluster",
    "url",
    "urlcluster",
    "s3",
    "s3cluster",
    "s3queue",
    "gcs",
    "gcscluster",
    "oss",
    "cosn",
    "hdfs",
    "hdfscluster",
    "azureblobstorage",
    "azureblobstoragecluster",
    "azurequeue",
    "remote",
    "remotesecure",
    "cluster",
    "clusterallreplicas",
    "mysql",
    "postgresql",
    "mongodb",
    "redis",
    "sqlite",
    "odbc",
    "jdbc",
    "executable",
    "executablepool",
    "hudi",
    "deltalake",
    "deltalakecluster",
    "deltalakelocal",
    "deltalakes3",
    "deltalakeazure",
    "iceberg",
    "iceberglocal",
    "icebergs3",
    "icebergazure",
    "icebergs3cluster",
    "icebergcluster",
    "icebergazurecluster",
    "iceberghdfs",
    "iceberghdfscluster",
    "paimon",
    "paimons3",
    "paimonlocal",
    "paimonazure",
    "paimonhdfs",
    "paimoncluster",
    "ytsaurus",
    "arrowflight",
    "kafka",
    "nats",
    "rabbitmq",
    "filelog",
    "python",
    "hive",
    "meilisearch",
    "materializedpostgresql",
    "materializedmysql",
    "distributed",
    "externaldistributed",
    "dictionary_file",
    "prometheusquery",
    "timeseriesselector",
];

/// What a reader's settings may be: everything that shapes an answer and lifts no limit.
const READER_SETTINGS: &[&str] = &[
    "max_execution_time",
    "additional_table_filters",
    "max_result_rows",
    "max_block_size",
    "max_threads",
    "log_comment",
    "max_result_bytes",
    "result_overflow_mode",
    "date_time_output_format",
    "extremes",
    "join_use_nulls",
    "wait_end_of_query",
    "final",
    "use_query_cache",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "output_format_native_encode_types_in_binary_format",
];

impl User {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Reader => "reader",
        }
    }

    /// The user of that name with that password.
    pub(crate) fn authenticate(name: &str, password: &str) -> Result<Self, Exception> {
        match (name, password) {
            ("" | "default", "") => Ok(Self::Default),
            ("reader", "") => Ok(Self::Reader),
            _ => Err(Exception::new(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                format_args!(
                    "{name}: Authentication failed: password is incorrect, or there is no user with such name"
                ),
            )),
        }
    }

    /// Whether this user may use that setting.
    pub(crate) fn check_setting(self, name: &str) -> Result<(), Exception> {
        let formatting = name.starts_with("output_format_")
            || name.starts_with("format_")
            || name.starts_with("session_timezone");
        if reaches_out(name) {
            return Err(denied(format_args!(
                "the setting '{name}' reaches files or the network, which is not allowed here"
            )));
        }
        if self == Self::Default && name != "readonly" || READER_SETTINGS.contains(&name) || formatting {
            return Ok(());
        }
        Err(Exception::new(
            READONLY,
            "READONLY",
            format_args!("Cannot modify '{name}' setting in readonly mode"),
        ))
    }

    /// GET reads, whoever asks.
    pub(crate) fn check_get(sql: &str) -> Result<(), Exception> {
        if reads(&tokens(sql)) {
            Ok(())
        } else {
            Err(Exception::new(
                READONLY,
                "READONLY",
                "Cannot execute query in readonly mode",
            ))
        }
    }

    /// Refuses what reaches out of the data directory, and what ends a reader's lock.
    pub(crate) fn check_statement(self, sql: &str) -> Result<(), Exception> {
        let tokens = tokens(sql);
        if let Some(what) = ambiguous(sql, &tokens) {
            return Err(denied(format_args!("{what} outside of text is not allowed here")));
        }
        if let Some(word) = outside(&tokens) {
            return Err(denied(format_args!(
                "'{word}' reaches files, programs or the network, which is not allowed here"
            )));
        }
        if self == Self::Reader && !reads(&tokens) {
            return Err(Exception::new(
                READONLY,
                "READONLY",
                "reader: Cannot execute query in readonly mode",
            ));
        }
        Ok(())
    }
}

fn denied(message: std::fmt::Arguments<'_>) -> Exception {
    Exception::new(ACCESS_DENIED, "ACCESS_DENIED", message)
}

/// A reader's statements begin with one of these and are one.
fn reads(tokens: &[Token<'_>]) -> bool {
    let first = tokens.iter().find(|token| token.text != "(");
    let reading = ["select", "with", "show", "describe", "desc", "explain", "exists"];
    let one = tokens
        .iter()
        .rposition(|token| token.text == ";")
        .is_none_or(|at| at + 1 == tokens.len() && tokens.iter().filter(|t| t.text == ";").count() == 1);
    let writes = tokens.iter().any(|token| token.is("insert"));
    one && !writes && first.is_some_and(|token| reading.iter().any(|word| token.is(word)))
}

/// What ClickHouse's own reader may take for something else than ours does: other blanks, other quotes, escaped names.
/// Nothing is allowed that the two could read differently.
fn ambiguous(sql: &str, tokens: &[Token<'_>]) -> Option<&'static str> {
    if sql
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Some("a control character");
    }
    let named = |token: &&Token<'_>| token.kind != Kind::Text;
    if tokens.iter().filter(named).any(|token| !token.text.is_ascii()) {
        return Some("a character beyond ASCII");
    }
    let escaped = |token: &Token<'_>| token.kind == Kind::QuotedName && token.text.contains('\\');
    tokens.iter().any(escaped).then_some("an escaped name")
}

/// Whether a token names a file where a table is expected: the engine would open it.
fn is_file(tokens: &[Token<'_>], index: usize) -> bool {
    let token = &tokens[index];
    let table = index > 0
        && ["from", "join", "table", "describe", "desc", "into"]
            .iter()
            .any(|word| tokens[index - 1].is(word));
    match token.kind {
        Kind::Text => table,
        Kind::QuotedName => token.text.contains('/') || table && token.text.contains('.'),
        _ => false,
    }
}

/// Settings whose value is a file or an address.
fn reaches_out(setting: &str) -> bool {
    [
        "format_template",
        "format_schema",
        "format_avro",
        "format_protobuf",
    ]
    .iter()
    .any(|start| setting.starts_with(start))
}

/// The first word that leaves the data directory.
fn outside<'a>(tokens: &[Token<'a>]) -> Option<&'a str> {
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        if token.is("outfile") || token.is("infile") {
            return Some(token.text);
        }
        if is_file(tokens, index) || reaches_out(&token.text.to_ascii_lowercase()) {
            return Some(token.text);
        }
        let Some(name) = token.name() else { continue };
        let called = next.is_some_and(|next| next.text == "(");
        let engine = index >= 2 && tokens[index - 1].text == "=" && (tokens[index - 2].is("engine"))
            || index >= 1 && tokens[index - 1].is("engine");
        let source = token.is("source") && called;
        let lowered = name.to_ascii_lowercase();
        if (called || engine) && OUTSIDE.contains(&lowered.as_str()) || source {
            return Some(token.text);
        }
        let disk =
            token.is("disk") && next.is_some_and(|next| next.text == "=") || token.is("disk") && called;
        let function = token.is("function")
            && index >= 1
            && (tokens[index - 1].is("create") || tokens[index - 1].is("replace"));
        let program = ["dictionary", "user", "collection", "quota", "role", "policy"]
            .iter()
            .any(|word| token.is(word))
            && index >= 1
            && (tokens[index - 1].is("create")
                || tokens[index - 1].is("replace")
                || tokens[index - 1].is("named"));
        if disk || function || program {
            return Some(token.text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_directory_is_refused_for_everybody() {
        for sql in [
            "SELECT * FROM file('/etc/passwd', 'LineAsString')",
            "SELECT * FROM/**/FILE/* */('/etc/passwd')",
            "SELECT * FROM `file`('/etc/passwd')",
            "SELECT * FROM \"url\"('http://x')",
            "SELECT (SELECT count() FROM (SELECT * FROM s3('http://x')))",
            "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
            "CREATE TABLE t (a Int) ENGINE = URL('http://x')",
            "CREATE TABLE t (a Int) ENGINE File(CSV)",
            "CREATE TABLE t (a Int) ENGINE = MySQL('h', 'd', 't', 'u', 'p')",
            "CREATE DICTIONARY d (a Int) PRIMARY KEY a SOURCE(HTTP(URL 'http://x'))",
            "SELECT file\u{b}('/p')",
            "SELECT file\u{a0}('/p')",
            "SELECT `fil\\x65`('/p')",
            "SELECT \u{2018}'\u{2019}, file('/p') --'",
            "SELECT \u{2018}'\u{2019} INTO OUTFILE '/p' --'",
            "DESCRIBE TABLE url\u{b}('http://x')",
            "SELECT * FROM `/etc/passwd`",
            "SELECT * FROM default.`/etc/passwd`",
            "SELECT * FROM '/p/x.csv'",
            "SELECT * FROM `x.csv`",
            "CREATE DATABASE x ENGINE = Filesystem('/p')",
            "SELECT * FROM paimonS3Cluster('c', 'http://x')",
            "SELECT 1 SETTINGS format_template_resultset = '/p'",
            "SELECT * FROM executable('x', 'TSV', 'a Int')",
            "CREATE TABLE t (a Int) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'web')",
        ] {
            assert!(User::Default.check_statement(sql).is_err(), "{sql}");
            assert!(User::Reader.check_statement(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn words_in_text_and_comments_are_no_calls() {
        for sql in [
            "SELECT 'file(x)'",
            "SELECT 1 -- url(",
            "SELECT file FROM t",
            "SELECT 1 AS url",
        ] {
            assert_eq!(User::Reader.check_statement(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn a_reader_reads_one_statement() {
        for sql in [
            "INSERT INTO t VALUES (1)",
            "DROP TABLE t",
            "SET readonly = 0",
            "SELECT 1; DROP TABLE t",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT 1",
            "KILL QUERY WHERE 1",
            "SYSTEM SHUTDOWN",
            "",
            "USE x",
        ] {
            assert!(User::Reader.check_statement(sql).is_err(), "{sql}");
        }
        for sql in [
            "SELECT 1;",
            "(SELECT 1)",
            "SHOW TABLES",
            "EXPLAIN SELECT 1",
            "DESCRIBE TABLE t",
            "WITH 1 AS x SELECT x",
        ] {
            assert_eq!(User::Reader.check_statement(sql), Ok(()), "{sql}");
        }
        assert!(
            User::Reader.check_setting("readonly").is_err()
                && User::Reader.check_setting("max_memory_usage").is_err()
                && User::Reader.check_setting("format_template_resultset").is_err()
        );
        assert!(User::Reader.check_setting("max_execution_time").is_ok());
    }

    #[test]
    fn only_known_users_enter() {
        assert!(User::authenticate("reader", "wrong").is_err() && User::authenticate("admin", "").is_err());
        assert_eq!(User::authenticate("", "").unwrap(), User::Default);
    }
}
