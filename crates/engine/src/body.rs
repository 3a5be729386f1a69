//! Request bodies: read for a statement, then handed to the blocking thread that inserts the rest.

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use crate::{
    blocks::BlockReader,
    exception::{Exception, INCORRECT_DATA},
};

/// Pieces on their way; few, since each may be as large as a socket read.
const WAITING: usize = 8;
/// Bytes that are handed on at once.
const TOGETHER: usize = 1 << 20;
/// Bytes of a short body.
const SHORT: u64 = 1 << 20;

/// A body, decompressed as it is read.
pub(crate) struct BodyReader {
    body: Body,
    blocks: Option<BlockReader>,
}

impl BodyReader {
    /// `decompress`: the body comes in ClickHouse's compressed blocks.
    pub(crate) fn new(body: Body, decompress: bool) -> Self {
        Self {
            body,
            blocks: decompress.then(BlockReader::default),
        }
    }

    /// Returns the next piece, which may be empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|_| incorrect("the body cannot be read"))?;
            if let Ok(data) = frame.into_data() {
                return decompressed(self.blocks.as_mut(), data).map(Some);
            }
        }
        self.blocks.as_ref().map_or(Ok(()), BlockReader::finish)?;
        Ok(None)
    }

    /// Makes an insert's data of `first`, which was read already, and of what is left. A short body is read to its
    /// end: it delays no insert, and the engine gets it in one piece.
    pub(crate) async fn into_data(self, first: Vec<u8>) -> InsertData {
        let Self { mut body, blocks } = self;
        let (sender, rest) = mpsc::channel(WAITING);
        if body.size_hint().exact().is_some_and(|bytes| bytes <= SHORT) {
            let whole = axum::body::to_bytes(body, SHORT as usize).await;
            let _ = sender.try_send(whole.map_err(|_| cut_off()));
        } else {
            tokio::spawn(async move {
                while let Some(frame) = body.frame().await {
                    let piece = match frame {
                        Ok(frame) => frame.into_data().map_err(drop).ok().map(Ok),
                        Err(_) => Some(Err(cut_off())),
                    };
                    let Some(piece) = piece else { continue };
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
            blocks,
        }
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
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
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
        let Some(rest) = &mut self.rest else {
            return Ok(None);
        };
        let Some(piece) = rest.blocking_recv() else {
            self.blocks.as_ref().map_or(Ok(()), BlockReader::finish)?;
            return Ok(None);
        };
        let piece = decompressed(self.blocks.as_mut(), piece?)?;
        let Ok(next) = rest.try_recv() else {
            return Ok(Some(piece));
        };
        // What has arrived goes along, since each piece has a price in the engine.
        let mut together = piece.to_vec();
        together.extend(decompressed(self.blocks.as_mut(), next?)?);
        while together.len() < TOGETHER
            && let Ok(next) = rest.try_recv()
        {
            together.extend(decompressed(self.blocks.as_mut(), next?)?);
        }
        Ok(Some(together.into()))
    }
}

fn decompressed(blocks: Option<&mut BlockReader>, piece: Bytes) -> Result<Bytes, Exception> {
    match blocks {
        Some(blocks) => blocks.push(&piece).map(Bytes::from),
        None => Ok(piece),
    }
}

fn incorrect(what: &str) -> Exception {
    Exception::new(INCORRECT_DATA, "INCORRECT_DATA", what)
}

fn cut_off() -> Exception {
    incorrect("the client ended the connection within the data")
}
