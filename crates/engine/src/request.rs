//! An HTTP request as ClickHouse means it: user, database, settings, parameters, and the statement with its data.
//!
//! In: URL, headers, multipart form. Out: an [`Ask`]. Nothing is executed here.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

use crate::{
    compression::Coding,
    exception::{BAD_ARGUMENTS, Exception},
    ffi::Parameter,
    users::{User, Users},
};

/// Names in the URL that steer the endpoint and are no settings of the engine.
const OURS: &[&str] = &[
    "query",
    "database",
    "default_database",
    "user",
    "password",
    "default_format",
    "session_id",
    "session_timeout",
    "session_check",
    "query_id",
    "compress",
    "decompress",
    "quota_key",
    "stacktrace",
    "role",
    "client_protocol_version",
    "wait_end_of_query",
    "buffer_size",
    "enable_http_compression",
    "http_zlib_compression_level",
    "send_progress_in_http_headers",
    "close_session",
    "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
    "http_write_exception_in_output_format",
    "async_insert",
    "wait_for_async_insert",
    "param",
];

/// What a client asks, before the statement is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) user: User,
    pub(crate) query: String,
    pub(crate) query_id: String,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) session: Option<SessionAsk>,
    pub(crate) protocol: u32,
    /// The body comes in ClickHouse's compressed blocks.
    pub(crate) decompress: bool,
    /// The answer goes out in ClickHouse's compressed blocks.
    pub(crate) compress: bool,
    /// The answer goes out in this coding, by `Accept-Encoding`.
    pub(crate) coding: Option<Coding>,
    /// The answer is held until the statement has ended, so that its status tells how it ended.
    pub(crate) wait_end_of_query: bool,
}

/// A session that outlives the request.
#[derive(Debug, Clone)]
pub(crate) struct SessionAsk {
    pub(crate) id: String,
    pub(crate) timeout_s: u64,
    pub(crate) must_exist: bool,
}

impl Ask {
    /// Reads the URL's pairs (later ones win) and the headers.
    pub(crate) fn new(
        pairs: Vec<(String, String)>,
        headers: &HeaderMap,
        users: &Users,
    ) -> Result<Self, Exception> {
        let mut url: HashMap<String, String> = HashMap::new();
        let mut settings = Vec::new();
        let mut parameters = Vec::new();
        for (name, value) in pairs {
            if let Some(parameter) = name.strip_prefix("param_") {
                parameters.push((parameter.to_owned(), value));
            } else if OURS.contains(&name.as_str()) {
                url.insert(name, value);
            } else {
                settings.push((name, value));
            }
        }
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (name, password) = credentials(&url, headers, &header);
        let user = users.authenticate(&name, &password)?;
        let flag = |name: &str| url.get(name).is_some_and(|value| value == "1" || value == "true");
        let session = url
            .get("session_id")
            .filter(|id| !id.is_empty())
            .map(|id| SessionAsk {
                id: id.clone(),
                timeout_s: url
                    .get("session_timeout")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(60)
                    .min(3600),
                must_exist: flag("session_check"),
            });
        let accepts = header("accept-encoding").unwrap_or_default();
        let compress = flag("compress");
        let coding = Some(accepts)
            .filter(|_| flag("enable_http_compression") && !compress)
            .and_then(|accepts| Coding::accepted(&accepts));
        for (name, _) in &settings {
            if !is_name(name) {
                return Err(Exception::new(
                    BAD_ARGUMENTS,
                    "BAD_ARGUMENTS",
                    format_args!("'{name}' is no setting"),
                ));
            }
            user.check_setting(name)?;
        }
        Ok(Self {
            user,
            query: url.get("query").cloned().unwrap_or_default(),
            query_id: url
                .get("query_id")
                .filter(|id| !id.is_empty())
                .cloned()
                .unwrap_or_else(new_query_id),
            database: url
                .get("database")
                .or_else(|| url.get("default_database"))
                .filter(|d| !d.is_empty())
                .cloned()
                .or_else(|| header("x-clickhouse-database")),
            default_format: url
                .get("default_format")
                .cloned()
                .or_else(|| header("x-clickhouse-format")),
            settings,
            parameters,
            session,
            protocol: url
                .get("client_protocol_version")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            decompress: flag("decompress"),
            compress,
            coding,
            wait_end_of_query: flag("wait_end_of_query"),
        })
    }
}

fn credentials(
    url: &HashMap<String, String>,
    headers: &HeaderMap,
    header: &impl Fn(&str) -> Option<String>,
) -> (String, String) {
    if let Some(user) = header("x-clickhouse-user") {
        return (user, header("x-clickhouse-key").unwrap_or_default());
    }
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "));
    if let Some(encoded) = basic {
        let decoded = base64_simd::STANDARD
            .decode_to_vec(encoded.trim())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&decoded).into_owned();
        let (user, password) = text.split_once(':').unwrap_or((&text, ""));
        return (user.to_owned(), password.to_owned());
    }
    let of = |name: &str| url.get(name).cloned().unwrap_or_default();
    (of("user"), of("password"))
}

/// Whether `name` can stand in `SET name = …`.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// `text` as an SQL string.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// `text` as an SQL name.
pub(crate) fn quote_name(text: &str) -> String {
    format!("`{}`", text.replace('\\', "\\\\").replace('`', "\\`"))
}

fn new_query_id() -> String {
    use std::{
        collections::hash_map::RandomState,
        hash::{BuildHasher as _, Hasher as _},
    };
    // RandomState is seeded by the system for each instance: unique is all an id has to be.
    let part = || RandomState::new().build_hasher().finish();
    let (a, b) = (part(), part());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
