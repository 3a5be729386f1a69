//! The formats of a journal's files, checked before anything is written or repaired.
//!
//! In: a journal's directory. Out: nothing, or a refusal of files that another version wrote. The storage engine checks
//! some of this itself, but only after a repair would have changed its log. Reads only.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use crate::JournalError;

/// Version of the storage engine's format that this crate reads, writes and repairs.
pub(crate) const VERSION: u8 = 3;
/// Begins the engine's marker file and ends each batch of its log; the version follows.
pub(crate) const MAGIC: [u8; 3] = *b"FJL";

/// Checks the engine's marker and the manifests of its keyspaces. A journal that does not exist yet is fine.
pub(crate) fn check(journal: &Path) -> Result<(), JournalError> {
    let log = journal.join("log");
    let marker = log.join("version");
    let failed = |source| JournalError::directory(&marker, source);
    match fs::read(&marker) {
        Ok(bytes) => match bytes.strip_prefix(&MAGIC) {
            Some([VERSION, ..]) => check_manifests(&log.join("keyspaces")),
            Some([version, ..]) => Err(JournalError::unknown_format(marker, *version)),
            _ => Err(JournalError::unknown_format(marker, None)),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) if is_empty(&log).map_err(failed)? => Ok(()),
        Err(_) => Err(JournalError::NoMarker { path: marker }),
    }
}

fn is_empty(directory: &Path) -> io::Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
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
