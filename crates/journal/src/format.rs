//! The formats of a journal's files, checked before anything is written or repaired.
//!
//! In: a journal's directory. Out: nothing, or a refusal of files that another version wrote. The storage engine checks
//! some of this itself, but only after a repair would have changed its log.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    JournalError,
    wal::{self, VERSION},
};

/// The engine's marker: the magic bytes and the version.
const MARKER: &str = "version";

/// Checks the engine's marker and the manifests of its keyspaces. A journal that does not exist yet passes, and so does
/// one whose creation was interrupted.
pub(crate) fn check(journal: &Path) -> Result<(), JournalError> {
    let log = journal.join("log");
    let marker = log.join(MARKER);
    let failed = |source| JournalError::directory(&marker, source);
    match read_marker(&log).map_err(failed)?.as_slice() {
        [b'F', b'J', b'L', VERSION, ..] => check_manifests(&log.join("keyspaces")),
        [b'F', b'J', b'L', version, ..] => Err(JournalError::unknown_format(marker, *version)),
        [] if is_blank(&log).map_err(failed)? => Ok(()),
        [] => Err(JournalError::NoMarker { path: marker }),
        _ => Err(JournalError::unknown_format(marker, None)),
    }
}

/// Removes a log whose creation was interrupted, which the engine would not open.
pub(crate) fn remove_unfinished(journal: &Path) -> Result<(), JournalError> {
    let log = journal.join("log");
    let remove = || {
        if log.exists() && read_marker(&log)?.is_empty() && is_blank(&log)? {
            fs::remove_dir_all(&log)?;
        }
        Ok(())
    };
    remove().map_err(|source| JournalError::directory(&log, source))
}

/// The content of the marker; empty when there is none.
fn read_marker(log: &Path) -> io::Result<Vec<u8>> {
    match fs::read(log.join(MARKER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Whether a log holds nothing yet: the engine writes its marker after empty files, and before everything else.
fn is_blank(log: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let is_blank = if path.is_dir() {
            path.ends_with("keyspaces") && fs::read_dir(&path)?.next().is_none()
        } else {
            wal::read(&path)?.is_empty()
        };
        if !is_blank {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check_manifests(keyspaces: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::directory(keyspaces, source);
    let entries = match fs::read_dir(keyspaces) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let Some(manifest) = manifest(&entry.map_err(failed)?.path()) else {
            continue;
        };
        match manifest_version(&manifest) {
            Ok(VERSION) => {}
            Ok(version) => return Err(JournalError::unknown_format(manifest, version)),
            Err(sfa::Error::InvalidVersion) => return Err(JournalError::unknown_format(manifest, None)),
            // Damage, not another format: opening reports it.
            Err(_) => {}
        }
    }
    Ok(())
}

/// The current manifest of a keyspace; `None` for one that was not completely created.
fn manifest(keyspace: &Path) -> Option<PathBuf> {
    let current = fs::read(keyspace.join("current")).ok()?;
    let id = u64::from_le_bytes(*current.first_chunk()?);
    Some(keyspace.join(format!("v{id}")))
}

fn manifest_version(manifest: &Path) -> Result<u8, sfa::Error> {
    let archive = sfa::Reader::new(manifest)?;
    let section = archive.toc().section(b"format_version");
    let section = section.ok_or(sfa::Error::InvalidVersion)?;
    let mut version = [0];
    section.buf_reader(manifest)?.read_exact(&mut version)?;
    Ok(version[0])
}
