//! A small disk that can be filled.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

/// A file system of 160 MiB in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts it at `path`. `None` where mounting is not allowed.
    pub fn mount(path: &Path) -> Result<Option<Self>, Error> {
        fs::create_dir_all(path).map_err(Error::file(path))?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"])
            .arg(path)
            .output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        Ok(mounted.then(|| Self { path: path.into() }))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills all space that is left, and returns the file that occupies it.
    pub fn fill(&self) -> Result<PathBuf, Error> {
        let path = self.path.join("ballast");
        let mut file = File::create(&path).map_err(Error::file(&path))?;
        let block = vec![0; 64 << 10];
        while file.write_all(&block).is_ok() {}
        Ok(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
