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
    op::Op,
    stored::{Key, Space},
};

/// The form of the whole: raised when keys change, or when values do in a way that their own version does not tell.
const FORMAT: &[u8] = b"casement-broker 1";
const FORMAT_KEY: &[u8] = b"format";
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

    fn records(&self) -> PathBuf {
        self.path.join("records")
    }

    /// Opens what is there and reads it; sets it aside where that fails.
    pub(crate) fn open(self) -> Result<Opened, StorageError> {
        match self.attempt() {
            Ok((storage, loaded)) => Ok(Opened {
                storage,
                loaded,
                set_aside: None,
            }),
            Err(Fault::Environment(error)) => Err(error.into()),
            Err(Fault::Damage(reason)) => {
                let aside = self.set_aside()?;
                let (storage, loaded) = self.attempt().map_err(|fault| match fault {
                    Fault::Environment(error) => error,
                    Fault::Damage(reason) => io::Error::other(reason),
                })?;
                Ok(Opened {
                    storage,
                    loaded,
                    set_aside: Some((aside, reason)),
                })
            }
        }
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
            Some(format) if &format[..] == FORMAT => {}
            Some(_) => return Err(Fault::Damage("another version of Casement wrote it".to_owned())),
            None if records.first_key_value().is_some() => {
                return Err(Fault::Damage("it does not say its form".to_owned()));
            }
            None => {
                let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
                batch.insert(&records, FORMAT_KEY, FORMAT);
                batch.commit()?;
            }
        }
        Ok(Self {
            directory,
            db,
            records,
        })
    }

    /// Opens it once more after a write has failed.
    pub(crate) fn reopen(self) -> Result<Self, (Directory, String)> {
        let directory = self.directory.clone();
        drop(self);
        Self::open(directory.clone()).map_err(|fault| match fault {
            Fault::Environment(error) => (directory, error.to_string()),
            Fault::Damage(reason) => (directory, reason),
        })
    }

    /// Opens it where an earlier attempt has failed.
    pub(crate) fn open_again(directory: Directory) -> Result<Self, (Directory, String)> {
        Self::open(directory.clone()).map_err(|fault| match fault {
            Fault::Environment(error) => (directory, error.to_string()),
            Fault::Damage(reason) => (directory, reason),
        })
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
