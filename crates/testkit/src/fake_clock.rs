//! A clock that jumps, for one process: libfaketime between it and the system, controlled by a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Error;

/// The library, and the file with the clock's offset.
#[derive(Debug, Clone)]
pub struct FakeClock {
    library: PathBuf,
    file: PathBuf,
}

impl FakeClock {
    /// Prepares a clock in `directory` that is right at first. `None` where libfaketime is not installed.
    pub fn find(directory: &Path) -> Result<Option<Self>, Error> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library = folders
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.exists());
        let Some(library) = library else { return Ok(None) };
        let clock = Self {
            library,
            file: directory.join("clock"),
        };
        clock.set_offset(0)?;
        Ok(Some(clock))
    }

    /// Sets the clock's offset from the system's, in seconds.
    pub fn set_offset(&self, seconds: i64) -> Result<(), Error> {
        // Replaced in one step: the library must not read a file that is half written.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}s\n"))
            .and_then(|()| fs::rename(&new, &self.file))
            .map_err(Error::file(&self.file))
    }

    /// The environment variables that put a process under this clock.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Only the wall clock jumps; the monotonic clock does not.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}
