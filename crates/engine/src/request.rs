//! An HTTP request as ClickHouse means it: user, database, settings, parameters, and how statement and answer travel.
//!
//! In: URL, headers, multipart form. Out: a [`QueryRequest`]. The statement is not looked at here.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use uuid::Uuid;

use crate::{
    encoding::{Encoding, is_true},
    exception::{Exception, READONLY, UNKNOWN_FORMAT},
    ffi::Parameter,
    settings::{Setting, check_name},
    users::User,
};

/// Parameters of the endpoint. All others are settings of the engine.
const ENDPOINT: &[&str] = &[
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

/// A client's request, before its statement is parsed.
#[derive(Debug)]
pub(crate) struct QueryRequest {
    pub(crate) user: User,
    /// The statement, or its beginning, where the URL holds it.
    pub(crate) url_query: String,
    pub(crate) query_id: String,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) session: Option<SessionRequest>,
    pub(crate) protocol: u32,
    /// The body comes in ClickHouse's compressed blocks.
    pub(crate) decompress: bool,
    /// How the answer goes out.
    pub(crate) encoding: Encoding,
    /// The client asks for a statement that only reads.
    pub(crate) only_reads: bool,
    /// The answer is held until the statement has ended, so that its status tells how it ended.
    pub(crate) wait_end_of_query: bool,
}

/// A session that outlives the request.
#[derive(Debug)]
pub(crate) struct SessionRequest {
    pub(crate) id: String,
    pub(crate) timeout_s: u64,
    pub(crate) must_exist: bool,
}

impl QueryRequest {
    /// Reads the parameters (later ones win) and the headers of a user's request.
    pub(crate) fn new(
        user: User,
        given: Vec<(String, String)>,
        headers: &HeaderMap,
    ) -> Result<Self, Exception> {
        let encoding = Encoding::requested(&given, headers);
        let mut url: HashMap<String, String> = HashMap::new();
        let mut settings = Vec::new();
        let mut parameters = Vec::new();
        for (name, value) in given {
            if name.is_empty() {
                // `?&a=1`, as ClickHouse has it.
            } else if let Some(parameter) = name.strip_prefix("param_") {
                parameters.push((parameter.to_owned(), value));
            } else if ENDPOINT.contains(&name.as_str()) {
                url.insert(name, value);
            } else {
                settings.push((name, value));
            }
        }
        let url_query = url.remove("query").unwrap_or_default();
        let flag = |name: &str| url.get(name).is_some_and(|value| is_true(value));
        let session = url
            .get("session_id")
            .filter(|id| !id.is_empty())
            .map(|id| SessionRequest {
                id: id.clone(),
                timeout_s: url
                    .get("session_timeout")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(60)
                    .min(3600),
                must_exist: flag("session_check"),
            });
        for (name, value) in &settings {
            // Nobody is freed by it, and nobody who asks for less is refused.
            let only_reads = name == "readonly" && (value == "1" || value == "2" && user == User::Default);
            if name == "readonly" && user == User::Default && !only_reads {
                return Err(Exception::new(READONLY, "READONLY", "'readonly' is 1 or 2 here"));
            }
            if !only_reads {
                check_name(user, name)?;
            }
        }
        let default_format = url
            .get("default_format")
            .cloned()
            .or_else(|| text_of(headers, "x-clickhouse-format"));
        if let Some(format) = default_format.as_ref().filter(|format| !is_word(format)) {
            return Err(Exception::new(
                UNKNOWN_FORMAT,
                "UNKNOWN_FORMAT",
                format_args!("Unknown format {format}"),
            ));
        }
        Ok(Self {
            user,
            url_query,
            query_id: url
                .get("query_id")
                .filter(|id| !id.is_empty())
                .cloned()
                .unwrap_or_else(|| Uuid::new_v4().to_string()),
            database: url
                .get("database")
                .or_else(|| url.get("default_database"))
                .filter(|d| !d.is_empty())
                .cloned()
                .or_else(|| text_of(headers, "x-clickhouse-database")),
            default_format,
            only_reads: settings
                .iter()
                .any(|(name, value)| name == "readonly" && value != "0"),
            settings,
            parameters,
            session,
            protocol: url
                .get("client_protocol_version")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            decompress: flag("decompress"),
            encoding,
            wait_end_of_query: flag("wait_end_of_query"),
        })
    }
}

/// Whether a format's name is a word, and so no SQL.
fn is_word(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns the name and the password that headers or URL give, in this order.
pub(crate) fn credentials(url: &[(String, String)], headers: &HeaderMap) -> (String, String) {
    if let Some(user) = text_of(headers, "x-clickhouse-user") {
        return (user, text_of(headers, "x-clickhouse-key").unwrap_or_default());
    }
    let authorization = text_of(headers, header::AUTHORIZATION.as_str());
    if let Some(encoded) = authorization
        .as_deref()
        .and_then(|value| value.strip_prefix("Basic "))
    {
        let decoded = base64_simd::STANDARD
            .decode_to_vec(encoded.trim())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&decoded);
        let (user, password) = text.split_once(':').unwrap_or((&text, ""));
        return (user.to_owned(), password.to_owned());
    }
    let of = |name: &str| {
        let last = url.iter().rfind(|(given, _)| given == name);
        last.map_or_else(String::new, |(_, value)| value.clone())
    };
    (of("user"), of("password"))
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Makes the request of a URL that holds only a statement.
    pub(crate) fn url_request(query: &str) -> QueryRequest {
        let given = vec![("query".to_owned(), query.to_owned())];
        QueryRequest::new(User::Default, given, &HeaderMap::new()).unwrap()
    }

    #[test]
    fn a_request_has_an_id_and_only_the_engines_settings() {
        let request = url_request("SELECT 1");
        assert_eq!(request.query_id.len(), 36);
        assert_ne!(request.query_id, url_request("SELECT 1").query_id);
        assert!(request.settings.is_empty() && request.parameters.is_empty());
    }
}
