//! Request bodies: pieces as they arrive, from the async side to the blocking thread that inserts them.

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;

use crate::{
    blocks::BlockReader,
    exception::{Exception, INCORRECT_DATA},
};

/// Pieces on their way; few, since each may be as large as a socket read.
const WAITING: usize = 8;
/// Bytes that are given on at once.
const TOGETHER: usize = 1 << 20;
/// SQL without data is never larger.
/// Bytes of a short body.
const SHORT: u64 = 1 << 20;
const MAX_SQL: usize = 16 << 20;

/// What is left of a body, readable from a blocking thread.
pub(crate) struct Pieces {
    first: Option<Vec<u8>>,
    rest: mpsc::Receiver<Result<Bytes, Exception>>,
    blocks: Option<BlockReader>,
}

impl Pieces {
    /// `first` was read already, in plain; the rest follows. A body of a known and moderate length is waited for: it holds
    /// up no insert, and the engine gets it in one piece.
    pub(crate) async fn new(first: Vec<u8>, mut body: Option<Body>, decompress: bool) -> Self {
        let (sender, rest) = mpsc::channel(WAITING);
        let is_short = |body: &mut Body| body.size_hint().exact().is_some_and(|bytes| bytes <= SHORT);
        if let Some(body) = body.take_if(is_short) {
            let whole = axum::body::to_bytes(body, SHORT as usize).await;
            let _ = sender.try_send(whole.map_err(|_| cut_off()));
        } else if let Some(mut body) = body {
            tokio::spawn(async move {
                while let Some(frame) = body.frame().await {
                    let piece = match frame {
                        Ok(frame) => frame.into_data().map_err(|_| ()).ok().map(Ok),
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
        Self {
            first: Some(first),
            rest,
            blocks: decompress.then(BlockReader::default),
        }
    }

    /// The next piece in plain; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Exception> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        match self.rest.blocking_recv() {
            None => {
                self.blocks.as_ref().map_or(Ok(()), BlockReader::finish)?;
                Ok(None)
            }
            Some(piece) => {
                let mut plain = self.plain(&piece?)?;
                // What is there already goes along: each piece costs the engine a turn.
                while plain.len() < TOGETHER
                    && let Ok(piece) = self.rest.try_recv()
                {
                    plain.extend(self.plain(&piece?)?);
                }
                Ok(Some(plain))
            }
        }
    }

    fn plain(&mut self, piece: &[u8]) -> Result<Vec<u8>, Exception> {
        match &mut self.blocks {
            Some(blocks) => blocks.push(piece),
            None => Ok(piece.to_vec()),
        }
    }
}

fn cut_off() -> Exception {
    Exception::new(
        INCORRECT_DATA,
        "INCORRECT_DATA",
        "the client ended the connection within the data",
    )
}

/// Reads a body that holds SQL, or the beginning of an insert: until `enough` says so, or to its end.
pub(crate) async fn read_sql(
    body: &mut Body,
    decompress: bool,
    enough: impl Fn(&[u8]) -> bool,
) -> Result<(Vec<u8>, bool, Option<BlockReader>), Exception> {
    let mut blocks = decompress.then(BlockReader::default);
    let mut sql = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Exception::new(INCORRECT_DATA, "INCORRECT_DATA", "the body cannot be read"))?;
        let Ok(data) = frame.into_data() else { continue };
        match &mut blocks {
            Some(blocks) => sql.extend(blocks.push(&data)?),
            None => sql.extend_from_slice(&data),
        }
        if enough(&sql) {
            return Ok((sql, true, blocks));
        }
        if sql.len() > MAX_SQL {
            return Err(Exception::new(
                307,
                "TOO_MANY_BYTES",
                "a statement in the body is larger than 16 MiB; send an insert's statement in the URL",
            ));
        }
    }
    blocks.as_ref().map_or(Ok(()), BlockReader::finish)?;
    Ok((sql, false, None))
}

impl Pieces {
    /// Goes on where [`read_sql`] stopped.
    pub(crate) async fn resume(first: Vec<u8>, body: Option<Body>, blocks: Option<BlockReader>) -> Self {
        Self {
            blocks,
            ..Self::new(first, body, false).await
        }
    }
}
