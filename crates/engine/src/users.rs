//! Who asks, and what each may set: `default` reads and writes, `reader` reads.
//!
//! In: a name and a password. Out: a [`User`], or ClickHouse's 516. Passwords are kept as digests and compared in
//! constant time; where none is set, everybody who reaches the address is let in.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    access::denied,
    allowed::setting_reaches_out,
    exception::{AUTHENTICATION_FAILED, Exception, READONLY},
    options::Limits,
    request::{Ask, quote},
};

/// A password, as its digest: it is never printed and never kept in clear.
#[derive(Clone)]
pub struct Password([u8; 32]);

impl Password {
    /// The digest of a password.
    pub fn new(password: &str) -> Self {
        Self(Sha256::digest(password.as_bytes()).into())
    }

    fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The passwords of the two users; without one, a user needs none.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// Of the one who writes.
    pub default: Option<Password>,
    /// Of the one who reads.
    pub reader: Option<Password>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Reads and writes.
    Default,
    /// Reads.
    Reader,
}

/// Far above the backend's batches, which must stay one block each, and far below the memory.
const INSERT_BLOCK_BYTES: u64 = 64 << 20;

/// What a reader's settings may be: everything that shapes an answer and lifts no limit. Limits only go down, see
/// [`User::settings`].
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

impl Users {
    /// Whether nobody gets in without a password.
    pub fn all_protected(&self) -> bool {
        self.default.is_some() && self.reader.is_some()
    }

    /// The user of that name with that password.
    pub(crate) fn authenticate(&self, name: &str, password: &str) -> Result<User, Exception> {
        let (user, expected) = match name {
            "" | "default" => (Some(User::Default), &self.default),
            "reader" => (Some(User::Reader), &self.reader),
            // As much work for a name that does not exist as for one that does.
            _ => (None, &self.default),
        };
        let open = Password::new("");
        let fits = expected.as_ref().unwrap_or(&open).is(&Password::new(password));
        user.filter(|_| fits).ok_or_else(|| {
            Exception::new(
                AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                format_args!(
                    "{name}: Authentication failed: password is incorrect, or there is no user with such name"
                ),
            )
        })
    }
}

impl User {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Reader => "reader",
        }
    }

    /// Whether this user may use that setting.
    pub(crate) fn check_setting(self, name: &str) -> Result<(), Exception> {
        if setting_reaches_out(name) {
            return Err(denied(format_args!(
                "the setting '{name}' reaches files, programs or the network, which is not allowed here"
            )));
        }
        let formatting = name.starts_with("output_format_") || name.starts_with("format_");
        if self == Self::Default && name != "readonly" || READER_SETTINGS.contains(&name) || formatting {
            return Ok(());
        }
        Err(Exception::new(
            READONLY,
            "READONLY",
            format_args!("Cannot modify '{name}' setting in readonly mode"),
        ))
    }

    /// What a connection is set to for a request, in the order it is to be set: our bounds first, then the client's
    /// wishes, where a reader's only lower the bounds.
    pub(crate) fn settings(self, ask: &Ask, limits: &Limits) -> Vec<String> {
        let seconds = match self {
            Self::Default => limits.query_time,
            Self::Reader => limits.reader_time,
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
        if self == Self::Reader {
            settings.push(format!("max_memory_usage = {}", limits.reader_memory_bytes));
            settings.push(format!("max_result_bytes = {}", limits.reader_result_bytes));
            bounds.push(("max_execution_time", seconds));
            bounds.push(("max_result_bytes", limits.reader_result_bytes as f64));
        }
        // By its connection's comment a query is found again, so a client's own comment gives way.
        for (name, value) in ask.settings.iter().filter(|(name, _)| name != "log_comment") {
            let bound = bounds.iter().find(|(bounded, _)| bounded == name);
            if let Some((_, most)) = bound {
                // 0 would mean no limit.
                let asked = value
                    .parse::<f64>()
                    .ok()
                    .filter(|asked| *asked > 0.0 && asked <= most);
                settings.extend(asked.map(|asked| format!("{name} = {asked}")));
            } else {
                settings.push(format!("{name} = {}", quote(value)));
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_users_enter() {
        let open = Users::default();
        assert!(open.authenticate("reader", "wrong").is_err() && open.authenticate("admin", "").is_err());
        assert_eq!(open.authenticate("", "").unwrap(), User::Default);
        let closed = Users {
            default: Some(Password::new("w")),
            reader: Some(Password::new("r")),
        };
        assert_eq!(closed.authenticate("default", "w").unwrap(), User::Default);
        assert_eq!(closed.authenticate("reader", "r").unwrap(), User::Reader);
        for (name, password) in [
            ("", ""),
            ("default", ""),
            ("default", "r"),
            ("reader", "w"),
            ("reader", "rr"),
            ("admin", "w"),
            ("DEFAULT", "w"),
        ] {
            assert_eq!(
                closed.authenticate(name, password).unwrap_err().code,
                AUTHENTICATION_FAILED,
                "{name}"
            );
        }
        assert!(closed.all_protected() && !open.all_protected());
        assert_eq!(format!("{:?}", closed.default), "Some([redacted])");
    }

    #[test]
    fn a_reader_sets_what_shapes_an_answer() {
        for name in ["readonly", "max_memory_usage", "format_template_resultset"] {
            assert!(User::Reader.check_setting(name).is_err(), "{name}");
        }
        for name in [
            "max_execution_time",
            "additional_table_filters",
            "output_format_json_quote_64bit_integers",
        ] {
            assert!(User::Reader.check_setting(name).is_ok(), "{name}");
        }
        for name in [
            "format_schema",
            "Dialect",
            "input_format_values_interpret_expressions",
        ] {
            assert!(User::Default.check_setting(name).is_err(), "{name}");
        }
    }
}
