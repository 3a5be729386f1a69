//! The running service's door for backups: a socket in the data directory, which only its owner may enter.
//!
//! In: a request, with what ClickHouse has to know of an earlier backup. Out: steps, then a snapshot in staging, which stays
//! there until the one who asked closes the connection. Who can open the socket can read every file of the installation
//! anyway, so it asks for no password.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{fd::AsRawFd as _, unix::fs::PermissionsExt as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{BaseIndex, Progress, Snapshot, manifest, source::Source, tree};

/// The form of requests and answers.
pub(super) const FORM: u32 = 1;
/// The longest first line of a request.
const LONGEST_LINE: u64 = 4 << 10;
/// The largest index of an earlier backup.
const LARGEST_INDEX: u64 = 256 << 20;
const REQUEST_WITHIN: Duration = Duration::from_mins(1);
const CONNECTIONS: usize = 8;

/// The first line of a request; the bytes of the index follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) form: u32,
    pub(super) base: Option<RequestedBase>,
    /// Bytes that a full backup may have where it goes, if that is another disk.
    #[serde(default)]
    pub(super) room: Option<u64>,
}

/// The earlier backup that the new one adds to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RequestedBase {
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Step(String),
    Snapshot(Box<Snapshot>),
    Error(String),
}

/// The path by which a socket is reached: those of sockets may have 107 bytes, and data directories may have longer ones.
pub(super) fn short(socket: &Path) -> io::Result<(File, String)> {
    let dir = File::open(tree::parent(socket))?;
    let name = socket.file_name().unwrap_or_default().to_string_lossy();
    let path = format!("/proc/self/fd/{}/{name}", dir.as_raw_fd());
    Ok((dir, path))
}

/// Opens the door at `socket`. The journal's lock says that nobody else does.
pub(crate) fn open(socket: &Path) -> io::Result<UnixListener> {
    tree::remove(socket)?;
    let (_dir, path) = short(socket)?;
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// What the door offers.
#[derive(Clone)]
pub(crate) enum Offer {
    /// Snapshots.
    Snapshots(Arc<Source>),
    /// Why there are none.
    Refusal(Arc<str>),
}

/// Answers until `stopping`.
pub(crate) async fn serve(listener: UnixListener, offer: Offer, stopping: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        let connection = match accepted {
            Ok((connection, _)) => connection,
            Err(error) => {
                warn!("the door for backups takes no connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (offer, stopping) = (offer.clone(), stopping.clone());
        tokio::spawn(async move {
            let answered = stopping.run_until_cancelled(answer(connection, &offer)).await;
            if let Some(Err(error)) = answered {
                warn!("a backup was not taken: {error:#}");
            }
            drop(place);
        });
    }
}

async fn answer(connection: UnixStream, offer: &Offer) -> anyhow::Result<()> {
    let (reading, mut writing) = connection.into_split();
    let source = match offer {
        Offer::Snapshots(source) => source,
        Offer::Refusal(reason) => {
            return Ok(write(&mut writing, &Line::Error(reason.to_string())).await?);
        }
    };
    let mut reading = BufReader::new(reading);
    let (base, room) = timeout(REQUEST_WITHIN, request(&mut reading))
        .await
        .context("no request came")??;
    let (steps, mut told) = mpsc::unbounded_channel();
    let progress = Progress::to(move |step| drop(steps.send(step.to_owned())));
    let telling = async {
        // Who has gone hears nothing; the snapshot is finished and discarded all the same.
        while let Some(step) = told.recv().await {
            let _ = write(&mut writing, &Line::Step(step)).await;
        }
        writing
    };
    let taking = async move { source.take(base, room, &progress).await };
    let (taken, mut writing) = tokio::join!(taking, telling);
    match taken {
        Ok(taken) => {
            let line = Line::Snapshot(Box::new(taken.snapshot.clone()));
            if write(&mut writing, &line).await.is_ok() {
                // It is in use until they close the connection.
                let mut rest = [0; 64];
                while reading.read(&mut rest).await.is_ok_and(|read| read > 0) {}
            }
            source.discard(taken).await;
            Ok(())
        }
        Err(error) => {
            let _ = write(&mut writing, &Line::Error(format!("{error:#}"))).await;
            Err(error)
        }
    }
}

async fn request(
    reading: &mut (impl tokio::io::AsyncBufRead + Unpin),
) -> anyhow::Result<(Option<BaseIndex>, Option<u64>)> {
    let mut line = Vec::new();
    (&mut *reading)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .await?;
    let request: Request = serde_json::from_slice(&line).context("the request cannot be read")?;
    if request.form != FORM {
        bail!("the request is of another version of Casement");
    }
    let Some(base) = request.base else {
        return Ok((None, request.room));
    };
    if base.bytes > LARGEST_INDEX || !manifest::is_name(&base.name) {
        bail!("the request names no earlier backup");
    }
    let mut index = Vec::new();
    (&mut *reading).take(base.bytes).read_to_end(&mut index).await?;
    if index.len() as u64 != base.bytes {
        bail!("the request ends early");
    }
    let base = BaseIndex {
        name: base.name,
        index,
    };
    Ok((Some(base), request.room))
}

async fn write(writing: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    writing.write_all(&text).await?;
    writing.flush().await
}
