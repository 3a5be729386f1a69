//! Asks the running service for a snapshot.
//!
//! In: the path of its socket. Out: a snapshot that stays in staging until it is dropped, or `None` where no service runs.

use std::{io, path::Path};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{
    BaseIndex, Progress, Snapshot,
    door::{self, FORM, Line, Request, RequestedBase},
};

/// A snapshot of a running service.
pub(crate) struct Held {
    pub(crate) snapshot: Snapshot,
    _connection: (BufReader<OwnedReadHalf>, OwnedWriteHalf),
}

/// Asks at `socket`.
pub(crate) async fn ask(
    socket: &Path,
    base: Option<BaseIndex>,
    room: Option<u64>,
    progress: &Progress,
) -> anyhow::Result<Option<Held>> {
    let connected = match door::short(socket) {
        Ok((_dir, path)) => UnixStream::connect(path).await,
        Err(error) => Err(error),
    };
    let connection = match connected {
        Ok(connection) => connection,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(error).with_context(|| {
                format!(
                    "the service of {} can only be asked by its own user: run this command as that user, or as root",
                    socket.parent().unwrap_or(socket).display()
                )
            });
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be asked", socket.display()));
        }
    };
    let (reading, mut writing) = connection.into_split();
    let requested = base.as_ref().map(|base| RequestedBase {
        name: base.name.clone(),
        bytes: base.index.len() as u64,
    });
    let mut request = serde_json::to_vec(&Request {
        form: FORM,
        base: requested,
        room,
    })?;
    request.push(b'\n');
    request.extend(base.into_iter().flat_map(|base| base.index));
    writing.write_all(&request).await?;
    writing.flush().await?;
    let mut lines = BufReader::new(reading);
    loop {
        let mut line = String::new();
        let read = lines.read_line(&mut line).await.context("the service was lost")?;
        if read == 0 {
            bail!("the service ended meanwhile: there is no backup");
        }
        match serde_json::from_str(&line).context("the service's answer cannot be read")? {
            Line::Step(step) => progress.step(&step),
            Line::Error(error) => bail!("{error}"),
            Line::Snapshot(snapshot) => {
                return Ok(Some(Held {
                    snapshot: *snapshot,
                    _connection: (lines, writing),
                }));
            }
        }
    }
}
