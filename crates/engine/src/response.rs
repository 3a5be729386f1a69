//! Responses: ClickHouse's headers, bodies as they come, and errors that end a stream visibly.

use std::{
    io::{Read as _, Seek as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tempfile::{SpooledTempFile, spooled_tempfile_in};
use tokio::sync::{mpsc, oneshot};

use crate::{
    delivery::{self, Delivery, Piece},
    encoding::{Encoding, Pieces},
    exception::{CANNOT_READ, Exception},
    execution::Sink,
    ffi::Counters,
    format::content_type,
    request::QueryRequest,
    running::CancelOnDrop,
};

/// Separates data from an error. Data hold these sixteen letters by no accident.
const TAG: &str = "casementexceptio";
/// An answer up to this is sent at once, with its length, its counters and the right status; a longer one as it comes.
const AT_ONCE: usize = 64 << 10;
/// A held answer beyond this lies in a temporary file.
const HELD_IN_MEMORY: usize = 1 << 20;
const HELD_PIECE: usize = 256 << 10;
const LONGEST_PIECE: usize = 1 << 20;

/// The head of an answer, decided before its first piece.
pub(crate) struct ResponseHead {
    pub(crate) format: String,
    /// What is known by then; for a streamed answer little.
    pub(crate) counters: Option<Counters>,
    pub(crate) elapsed: Duration,
    /// The body, where it is known already.
    whole: Option<Bytes>,
}

/// The blocking side of an answer.
pub(crate) struct ResponseWriter {
    head: Option<oneshot::Sender<Result<ResponseHead, Exception>>>,
    pieces: mpsc::Sender<Piece>,
    encoding: Pieces,
    started: Instant,
    /// The beginning of an answer that may be a short one, with its format.
    begun: Option<(String, Vec<u8>)>,
    /// Where the answer waits for the end of its statement, and its format.
    held: Option<(SpooledTempFile, String)>,
}

impl ResponseWriter {
    pub(crate) fn new(
        request: &QueryRequest,
        temporary: &Path,
        head: oneshot::Sender<Result<ResponseHead, Exception>>,
        pieces: mpsc::Sender<Piece>,
    ) -> Self {
        Self {
            head: Some(head),
            pieces,
            encoding: Pieces::new(request.encoding),
            started: Instant::now(),
            begun: None,
            held: request
                .wait_end_of_query
                .then(|| (spooled_tempfile_in(HELD_IN_MEMORY, temporary), String::new())),
        }
    }

    fn send_head(&mut self, format: &str, counters: Option<Counters>, whole: Option<Bytes>) -> bool {
        let head = ResponseHead {
            format: format.to_owned(),
            counters,
            elapsed: self.started.elapsed(),
            whole,
        };
        self.head
            .take()
            .is_some_and(|sender| sender.send(Ok(head)).is_ok())
    }

    fn send(&mut self, bytes: Vec<u8>) -> bool {
        let mut bytes = Bytes::from(self.encoding.encode(bytes));
        // The channel counts pieces: of long ones it would hold hundreds of megabytes for a slow client.
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(LONGEST_PIECE));
            if self.pieces.blocking_send(Ok(piece)).is_err() {
                return false;
            }
        }
        true
    }

    /// Ends the answer: with an error status while nothing was sent, with a marked text and a broken stream after that.
    pub(crate) fn end(mut self, outcome: Result<Counters, Exception>) {
        let outcome = outcome.and_then(|counters| self.release(counters).map(|()| counters));
        match (outcome, self.head.is_some()) {
            (Ok(counters), unsent) => {
                if let Some((format, bytes)) = self.begun.take() {
                    let mut whole = if bytes.is_empty() {
                        bytes
                    } else {
                        self.encoding.encode(bytes)
                    };
                    whole.extend(self.last_bytes());
                    self.send_head(&format, Some(counters), Some(whole.into()));
                    return;
                }
                let last = self.last_bytes();
                if unsent {
                    self.send_head("", Some(counters), Some(last.into()));
                } else if !last.is_empty() {
                    let _ = self.pieces.blocking_send(Ok(last.into()));
                }
            }
            (Err(error), true) => {
                let head = self.head.take();
                if let Some(head) = head {
                    let _ = head.send(Err(error));
                }
            }
            (Err(error), false) => {
                let text = format!("{error}\n");
                let trailer = format!(
                    "\r\n__exception__\r\n{TAG}\r\n{text}{} {TAG}\r\n__exception__\r\n",
                    text.len()
                );
                self.send(trailer.into_bytes());
                let _ = self
                    .pieces
                    .blocking_send(Err(std::io::Error::other("the query failed")));
            }
        }
    }

    /// Returns the end of a content coding.
    fn last_bytes(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.encoding, Pieces::Plain).finish()
    }

    /// Sends the held answer.
    fn release(&mut self, counters: Counters) -> Result<(), Exception> {
        let Some((mut file, format)) = self.held.take() else {
            return Ok(());
        };
        if format.is_empty() {
            return Ok(());
        }
        let broken = |error: std::io::Error| {
            Exception::new(
                CANNOT_READ,
                "CANNOT_READ_FROM_FILE_DESCRIPTOR",
                format_args!("the held answer cannot be read: {error}"),
            )
        };
        file.rewind().map_err(broken)?;
        if !self.send_head(&format, Some(counters), None) {
            return Ok(());
        }
        loop {
            let mut piece = vec![0; HELD_PIECE];
            let length = file.read(&mut piece).map_err(broken)?;
            piece.truncate(length);
            if length == 0 || !self.send(piece) {
                return Ok(());
            }
        }
    }
}

impl Sink for ResponseWriter {
    fn begin(&mut self, format: &str) -> bool {
        if let Some((_, held)) = &mut self.held {
            format.clone_into(held);
            return true;
        }
        self.begun = Some((format.to_owned(), Vec::new()));
        !self.pieces.is_closed()
    }

    fn piece(&mut self, bytes: Vec<u8>) -> bool {
        if let Some((file, _)) = &mut self.held {
            // A full disk ends the answer as an absent client does. It is reported when the answer is released.
            return !self.pieces.is_closed() && file.write_all(&bytes).is_ok();
        }
        let Some((format, mut begun)) = self.begun.take() else {
            return self.send(bytes);
        };
        begun.extend(bytes);
        if begun.len() > AT_ONCE {
            return self.send_head(&format, None, None) && self.send(begun);
        }
        self.begun = Some((format, begun));
        !self.pieces.is_closed()
    }

    fn is_abandoned(&self) -> bool {
        self.pieces.is_closed()
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn common(headers: &mut HeaderMap, query_id: &str) {
    set(headers, "x-clickhouse-server-display-name", "casement");
    set(headers, "x-clickhouse-query-id", query_id);
    set(headers, "x-clickhouse-timezone", "UTC");
}

fn summary(counters: Counters, elapsed: Duration) -> String {
    format!(
        r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"0","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"}}"#,
        counters.read_rows,
        counters.read_bytes,
        counters.written_rows,
        counters.written_bytes,
        counters.result_rows,
        counters.result_bytes,
        elapsed.as_nanos()
    )
}

/// Returns the response of a head and its pieces.
pub(crate) fn success(
    request: &QueryRequest,
    mut head: ResponseHead,
    pieces: mpsc::Receiver<Piece>,
    delivery: Option<Delivery>,
    cancel: Option<CancelOnDrop>,
) -> Response {
    let mut response = match head.whole.take() {
        Some(whole) => Body::from(whole),
        None => Body::from_stream(delivery::body(pieces, delivery, cancel)),
    }
    .into_response();
    let headers = response.headers_mut();
    common(headers, &request.query_id);
    set(headers, "x-clickhouse-exception-tag", TAG);
    let summary = summary(head.counters.unwrap_or_default(), head.elapsed);
    set(headers, "x-clickhouse-summary", &summary);
    if !head.format.is_empty() {
        set(headers, "x-clickhouse-format", &head.format);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(&head.format)),
        );
    }
    set_coding(headers, request.encoding);
    response
}

fn set_coding(headers: &mut HeaderMap, encoding: Encoding) {
    if let Some(coding) = encoding.coding() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
}

/// Returns the response of an error, as ClickHouse's server has it, in the encoding that the client reads.
pub(crate) fn failure(error: &Exception, query_id: &str, encoding: Encoding) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = encoding.whole(format!("{error}\n").into_bytes());
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    common(headers, query_id);
    set_coding(headers, encoding);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    set(headers, "x-clickhouse-exception-code", &error.code.to_string());
    response
}

/// Returns the answer to OPTIONS. Pages of other sites were refused before, so that no origin but our own is named.
pub(crate) fn options(origin: Option<&HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("POST, GET, OPTIONS");
    headers.insert(header::ALLOW, methods.clone());
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "origin, x-requested-with, x-clickhouse-format, x-clickhouse-user, x-clickhouse-key, Authorization",
        ),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
