//! Request bodies under `Content-Encoding: lz4`: LZ4 frames, decoded on a blocking thread as they arrive.

use std::io::{self, Read};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use crate::exception::Exception;

const WAITING: usize = 4;
const PIECE: usize = 64 << 10;
const NOT_IMPLEMENTED: u32 = 48;

/// The body in plain. Other encodings than LZ4 are refused rather than stored as they are.
pub(crate) fn decoded(headers: &HeaderMap, body: Body) -> Result<Body, Exception> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some("" | "identity") => Ok(body),
        Some("lz4") => Ok(frames(body)),
        Some(other) => Err(Exception::new(
            NOT_IMPLEMENTED,
            "NOT_IMPLEMENTED",
            format_args!("Unsupported Content-Encoding: {other}; lz4 is supported"),
        )),
    }
}

/// Bytes from the async side, for a reader that blocks.
struct Arriving {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.current.split_to(into.len().min(self.current.len()));
        into[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

fn frames(mut body: Body) -> Body {
    let (compressed, pieces) = mpsc::channel(WAITING);
    let (plain, decoded) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::spawn(async move {
        while let Some(frame) = body.frame().await {
            let piece = frame
                .map_err(io::Error::other)
                .map(|frame| frame.into_data().unwrap_or_default());
            let broken = piece.is_err();
            if compressed.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        let mut frames = lz4_flex::frame::FrameDecoder::new(Arriving {
            pieces,
            current: Bytes::new(),
        });
        loop {
            let mut piece = vec![0; PIECE];
            let read = frames.read(&mut piece).map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            let last = read.as_ref().map_or(true, Bytes::is_empty);
            if read.as_ref().is_ok_and(Bytes::is_empty) || plain.blocking_send(read).is_err() || last {
                return;
            }
        }
    });
    Body::from_stream(futures_util::stream::unfold(decoded, async |mut decoded| {
        decoded.recv().await.map(|piece| (piece, decoded))
    }))
}
