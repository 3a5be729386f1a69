//! A shelf: a directory with backups, each a directory or an archive of its own.
//!
//! In: paths. Out: backups whose manifests were read and are as they were written; the chain that an incremental one needs;
//! the removal of old ones. What was never finished has another name and is no backup.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use tar::Archive;
use zstd::stream::read::Decoder;

use super::{
    BaseIndex,
    manifest::{self, Manifest},
    parts, tree,
};

/// How an archive's name ends.
pub(crate) const ARCHIVE: &str = ".tar.zst";
/// How the name of something ends that is being written.
const PARTIAL: &str = ".partial";
/// The longest chain that is followed.
const LONGEST_CHAIN: usize = 1_000;

/// A reader of an archive.
pub(super) type Unpacking = Archive<Decoder<'static, BufReader<File>>>;

/// A backup whose manifest was read.
#[derive(Debug, Clone)]
pub(crate) struct Shelved {
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) manifest_sha256: String,
}

impl Shelved {
    /// Whether it is one file.
    pub(crate) fn is_archive(&self) -> bool {
        self.path.is_file()
    }

    /// Reads the manifest of the backup at `path`, a directory or an archive.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = if path.is_dir() {
            of_directory(path)
        } else {
            of_archive(path)
        };
        opened.with_context(|| format!("{} cannot be used", path.display()))
    }

    /// The files of an archive, in their order.
    pub(super) fn unpack(&self) -> io::Result<Unpacking> {
        unpack(&self.path)
    }

    /// What ClickHouse has to know of it for a backup that adds to it.
    pub(crate) fn index(&self) -> anyhow::Result<BaseIndex> {
        let path = format!("{}/.backup", parts::CLICKHOUSE);
        let entry = self.manifest.files.iter().find(|entry| entry.path == path);
        let entry = entry.context("it holds nothing of ClickHouse")?;
        let mut index = Vec::new();
        if self.is_archive() {
            let mut archive = self.unpack()?;
            for file in archive.entries()? {
                let mut file = file?;
                if within(&file.path()?).as_deref() == Some(path.as_str()) {
                    (&mut file).take(entry.bytes + 1).read_to_end(&mut index)?;
                    break;
                }
            }
        } else {
            index = fs::read(self.path.join(&path))?;
        }
        if tree::digest(&index[..])? != (entry.bytes, entry.sha256.clone()) {
            bail!("{path} of {} is damaged", self.path.display());
        }
        Ok(BaseIndex {
            name: self.manifest.name.clone(),
            index,
        })
    }
}

fn unpack(path: &Path) -> io::Result<Unpacking> {
    let file = BufReader::with_capacity(1 << 17, File::open(path)?);
    Ok(Archive::new(Decoder::with_buffer(file)?))
}

/// The path of an archive's file within the backup: without the backup's name.
pub(super) fn within(path: &Path) -> Option<String> {
    let (_, rest) = path.to_str()?.split_once('/')?;
    Some(rest.to_owned())
}

fn of_directory(path: &Path) -> anyhow::Result<Shelved> {
    let read = |name: &str, largest: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path.join(name))?
            .take(largest)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let manifest = match read(manifest::FILE, manifest::LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("it is no backup: there is no {}", manifest::FILE)
        }
        other => other.context("its manifest cannot be read")?,
    };
    let digest = read(manifest::DIGEST, 1 << 10).context("the digest of its manifest cannot be read")?;
    shelved(path, &manifest, &digest)
}

fn of_archive(path: &Path) -> anyhow::Result<Shelved> {
    if !fs::metadata(path)?.is_file() {
        bail!("it is no backup");
    }
    let (mut manifest, mut digest) = (None, None);
    let not_ours = "it is no archive of a backup, or is damaged";
    let mut archive = unpack(path).context(not_ours)?;
    for file in archive.entries().context(not_ours)?.take(2) {
        let mut file = file.context(not_ours)?;
        let mut bytes = Vec::new();
        let name = within(&file.path()?);
        (&mut file)
            .take(manifest::LARGEST)
            .read_to_end(&mut bytes)
            .context(not_ours)?;
        match name.as_deref() {
            Some(manifest::FILE) => manifest = Some(bytes),
            Some(manifest::DIGEST) => digest = Some(bytes),
            _ => bail!(not_ours),
        }
    }
    let (manifest, digest) = manifest.zip(digest).context(not_ours)?;
    shelved(path, &manifest, &digest)
}

fn shelved(path: &Path, text: &[u8], digest: &[u8]) -> anyhow::Result<Shelved> {
    // A newer manifest is told before anything else: its digest may be of another kind.
    let manifest = Manifest::parse(text)?;
    let (_, sha256) = tree::digest(text)?;
    let stated = String::from_utf8_lossy(digest);
    if stated.split_whitespace().next() != Some(sha256.as_str()) {
        bail!(
            "its manifest is damaged: {} says something else; use another backup",
            manifest::DIGEST
        );
    }
    Ok(Shelved {
        path: path.to_owned(),
        manifest,
        manifest_sha256: sha256,
    })
}

/// Every backup in `dir`, the newest first, and what looks like one but cannot be read.
pub(crate) fn list(dir: &Path) -> io::Result<(Vec<Shelved>, Vec<anyhow::Error>)> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((found, faults)),
        other => other?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_directory = path.is_dir() && path.join(manifest::FILE).exists();
        let is_archive = path.is_file() && name.ends_with(ARCHIVE);
        if name.starts_with('.') || !(is_directory || is_archive) {
            continue;
        }
        match Shelved::open(&path) {
            Ok(backup) => found.push(backup),
            Err(fault) => faults.push(fault),
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.manifest.created));
    Ok((found, faults))
}

/// The backup at `path`: itself, or the newest of those in it.
pub(crate) fn find(path: &Path) -> anyhow::Result<Shelved> {
    if !path.exists() {
        bail!("{}: there is no such file or directory", path.display());
    }
    if path.is_file() || path.join(manifest::FILE).exists() {
        return Shelved::open(path);
    }
    let (found, faults) = list(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if let Some(newest) = found.into_iter().next() {
        return Ok(newest);
    }
    match faults.into_iter().next() {
        Some(fault) => Err(fault),
        None => bail!(
            "{} holds no backup: neither a {} nor directories or archives with one; a backup that was interrupted is none",
            path.display(),
            manifest::FILE
        ),
    }
}

/// The backup and those that it is based on, which are beside it: itself first.
pub(crate) fn chain(newest: Shelved) -> anyhow::Result<Vec<Shelved>> {
    let beside = tree::parent(&newest.path).to_owned();
    let mut chain = vec![newest];
    let mut others: Option<Vec<Shelved>> = None;
    while let Some(base) = chain[chain.len() - 1].manifest.base.clone() {
        if chain.len() > LONGEST_CHAIN {
            bail!("the backup is based on more than {LONGEST_CHAIN} others");
        }
        let others = match &mut others {
            Some(others) => others,
            none => none.insert(list(&beside)?.0),
        };
        let found = others.iter().find(|other| other.manifest.name == base.name);
        let Some(found) = found.cloned() else {
            bail!(
                "{} adds to the backup {}, which is not in {} or is damaged: put it there, or use a full backup",
                chain[chain.len() - 1].path.display(),
                base.name,
                beside.display()
            );
        };
        if found.manifest_sha256 != base.manifest_sha256 {
            bail!(
                "{} is not as it was when {} was based on it",
                found.path.display(),
                chain[0].path.display()
            );
        }
        chain.push(found);
    }
    Ok(chain)
}

/// Removes all but the newest `keep` backups in `dir` and those that they are based on. Returns how many were removed.
pub(crate) fn prune(dir: &Path, keep: usize) -> anyhow::Result<usize> {
    let (found, _) = list(dir)?;
    let mut needed: Vec<String> = Vec::new();
    for backup in found.iter().take(keep) {
        for member in chain(backup.clone())? {
            needed.push(member.manifest.name);
        }
    }
    let mut removed = 0;
    for backup in found.iter().skip(keep) {
        if needed.contains(&backup.manifest.name) {
            continue;
        }
        // Under another name first, so that half a backup is never taken for a whole one.
        let name = backup
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let going = dir.join(format!(".{name}{PARTIAL}"));
        tree::rename(&backup.path, &going)?;
        tree::remove(&going)?;
        removed += 1;
    }
    Ok(removed)
}

/// Where something named `name` in `dir` is written until it is whole.
pub(crate) fn partial(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!(".{name}{PARTIAL}"))
}

/// Removes what interrupted backups left in `dir`: what nobody holds.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_ours = name.starts_with('.')
            && name.ends_with(PARTIAL)
            && (name.contains("casement-") || name.contains(ARCHIVE));
        if is_ours && hold(&path)?.is_some() {
            tree::remove(&path)?;
        }
    }
    Ok(())
}

/// Takes the lock on a file or directory that is being written; `None` if another process has it.
pub(crate) fn hold(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
