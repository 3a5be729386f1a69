//! The history of serving versions, in an append-only file.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// How a version came to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Promote,
    Rollback,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at_ms: u64,
    event: Event,
    version: String,
}

/// The file.
#[derive(Debug, Clone)]
pub(super) struct History(PathBuf);

impl History {
    pub(super) const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the versions that served, the current one last. Promoting adds one, rolling back removes one.
    pub(super) fn served(&self) -> io::Result<Vec<String>> {
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let mut served = Vec::new();
        // A line that a crash cut short is ignored.
        for line in text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        {
            if line.event == Event::Rollback {
                served.truncate(served.len().saturating_sub(2));
            }
            served.push(line.version);
        }
        Ok(served)
    }

    /// Appends an event.
    pub(super) fn record(&self, event: Event, version: &str) -> io::Result<()> {
        let at_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as u64;
        let line = Line {
            at_ms,
            event,
            version: version.to_owned(),
        };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)?
            .write_all(&line)
    }
}
