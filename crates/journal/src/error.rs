//! What can go wrong with a journal.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::written_by;

/// A failure of the journal. Whatever the failure, nothing was acknowledged by the call that returns it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Another process has this journal open.
    #[error("journal {} is in use by another process{}", path.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// The journal's directory.
        path: PathBuf,
        /// The process that holds it, when it could be read.
        pid: Option<u32>,
    },
    /// The journal's size limit is reached and nothing of the call was written. It accepts again by itself once
    /// plans are finished.
    #[error("journal is full: {bytes} of {max_bytes} bytes used")]
    Full {
        /// Bytes of the records waiting.
        bytes: u64,
        /// The configured limit.
        max_bytes: u64,
    },
    /// One call carries more than the whole journal may hold, so waiting would not help.
    #[error("{bytes} bytes in one call can never fit into a journal of {max_bytes} bytes")]
    TooLarge {
        /// Bytes of the call's records.
        bytes: u64,
        /// The configured limit.
        max_bytes: u64,
    },
    /// The directory could not be prepared or read.
    #[error("cannot use journal directory {}", path.display())]
    Directory {
        /// The file or directory concerned.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// The storage engine could not open what is there.
    #[error("cannot open journal {}", path.display())]
    Open {
        /// The journal's directory.
        path: PathBuf,
        /// The storage engine's answer.
        #[source]
        source: Arc<fjall::Error>,
    },
    /// A write or sync failed: nothing of it counts as stored. The journal reopens itself before the next write.
    #[error("journal write failed")]
    Write {
        /// The storage engine's answer.
        #[source]
        source: Arc<fjall::Error>,
    },
    /// A read failed as a whole; damage to single records is reported in [`crate::Plan::damaged`] instead.
    #[error("journal read failed")]
    Read {
        /// The storage engine's answer.
        #[source]
        source: Arc<fjall::Error>,
    },
    /// A file is in a format that this version does not know. Nothing was changed.
    #[error(
        "{} is in {}; nothing was changed: start {}, or restore a backup of before, or move the journal's directory away",
        path.display(),
        found.map_or("an unknown format".to_owned(), |found| format!(
            "format {found}, which this version of Casement ({}) does not know", env!("CARGO_PKG_VERSION")
        )),
        if program.is_empty() { "the version of Casement that wrote it".to_owned() } else { format!("Casement {program}, which wrote it") }
    )]
    UnknownFormat {
        /// The file that says so.
        path: PathBuf,
        /// The format's number, where the file has one.
        found: Option<u8>,
        /// The version of Casement that opened the journal last; empty where it did not say.
        program: String,
    },
    /// There is a log, but not the file that says which format it has. Nothing was changed.
    #[error(
        "{} is missing or empty, so the log's format is unknown; nothing was changed: restore that file, or move the journal's directory away",
        path.display()
    )]
    NoMarker {
        /// The missing or empty file.
        path: PathBuf,
    },
    /// The plan is not the one in progress, or the boundary does not divide it.
    #[error("plan {first}-{last} is not the one in progress or cannot be split there")]
    StalePlan {
        /// First sequence number of the refused plan.
        first: u64,
        /// Last sequence number of the refused plan.
        last: u64,
    },
    /// The journal's writer has ended.
    #[error("journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn write(source: fjall::Error) -> Self {
        Self::Write {
            source: Arc::new(source),
        }
    }

    pub(crate) fn read(source: fjall::Error) -> Self {
        Self::Read {
            source: Arc::new(source),
        }
    }

    pub(crate) fn unknown_format(path: impl Into<PathBuf>, found: impl Into<Option<u8>>) -> Self {
        Self::UnknownFormat {
            path: path.into(),
            found: found.into(),
            program: String::new(),
        }
    }

    /// Names the version that opened the journal at `path` last, where its format is unknown.
    pub(crate) fn naming(self, journal: &Path) -> Self {
        match self {
            Self::UnknownFormat { path, found, .. } => Self::UnknownFormat {
                path,
                found,
                program: written_by::read(journal),
            },
            other => other,
        }
    }

    pub(crate) fn directory(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Directory {
            path: path.into(),
            source: Arc::new(source),
        }
    }
}
