//! Where a backup goes, and whether it can go there.
//!
//! In: a path, and the places of the installation. Out: a directory that can be written, or why it is none.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::{
    manifest,
    parts::Places,
    shelf::{self, ARCHIVE, Shelved},
    tree,
};

/// Bytes that have to fit before a backup begins.
const PROBE: usize = 1 << 20;

/// Where a backup goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A directory of its own in this one.
    Shelf(PathBuf),
    /// This file.
    Archive(PathBuf),
}

impl Target {
    /// What a path means: a file, if its name ends so.
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(ARCHIVE) {
            if path.exists() {
                bail!(
                    "{} is there already: name another file, or remove it",
                    path.display()
                );
            }
            return Ok(Self::Archive(path.into()));
        }
        if let Some(ending) = [".tar", ".tar.gz", ".tgz", ".zip", ".zst"]
            .iter()
            .find(|ending| name.ends_with(*ending))
        {
            bail!("backups are directories or archives whose names end in {ARCHIVE}, not in {ending}");
        }
        if path.is_file() {
            bail!(
                "{} is a file: name a directory, or an archive whose name ends in {ARCHIVE}",
                path.display()
            );
        }
        if path.join(manifest::FILE).exists() {
            bail!(
                "{} is a backup itself, and is left as it is: name the directory around it, in which each backup gets one of its own",
                path.display()
            );
        }
        Ok(Self::Shelf(path.into()))
    }

    /// The directory in which earlier backups are.
    pub(crate) fn shelf(&self) -> &Path {
        match self {
            Self::Shelf(dir) => dir,
            Self::Archive(file) => tree::parent(file),
        }
    }

    /// Refuses a place among the data themselves. What cannot be looked at is not refused here.
    pub(crate) fn expect_elsewhere(&self, places: &Places) -> anyhow::Result<()> {
        match resolved(self.shelf()) {
            Ok(at) => self.refuse_data(&at, places, |path| Ok(resolved(path).ok())),
            Err(_) => Ok(()),
        }
    }

    /// Refuses a place among the data themselves, and one that cannot be written. Makes the directory. To be called before any
    /// work is done.
    pub(crate) fn prepare(&self, places: &Places) -> anyhow::Result<()> {
        let dir = self.shelf();
        let shown = dir.display();
        let at = resolved(dir).with_context(|| format!("{shown} cannot be used"))?;
        self.refuse_data(&at, places, |path| resolved(path).map(Some))?;
        tree::private_dir(dir).with_context(|| {
            format!("the directory {shown} cannot be made: name another one with --to DIR, or make it with rights for this user")
        })?;
        let probe = shelf::partial(dir, &format!("casement-probe-{}", std::process::id()));
        let tried = tree::private_file(&probe).and_then(|mut file| {
            file.write_all(&vec![0; PROBE])?;
            file.sync_all()
        });
        let _ = tree::remove(&probe);
        tried.with_context(|| {
            format!("{shown} cannot be written: name another directory, make room on its disk, or give this user the right")
        })
    }

    /// Refuses `at` where it is in the data or holds them. `look` says where something is; `None` where that is not to be known.
    fn refuse_data(
        &self,
        at: &Path,
        places: &Places,
        look: impl Fn(&Path) -> io::Result<Option<PathBuf>>,
    ) -> anyhow::Result<()> {
        let shown = self.shelf().display();
        let archives = places.shelf();
        if look(&archives)?.is_some_and(|archives| at.starts_with(archives)) {
            return Ok(());
        }
        for data in places.copied() {
            if look(data)?.is_some_and(|data| at.starts_with(data)) {
                bail!(
                    "{shown} is in {}, which belongs to the data that are backed up: name a directory elsewhere, best on \
                     another disk; {} is where they go by default",
                    data.display(),
                    archives.display()
                );
            }
        }
        if matches!(self, Self::Shelf(_)) && look(&places.data)?.is_some_and(|data| data.starts_with(at)) {
            bail!(
                "{shown} holds the data directory {}: name a directory for backups alone, such as {}",
                places.data.display(),
                self.shelf().join("casement-backups").display()
            );
        }
        Ok(())
    }

    /// Bytes that a directory of a backup may take, where it is not on the disk of `staging`; `None` where that is unknown, or
    /// where files are moved by links.
    pub(crate) fn room(&self, staging: &Path) -> Option<u64> {
        let Self::Shelf(dir) = self else { return None };
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        if device(dir)? == device(staging)? {
            return None;
        }
        tree::free(dir).ok()
    }

    /// The newest backup there, to add to.
    pub(crate) fn newest(&self) -> anyhow::Result<Option<Shelved>> {
        let dir = self.shelf();
        let (found, _) = shelf::list(dir).with_context(|| format!("{} cannot be read", dir.display()))?;
        Ok(found.into_iter().next())
    }
}

/// The path without links, as far as it is there.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut there = std::path::absolute(path)?;
    let mut missing: Vec<OsString> = Vec::new();
    loop {
        match fs::canonicalize(&there) {
            Ok(mut found) => {
                found.extend(missing.iter().rev());
                return Ok(found);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let Some(Component::Normal(name)) = there.components().next_back() else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                if !there.pop() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
