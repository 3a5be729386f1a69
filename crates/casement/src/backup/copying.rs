//! Takes files out of backups, each compared with its entry in the manifest on the way.
//!
//! In: a backup and the places that its files go to. Out: the files, or which one is damaged.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::{
    manifest::Entry,
    progress::Counting,
    shelf::{Shelved, within},
    tree,
};

/// Where a file goes; nowhere, where it is only verified.
pub(super) type Wanted<'a> = HashMap<&'a str, (&'a Entry, Option<PathBuf>)>;

/// Takes each wanted file out of the backup that holds it itself. All of them are there and as they were, or it is an error.
pub(super) fn take_out(backup: &Shelved, mut wanted: Wanted<'_>, counting: &Counting) -> anyhow::Result<()> {
    if backup.is_archive() {
        let damaged = || format!("the archive {} is damaged", backup.path.display());
        let mut archive = backup.unpack().with_context(damaged)?;
        for file in archive.entries().with_context(damaged)? {
            let file = file.with_context(damaged)?;
            let path = within(&file.path().with_context(damaged)?).unwrap_or_default();
            if let Some((entry, target)) = wanted.remove(path.as_str()) {
                put(file, entry, target.as_deref(), counting).with_context(|| of(backup, &path))?;
            }
        }
    } else {
        for (path, (entry, target)) in wanted.drain() {
            let taken = match File::open(backup.path.join(path)) {
                Ok(file) => put(file, entry, target.as_deref(), counting),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    bail!("{}: it is missing; the backup is damaged", of(backup, path))
                }
                Err(error) => Err(error.into()),
            };
            taken.with_context(|| of(backup, path))?;
        }
    }
    match wanted.keys().min() {
        None => Ok(()),
        Some(path) => bail!("{}: it is missing; the backup is damaged", of(backup, path)),
    }
}

fn of(backup: &Shelved, path: &str) -> String {
    format!("{} of {}", path, backup.path.display())
}

fn put(
    mut source: impl Read,
    entry: &Entry,
    target: Option<&Path>,
    counting: &Counting,
) -> anyhow::Result<()> {
    let mut file = match target {
        Some(target) => {
            tree::private_dir(tree::parent(target))?;
            Some(tree::private_file(target)?)
        }
        None => None,
    };
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 17];
    let mut bytes = 0;
    loop {
        let read = source
            .read(&mut block)
            .context("it cannot be read to its end: the backup is damaged; use another one")?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > entry.bytes {
            break;
        }
        hash.update(&block[..read]);
        file.as_mut()
            .map(|file| file.write_all(&block[..read]))
            .transpose()?;
        counting.add(read as u64);
    }
    if bytes != entry.bytes || hex::encode(hash.finalize()) != entry.sha256 {
        bail!("it is not as it was written: the backup is damaged; use another one");
    }
    if let (Some(file), Ok(modified)) = (file, u64::try_from(entry.modified)) {
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified))?;
    }
    Ok(())
}

/// Makes a link of the manifest.
pub(super) fn link(entry: &Entry, target: &Path) -> io::Result<()> {
    let leads = entry.link.as_deref().unwrap_or_default();
    fs::DirBuilder::new()
        .recursive(true)
        .create(tree::parent(target))?;
    std::os::unix::fs::symlink(leads, target)
}
