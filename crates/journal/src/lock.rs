//! An advisory lock on a file that names its holder: only one process owns a journal.
//!
//! The lock belongs to the open file, so it ends with the process in any case.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use crate::JournalError;

#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Locks the journal in `directory` without changing the lock file's content.
    pub(crate) fn acquire(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join("owner");
        let io = |source| JournalError::directory(&path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(JournalError::Held {
                    path: directory.to_owned(),
                    pid: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        Ok(Self { file })
    }

    /// Writes this process's id into the lock file. It is used only in the error message above, so errors are ignored:
    /// a full disk must not keep a journal from draining.
    pub(crate) fn sign(&mut self) {
        let _ = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| writeln!(self.file, "{}", std::process::id()));
    }
}
