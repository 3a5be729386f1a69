//! The lock on a data directory, which one process owns. The kernel releases it when the process ends, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
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
        if !lock_in_time(&file).map_err(unusable)? {
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
        // The text is for people; the lock itself is the kernel's.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// Waits until nobody holds the lock on `file`, which ClickHouse locks itself: the kernel releases the locks of a process
/// that ends one after the other, and ours comes first. Where it stays held, ClickHouse says so.
pub(crate) fn wait_for_release(file: &Path) {
    if let Ok(file) = File::open(file)
        && let Ok(true) = lock_in_time(&file)
    {
        let _ = file.unlock();
    }
}

/// Takes the lock. Returns whether it was released in time.
fn lock_in_time(file: &File) -> io::Result<bool> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_waits_for_each_lock_of_its_predecessor() {
        let dir = tempfile::tempdir().unwrap();
        let status = dir.path().join("status");
        let held = File::create(&status).unwrap();
        held.lock().unwrap();
        let before = Instant::now();
        let releasing = std::thread::spawn(move || {
            sleep(Duration::from_millis(200));
            drop(held);
        });
        wait_for_release(&status);
        assert!(before.elapsed() >= Duration::from_millis(200));
        releasing.join().unwrap();
        // It is left to ClickHouse, which takes it itself.
        File::open(&status).unwrap().try_lock().unwrap();
        wait_for_release(&dir.path().join("absent"));
    }
}
