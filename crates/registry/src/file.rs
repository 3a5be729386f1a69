//! Files of one document: written beside, synced and renamed, so that after a crash there is the old one or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A file of the most devices with all that can be set is smaller.
const MAX_BYTES: u64 = 512 << 20;

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{path} cannot be {done}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        done: &'static str,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// It is damaged.
    #[error(
        "{path} holds no {what} ({reason}); put a copy of it from a backup in its place, or move it away to begin anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It was written by a later version.
    #[error(
        "{path} was written by {} (format {found}), and this is Casement {}, which knows format {known}; nothing was changed: use the newer version, or put a copy of the file from a backup of before in its place",
        if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
        /// The version that wrote it; empty where it does not say.
        program: String,
    },
    /// Another process has it.
    #[error("{0} is in use by another casement: one process owns a data directory")]
    InUse(PathBuf),
}

/// What a file holds.
pub trait Document: Serialize + DeserializeOwned + Default {
    /// Its file's name.
    const FILE: &'static str;
    /// What it is, in words.
    const WHAT: &'static str;
    /// The newest form of the file that is known. The file says its own in the field `format`; a later one is refused.
    const FORMAT: u32;
}

/// The file of one document, which this process alone writes.
#[derive(Debug)]
pub struct DocumentFile<T> {
    path: PathBuf,
    document: PhantomData<fn() -> T>,
    /// Held until the end: one process owns the file.
    _lock: File,
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    #[serde(default)]
    program: String,
    #[serde(default)]
    mark: String,
}

/// The file's content.
#[derive(Serialize)]
struct Written<'a, T: Serialize> {
    /// Which version wrote it, for those who meet it with an older one.
    program: &'static str,
    /// What tells files apart that stand in for each other; empty in most.
    #[serde(skip_serializing_if = "str::is_empty")]
    mark: &'a str,
    #[serde(flatten)]
    document: &'a T,
}

impl<T: Document> DocumentFile<T> {
    /// Takes the document's file in the directory `dir`, which is made if it is missing.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        let path = dir.join(T::FILE);
        Ok(Self {
            _lock: own(&path)?,
            path,
            document: PhantomData,
        })
    }

    /// The path of another file in its directory.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    /// Reads the document; an empty one where there is no file yet. A file that cannot be read is never taken for an empty one.
    pub fn read(&self) -> Result<T, FileError> {
        Ok(read(&self.path)?
            .map(|(document, _)| document)
            .unwrap_or_default())
    }

    /// Puts `document` in the file's place. When this returns, it is on disk.
    pub fn write(&self, document: &T) -> Result<(), FileError> {
        write(&self.path, "", document).map_err(|source| FileError::Io {
            path: self.path.clone(),
            done: "written",
            source,
        })
    }
}

/// Makes the directory of the file at `path` and takes the file for this process, until what is returned is dropped.
pub(crate) fn own(path: &Path) -> Result<File, FileError> {
    let failed = |source| FileError::Io {
        path: path.to_owned(),
        done: "opened",
        source,
    };
    fs::create_dir_all(directory(path)).map_err(failed)?;
    let lock = writable(&path.with_extension("lock"), false).map_err(failed)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FileError::InUse(path.to_owned())),
        Err(error) => Err(failed(error.into())),
    }
}

/// Reads a document and its mark; `None` where there is no file.
pub(crate) fn read<T: Document>(path: &Path) -> Result<Option<(T, String)>, FileError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(FileError::Io {
                path: path.to_owned(),
                done: "read",
                source,
            });
        }
    }
    let damaged = |reason| FileError::Damaged {
        path: path.to_owned(),
        what: T::WHAT,
        reason,
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(damaged("it has more than 512 MiB".to_owned()));
    }
    // The format is read first: a later one may have other fields.
    let head = serde_json::from_slice::<Head>(&bytes);
    if let Ok(head) = &head
        && head.format > T::FORMAT
    {
        return Err(FileError::Newer {
            path: path.to_owned(),
            found: head.format,
            known: T::FORMAT,
            program: head.program.clone(),
        });
    }
    let document = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    Ok(Some((document, head.map(|head| head.mark).unwrap_or_default())))
}

/// Puts `document` in the place of the file at `path`. When this returns, it is on disk.
pub(crate) fn write<T: Document>(path: &Path, mark: &str, document: &T) -> io::Result<()> {
    let written = Written {
        program: env!("CARGO_PKG_VERSION"),
        mark,
        document,
    };
    let bytes = serde_json::to_vec_pretty(&written).expect("a document is plain data");
    let partial = path.with_extension("json.new");
    let mut file = writable(&partial, true)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync(path)
}

/// The directory of a file.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().expect("the file is in a directory")
}

/// Makes names in the directory of a file durable.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

fn writable(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(truncate)
        .write(true)
        .mode(0o600)
        .open(path)
}
