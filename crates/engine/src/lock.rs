//! The lock on a data directory, which one process owns. The kernel releases it when the process ends, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::EngineError;

/// How long a predecessor that was killed a moment ago may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lock on a directory; held until dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says which process holds it.
    pub(crate) fn take(dir: &Path) -> Result<Self, EngineError> {
        let unusable = |source| EngineError::Directory {
            path: dir.into(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(unusable)?;
        let path = dir.join("casement.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    let _ = file.read_to_string(&mut pid);
                    let holder = if pid.trim().is_empty() {
                        "another process".into()
                    } else {
                        format!("process {}", pid.trim())
                    };
                    return Err(EngineError::Held {
                        path: dir.into(),
                        holder,
                    });
                }
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
            }
        }
        // The text is for people; the lock itself is the kernel's.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
