//! A machine's clock that jumps, for one process: libfaketime between it and the system, steered by a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The library and the file that says how far off the clock is.
#[derive(Debug, Clone)]
pub(crate) struct FakeClock {
    library: PathBuf,
    file: PathBuf,
}

impl FakeClock {
    /// A clock in `dir` that is right at first; `None` where libfaketime is not installed.
    pub(super) fn find(dir: &Path) -> anyhow::Result<Option<Self>> {
        let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library = folders
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.exists());
        let Some(library) = library else { return Ok(None) };
        let clock = Self {
            library,
            file: dir.join("clock"),
        };
        clock.jump(0)?;
        Ok(Some(clock))
    }

    /// Sets the clock off by so many seconds.
    pub(super) fn jump(&self, seconds: i64) -> anyhow::Result<()> {
        // In one step: a file that is being written says nothing.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}s\n"))?;
        fs::rename(&new, &self.file)?;
        Ok(())
    }

    /// What the process has to find in its environment.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Only what people set jumps; what counts since the start does not.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}
