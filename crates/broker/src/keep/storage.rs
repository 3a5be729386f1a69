//! The keeper's directory: who owns it, what form it has, what is done when it is damaged.
//!
//! In: a directory, groups of records. Out: the records of an earlier run. The engine is fjall, as in the journal. The journal
//! itself is a log that is emptied from its front, once; here a record goes when its client acknowledges it, in any order, so
//! there are keys. What cannot be opened is set aside under another name, and the broker begins with nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{
    loading::{self, Loaded},
    newer::NewerStorage,
    op::Op,
    stored::{Key, Space},
};

/// The form of the whole: raised when keys or values change.
const FORMAT: u32 = 1;
/// What the record of the form begins with.
const FORMAT_PREFIX: &str = "casement-broker ";
const FORMAT_KEY: &[u8] = b"format";
/// A file beside the records: the form and the version of Casement that wrote it. It is read before the records are opened,
/// which changes them.
const STAMP: &str = "format";
/// The engine's marker within the records: `FJL` and its version.
const MARKER: &str = "version";
const ENGINE_FORMAT: u8 = 3;
const MEMTABLE: u64 = 8 << 20;
const CACHE: u64 = 4 << 20;
const LOG_FILES: u64 = 64 << 20;
const OPEN_FILES: usize = 64;
/// Damaged storages that are kept for a look at them; older ones go.
const KEPT_ASIDE: usize = 2;
const ASIDE: &str = "damaged-";

/// The storage cannot be used, and setting it aside would not help.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("another process uses it")]
    Held,
    #[error(transparent)]
    Newer(#[from] NewerStorage),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open storage.
pub(crate) struct Storage {
    directory: Directory,
    db: Database,
    records: Keyspace,
}

/// A directory that belongs to this process.
#[derive(Clone)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The lock ends with the last copy.
    _lock: Arc<File>,
}

/// What a start has found.
pub(crate) struct Opened {
    pub(crate) storage: Storage,
    pub(crate) loaded: Loaded,
    /// Where a damaged storage is now, and what was wrong with it.
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

impl Directory {
    /// Makes the directory, closed to other users, and locks it.
    pub(crate) fn claim(path: &Path) -> Result<Self, StorageError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join("owner"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: Arc::new(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Held),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn records(&self) -> PathBuf {
        self.path.join("records")
    }

    /// Opens what is there and reads it; sets it aside where that fails. What a newer version wrote is left as it is.
    pub(crate) fn open(self) -> Result<Opened, StorageError> {
        self.check_stamp()?;
        let opened = match self.attempt() {
            Ok((storage, loaded)) => Opened {
                storage,
                loaded,
                set_aside: None,
            },
            Err(Fault::Environment(error)) => return Err(error.into()),
            Err(Fault::Newer(found)) => return Err(self.newer(found)),
            Err(Fault::Damage(reason)) => {
                let aside = self.set_aside()?;
                let (storage, loaded) = self.attempt().map_err(|fault| match fault {
                    Fault::Environment(error) => error,
                    fault => io::Error::other(fault.to_string()),
                })?;
                Opened {
                    storage,
                    loaded,
                    set_aside: Some((aside, reason)),
                }
            }
        };
        opened.storage.directory.stamp()?;
        Ok(opened)
    }

    /// Refuses what a newer version wrote, before anything of it is opened.
    fn check_stamp(&self) -> Result<(), StorageError> {
        let (found, _) = self.read_stamp();
        if found > FORMAT {
            return Err(self.newer(found));
        }
        match fs::read(self.records().join(MARKER)).as_deref() {
            Ok([b'F', b'J', b'L', version, ..]) if *version > ENGINE_FORMAT => Err(self.newer(found)),
            _ => Ok(()),
        }
    }

    /// The form and the version of Casement that wrote it; 0 where no file says so.
    fn read_stamp(&self) -> (u32, String) {
        let text = fs::read_to_string(self.path.join(STAMP)).unwrap_or_default();
        let mut words = text.split_whitespace();
        let found = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let program = words.next().unwrap_or_default().chars().take(40).collect();
        (found, program)
    }

    /// Says which form is here, whole or not at all.
    fn stamp(&self) -> io::Result<()> {
        let program = env!("CARGO_PKG_VERSION");
        if self.read_stamp() == (FORMAT, program.to_owned()) {
            return Ok(());
        }
        let partial = self.path.join("format.new");
        fs::write(&partial, format!("{FORMAT} {program}\n"))?;
        fs::rename(partial, self.path.join(STAMP))
    }

    fn newer(&self, found: u32) -> StorageError {
        let newer = NewerStorage {
            path: self.path.clone(),
            found,
            program: self.read_stamp().1,
        };
        newer.into()
    }

    fn attempt(&self) -> Result<(Storage, Loaded), Fault> {
        // The engine may panic on bytes that it does not expect.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let storage = Storage::open(self.clone())?;
            let loaded = loading::load(&storage.records)?;
            Ok((storage, loaded))
        }));
        opened.unwrap_or_else(|_| Err(Fault::Damage("its files are damaged".to_owned())))
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{ASIDE}{:013}", super::stored::now_ms()));
        fs::rename(self.records(), &aside)?;
        let mut earlier: Vec<PathBuf> = fs::read_dir(&self.path)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(ASIDE))
            })
            .collect();
        earlier.sort();
        let surplus = earlier.len().saturating_sub(KEPT_ASIDE);
        for path in &earlier[..surplus] {
            let _ = fs::remove_dir_all(path);
        }
        Ok(aside)
    }
}

/// Why an attempt to open failed.
pub(crate) enum Fault {
    /// Something that a person has to change: the disk is full, a file belongs to somebody else.
    Environment(io::Error),
    Damage(String),
    /// A newer version wrote it, in this form.
    Newer(u32),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Damage(reason) => f.write_str(reason),
            Self::Newer(_) => f.write_str("a newer version of Casement wrote it"),
        }
    }
}

impl From<fjall::Error> for Fault {
    fn from(error: fjall::Error) -> Self {
        use io::ErrorKind as Kind;
        match error {
            fjall::Error::Io(error)
                if matches!(
                    error.kind(),
                    Kind::PermissionDenied
                        | Kind::StorageFull
                        | Kind::ReadOnlyFilesystem
                        | Kind::QuotaExceeded
                        | Kind::OutOfMemory
                ) || error.raw_os_error() == Some(TOO_MANY_FILES) =>
            {
                Self::Environment(error)
            }
            error => Self::Damage(error.to_string()),
        }
    }
}

/// The number in the record of the form.
fn number(format: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(format).ok()?;
    text.strip_prefix(FORMAT_PREFIX)?.parse().ok()
}

/// EMFILE has no kind of its own.
const TOO_MANY_FILES: i32 = 24;

impl Storage {
    fn open(directory: Directory) -> Result<Self, Fault> {
        let db = Database::builder(directory.records())
            .manual_journal_persist(true)
            .cache_size(CACHE)
            .max_journaling_size(LOG_FILES)
            .worker_threads(1)
            .max_cached_files(Some(OPEN_FILES))
            .open()?;
        let records = db.keyspace("records", || {
            KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE)
        })?;
        match records.get(FORMAT_KEY)? {
            Some(format) => match number(&format) {
                Some(FORMAT) => {}
                Some(found) if found > FORMAT => return Err(Fault::Newer(found)),
                _ => return Err(Fault::Damage("it is of no known form".to_owned())),
            },
            None if records.first_key_value().is_some() => {
                return Err(Fault::Damage("it does not say its form".to_owned()));
            }
            None => {
                let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
                batch.insert(&records, FORMAT_KEY, format!("{FORMAT_PREFIX}{FORMAT}"));
                batch.commit()?;
            }
        }
        Ok(Self {
            directory,
            db,
            records,
        })
    }

    /// Closes its files; the directory stays ours.
    pub(crate) fn close(self) -> Directory {
        self.directory.clone()
    }

    /// Opens it once more after a write has failed.
    pub(crate) fn reopen(self) -> Result<Self, (Directory, String)> {
        let directory = self.directory.clone();
        drop(self);
        Self::open(directory.clone()).map_err(|fault| (directory, fault.to_string()))
    }

    /// Opens it where an earlier attempt has failed.
    pub(crate) fn open_again(directory: Directory) -> Result<Self, (Directory, String)> {
        Self::open(directory.clone()).map_err(|fault| (directory, fault.to_string()))
    }

    /// Writes a group, then removes messages: all of it, or nothing. With `sync` it survives the loss of power, too;
    /// otherwise the end of the process.
    pub(crate) fn commit(&self, ops: &[Op], removed: &[u64], sync: bool) -> Result<(), fjall::Error> {
        let mode = if sync {
            PersistMode::SyncData
        } else {
            PersistMode::Buffer
        };
        let mut batch = self.db.batch().durability(Some(mode));
        for op in ops {
            let (key, value) = op.encode();
            match value {
                Some(value) => batch.insert(&self.records, &key.encode()[..], value),
                None => batch.remove(&self.records, &key.encode()[..]),
            }
        }
        for number in removed {
            batch.remove(&self.records, &Key(Space::Message, 0, *number).encode()[..]);
        }
        batch.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> u32 {
        match Directory::claim(path).unwrap().open() {
            Err(StorageError::Newer(newer)) => newer.found,
            Err(error) => panic!("{error}"),
            Ok(opened) => panic!("it opens: {:?}", opened.set_aside),
        }
    }

    fn put(path: &Path, key: &[u8], value: &[u8]) {
        let opened = Directory::claim(path).unwrap().open().unwrap();
        let mut batch = opened.storage.db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&opened.storage.records, key, value);
        batch.commit().unwrap();
    }

    /// Where the stamp is missing: what a newer version wrote is neither set aside nor removed.
    #[test]
    fn records_of_a_newer_version_are_refused_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key(Space::Retained, 0, 1).encode();
        put(dir.path(), &key[..], b"\x02what a later version means by it");
        assert_eq!(refused(dir.path()), 2);
        assert_eq!(refused(dir.path()), 2, "it is still there");
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), FORMAT_KEY, b"casement-broker 7");
        assert_eq!(refused(dir.path()), 7);
        assert!(dir.path().join("records").is_dir());
        let aside = fs::read_dir(dir.path()).unwrap().flatten();
        assert_eq!(
            aside
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(ASIDE))
                .count(),
            0
        );
        // What is no form at all is damage, as before.
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), FORMAT_KEY, b"nonsense");
        assert!(
            Directory::claim(dir.path())
                .unwrap()
                .open()
                .unwrap()
                .set_aside
                .is_some()
        );
    }
}
