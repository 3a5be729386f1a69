//! Request bodies: read for a statement, then handed to the blocking thread that inserts the rest.
//!
//! In: a plain body, or for an insert's data one in ClickHouse's blocks. Out: pieces. A client that is silent for too long
//! is taken for gone, as ClickHouse does: its statement would keep its place for ever.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    blocks::{BlockReader, MAX_BLOCK},
    exception::{Exception, INCORRECT_DATA},
};

/// Pieces on their way; few, since each may be as large as a socket read.
const WAITING: usize = 8;
/// Bytes that are handed on at once.
const TOGETHER: usize = 1 << 20;
/// Bytes of a short body.
const SHORT: u64 = 1 << 20;
/// ClickHouse waits for half of that.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);

/// Returns the next piece of a body, which may be empty; `None` at its end.
pub(crate) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Exception> {
    loop {
        let frame = timeout(LONGEST_SILENCE, body.frame())
            .await
            .map_err(|_| incorrect("the client was silent for a minute within its request"))?;
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                return Err(incorrect(format_args!("the body cannot be read: {error}")));
            }
            None => return Ok(None),
        }
    }
}

/// Makes an insert's data of `first`, which was read already, and of what is left in `body`, which may come in
/// ClickHouse's blocks. A short body is read to its end: it delays no insert, and the engine gets it in one piece.
pub(crate) async fn insert_data(first: Vec<u8>, mut body: Body, in_blocks: bool) -> InsertData {
    let (sender, rest) = mpsc::channel(WAITING);
    if body.size_hint().exact().is_some_and(|bytes| bytes <= SHORT) {
        let whole = timeout(LONGEST_SILENCE, axum::body::to_bytes(body, SHORT as usize)).await;
        let _ = sender.try_send(whole.map_or(Err(cut_off()), |whole| whole.map_err(|_| cut_off())));
    } else {
        tokio::spawn(async move {
            loop {
                let piece = next_piece(&mut body).await.transpose();
                let Some(piece) = piece else { return };
                let broken = piece.is_err();
                if sender.send(piece).await.is_err() || broken {
                    return;
                }
            }
        });
    }
    InsertData {
        first: Some(first.into()),
        rest: Some(rest),
        blocks: in_blocks.then(|| BlockReader::new(MAX_BLOCK)),
    }
}

/// The data of an insert, read on a blocking thread.
pub(crate) struct InsertData {
    first: Option<Bytes>,
    rest: Option<mpsc::Receiver<Result<Bytes, Exception>>>,
    blocks: Option<BlockReader>,
}

impl InsertData {
    /// Makes data of bytes that are all there.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            first: Some(bytes.into()),
            rest: None,
            blocks: None,
        }
    }

    /// Returns the next piece, decompressed; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        let Some(piece) = self.piece(true)? else {
            return Ok(None);
        };
        let Some(next) = self.piece(false)? else {
            return Ok(Some(piece));
        };
        // What has arrived goes along, since each piece has a price in the engine.
        let mut together = piece.to_vec();
        together.extend(next);
        while together.len() < TOGETHER
            && let Some(next) = self.piece(false)?
        {
            together.extend(next);
        }
        Ok(Some(together.into()))
    }

    /// Returns the next plain piece; `None` at the end, and without `wait` where none has arrived.
    fn piece(&mut self, wait: bool) -> Result<Option<Bytes>, Exception> {
        let Some(rest) = &mut self.rest else {
            return Ok(None);
        };
        loop {
            if let Some(blocks) = &mut self.blocks
                && let Some(plain) = blocks.next_block()?
            {
                return Ok(Some(plain.into()));
            }
            let received = if wait {
                rest.blocking_recv()
            } else {
                rest.try_recv().ok()
            };
            match (received.transpose()?, &mut self.blocks) {
                (Some(piece), Some(blocks)) => blocks.feed(&piece),
                (Some(piece), None) => return Ok(Some(piece)),
                (None, Some(blocks)) if wait => return blocks.finish().map(|()| None),
                (None, _) => return Ok(None),
            }
        }
    }
}

fn incorrect(what: impl std::fmt::Display) -> Exception {
    Exception::new(INCORRECT_DATA, "INCORRECT_DATA", what)
}

fn cut_off() -> Exception {
    incorrect("the client ended the connection within the data")
}
