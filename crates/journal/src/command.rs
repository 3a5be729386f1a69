//! The commands of the writer thread, each with the channel for its reply.

use std::{io, path::Path};

use tokio::sync::oneshot;

use crate::{Appended, Entry, JournalError};

/// Where the outcome of a command is sent.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// A change of the plans in progress.
pub(crate) enum PlanChange {
    Begin {
        first: u64,
        last: u64,
    },
    /// `entries` are appended in the same write, whatever the size limit: they replace records that leave.
    Finish {
        first: u64,
        last: u64,
        bytes: u64,
        entries: Vec<Entry>,
    },
    Split {
        first: u64,
        last: u64,
        boundary: u64,
        note: Vec<u8>,
    },
}

/// What is done with the journal's directory while its files are closed.
pub(crate) type Work = Box<dyn FnOnce(&Path) -> io::Result<()> + Send>;

/// A write that the writer thread is asked for, or something that no write may overlap.
pub(crate) enum Command {
    Append {
        entries: Vec<Entry>,
        reply: Reply<Vec<Appended>>,
    },
    Change {
        change: PlanChange,
        reply: Reply<()>,
    },
    /// Done after the group that it came with.
    WhileClosed {
        work: Work,
        reply: Reply<()>,
    },
}

impl Command {
    /// Replies with an error.
    pub(crate) fn refuse(self, error: JournalError) {
        match self {
            Self::Append { reply, .. } => {
                let _ = reply.send(Err(error));
            }
            Self::Change { reply, .. } | Self::WhileClosed { reply, .. } => {
                let _ = reply.send(Err(error));
            }
        }
    }
}
