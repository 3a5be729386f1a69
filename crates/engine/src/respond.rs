//! Answers: headers as ClickHouse's server sends them, bodies as they come, and errors that end a stream visibly.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::sync::{mpsc, oneshot};

use crate::{exception::Exception, ffi::Counters, format::content_type, lz4, query::Sink, request::Ask};

/// Marks where data ends and an error begins; sixteen letters that data will not hold by chance.
const TAG: &str = "casementexceptio";

const TRAILER_LEAVES: std::time::Duration = std::time::Duration::from_millis(100);

type Piece = Result<Bytes, std::io::Error>;

/// The head of an answer, decided before its first piece.
pub(crate) struct Head {
    pub(crate) format: String,
    pub(crate) counters: Option<Counters>,
}

/// The blocking side of an answer.
pub(crate) struct Answer {
    head: Option<oneshot::Sender<Result<Head, Exception>>>,
    pieces: mpsc::Sender<Piece>,
    encoding: Encoding,
}

enum Encoding {
    Plain,
    Blocks,
    Frames(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
}

impl Answer {
    pub(crate) fn new(
        ask: &Ask,
        head: oneshot::Sender<Result<Head, Exception>>,
        pieces: mpsc::Sender<Piece>,
    ) -> Self {
        let encoding = if ask.compress {
            Encoding::Blocks
        } else if ask.lz4_frames {
            Encoding::Frames(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new())))
        } else {
            Encoding::Plain
        };
        Self {
            head: Some(head),
            pieces,
            encoding,
        }
    }

    fn encode(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        use std::io::Write as _;
        match &mut self.encoding {
            Encoding::Plain => bytes,
            Encoding::Blocks => lz4::compress(&bytes),
            Encoding::Frames(encoder) => {
                encoder
                    .write_all(&bytes)
                    .and_then(|()| encoder.flush())
                    .expect("writing to memory cannot fail");
                std::mem::take(encoder.get_mut())
            }
        }
    }

    /// Ends the answer: with an error status while nothing was sent, with a marked text and a broken stream after that.
    pub(crate) fn end(mut self, outcome: Result<(), Exception>) {
        match (outcome, self.head.take()) {
            (Ok(()), None) => {
                if let Encoding::Frames(encoder) = std::mem::replace(&mut self.encoding, Encoding::Plain)
                    && let Ok(end) = encoder.finish()
                {
                    let _ = self.pieces.blocking_send(Ok(end.into()));
                }
            }
            (Ok(()), Some(head)) => drop(head.send(Ok(Head {
                format: String::new(),
                counters: None,
            }))),
            (Err(error), Some(head)) => drop(head.send(Err(error))),
            (Err(error), None) => {
                let text = format!("{error}\n");
                let trailer = format!(
                    "\r\n__exception__\r\n{TAG}\r\n{text}{} {TAG}\r\n__exception__\r\n",
                    text.len()
                );
                let trailer = self.encode(trailer.into_bytes());
                let _ = self.pieces.blocking_send(Ok(trailer.into()));
                // A body that fails takes with it what is not yet on the wire.
                std::thread::sleep(TRAILER_LEAVES);
                let _ = self
                    .pieces
                    .blocking_send(Err(std::io::Error::other("the query failed")));
            }
        }
    }
}

impl Sink for Answer {
    fn begin(&mut self, format: &str, counters: Option<Counters>) -> bool {
        let head = Head {
            format: format.to_owned(),
            counters,
        };
        self.head
            .take()
            .is_some_and(|sender| sender.send(Ok(head)).is_ok())
    }

    fn piece(&mut self, bytes: Vec<u8>) -> bool {
        let bytes = self.encode(bytes);
        self.pieces.blocking_send(Ok(bytes.into())).is_ok()
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

/// A whole answer from its head and its pieces.
pub(crate) fn success(ask: &Ask, head: &Head, pieces: mpsc::Receiver<Piece>) -> Response {
    let stream = futures_util::stream::unfold(pieces, async |mut pieces| {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    common(headers, &ask.query_id);
    set(headers, "x-clickhouse-exception-tag", TAG);
    let counters = head.counters.unwrap_or_default();
    let summary = format!(
        r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"0","written_bytes":"0","total_rows_to_read":"0","result_rows":"0","result_bytes":"0","elapsed_ns":"0"}}"#,
        counters.rows, counters.bytes
    );
    set(headers, "x-clickhouse-summary", &summary);
    if !head.format.is_empty() {
        set(headers, "x-clickhouse-format", &head.format);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(&head.format)),
        );
    }
    if ask.lz4_frames && !ask.compress {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("lz4"));
    }
    response
}

/// An error as ClickHouse's server answers it.
pub(crate) fn failure(error: &Exception, query_id: &str) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, format!("{error}\n")).into_response();
    let headers = response.headers_mut();
    common(headers, query_id);
    set(headers, "x-clickhouse-exception-code", &error.code.to_string());
    response
}
