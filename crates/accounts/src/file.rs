//! The file that accounts live in, changed by commands and by the running service alike.
//!
//! In: changes. Out: the whole file anew, or the old one: it is written beside, synced and renamed, under a lock that
//! processes share. A file that cannot be read is never taken for an empty one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use tracing::warn;

use crate::{
    account::AccountName,
    book::{Book, BookError, FORMAT, Hand, NewAccount},
    pairing::Newcomer,
    secret::{Password, PasswordHash, Token, short_id},
};

/// The largest file that is read: 100,000 accounts.
const MAX_BYTES: u64 = 128 << 20;

/// Accounts cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("the accounts in {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("the accounts in {path} cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The file is damaged.
    #[error(
        "{path} holds no accounts ({reason}); put a copy of it from a backup in its place, or move it away to begin anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file was written by a later version.
    #[error(
        "{path} was written by {} (format {found}), and this is Casement {}, which knows format {FORMAT}; nothing was changed: use the newer version, or put a copy of the file from a backup of before in its place",
        if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The version that wrote it; empty where it does not say.
        program: String,
    },
    /// The change is not possible.
    #[error(transparent)]
    Refused(#[from] BookError),
}

/// The file of accounts in a data directory.
#[derive(Debug, Clone)]
pub struct AccountsFile {
    dir: PathBuf,
    /// Who changes, for the audit log.
    by: String,
}

/// What tells one version of the file from another.
pub(crate) type Stamp = (u64, u64, i64, i64, u64);

impl AccountsFile {
    /// The accounts in the directory `dir`; `by` is who changes them.
    pub fn new(dir: &Path, by: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            by: by.to_owned(),
        }
    }

    /// The same file in the hand of another.
    #[must_use]
    pub fn by(&self, by: &str) -> Self {
        Self {
            dir: self.dir.clone(),
            by: by.to_owned(),
        }
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.dir.join("accounts.json")
    }

    /// Reads all accounts; none where there is no file yet.
    pub fn read(&self) -> Result<Book, FileError> {
        let path = self.path();
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(MAX_BYTES + 1)
                .read_to_end(&mut bytes)
                .map_err(|source| FileError::Read {
                    path: path.clone(),
                    source,
                })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
            Err(source) => return Err(FileError::Read { path, source }),
        };
        if bytes.len() as u64 > MAX_BYTES {
            let reason = "it has more than 128 MiB".to_owned();
            return Err(FileError::Damaged { path, reason });
        }
        // The format is read first: a later one may have other fields.
        if let Ok(head) = serde_json::from_slice::<Head>(&bytes)
            && head.format > FORMAT
        {
            return Err(FileError::Newer {
                path,
                found: head.format,
                program: head.program,
            });
        }
        let book: Book = serde_json::from_slice(&bytes).map_err(|error| FileError::Damaged {
            path,
            reason: error.to_string(),
        })?;
        debug_assert_eq!(book.format(), FORMAT);
        Ok(book)
    }

    /// What the present version of the file is known by; `None` where there is none.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        let data = fs::metadata(self.path()).ok()?;
        Some((
            data.dev(),
            data.ino(),
            data.mtime(),
            data.mtime_nsec(),
            data.size(),
        ))
    }

    /// Adds an account with a password made here.
    pub fn add(&self, new: NewAccount) -> Result<Password, FileError> {
        let password = Password::generate();
        self.change(|book, hand| book.add(new, &password, hand))?;
        Ok(password)
    }

    /// Adds an account of that name and role unless there is one. Returns its password if it is new.
    pub fn ensure(&self, new: NewAccount) -> Result<Option<Password>, FileError> {
        match self.add(new) {
            Ok(password) => Ok(Some(password)),
            Err(FileError::Refused(BookError::Exists(..))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an account a new password; the old one and every token is void.
    pub fn rotate(&self, name: &AccountName) -> Result<Password, FileError> {
        let password = Password::generate();
        self.change(|book, hand| book.rotate(name, &password, hand))?;
        Ok(password)
    }

    /// Adds a token to an account.
    pub fn add_token(
        &self,
        name: &AccountName,
        label: &str,
        expires: Option<Timestamp>,
    ) -> Result<Token, FileError> {
        let token = Token::generate();
        self.change(|book, hand| book.add_token(name, &token, label, expires, hand))?;
        Ok(token)
    }

    /// Voids one token. Returns whether there was one.
    pub fn revoke(&self, token: &str) -> Result<bool, FileError> {
        self.change(|book, hand| Ok(book.revoke(token, hand)))
    }

    /// Voids the token of that id, as [`crate::TokenView`] has it. Returns whether there was one.
    pub fn revoke_id(&self, id: &str) -> Result<bool, FileError> {
        self.change(|book, hand| Ok(book.revoke_id(id, hand)))
    }

    /// Makes a link that only reads. Returns its id and its token.
    pub fn share(&self, label: &str, expires: Timestamp) -> Result<(String, Token), FileError> {
        let (token, id) = (Token::generate(), short_id());
        self.change(|book, hand| book.share(id.clone(), &token, label, expires, hand))?;
        Ok((id, token))
    }

    /// Voids a link that only reads. Returns whether there was one.
    pub fn unshare(&self, id: &str) -> Result<bool, FileError> {
        self.change(|book, hand| Ok(book.unshare(id, hand)))
    }

    /// Makes a link that signs in to an account, once. Returns its token.
    pub fn add_link(&self, name: &AccountName, expires: Timestamp) -> Result<Token, FileError> {
        let token = Token::generate();
        self.change(|book, hand| book.add_link(name, &token, expires, hand))?;
        Ok(token)
    }

    /// Takes a link that signs in; nobody can take it again. Returns its account, if it is valid.
    pub fn take_link(&self, token: &str) -> Result<Option<AccountName>, FileError> {
        self.change(|book, hand| Ok(book.take_link(token, hand.now)))
    }

    /// Lets a waiting or retired account in.
    pub fn approve(&self, name: &AccountName) -> Result<(), FileError> {
        self.change(|book, hand| book.approve(name, hand))
    }

    /// Closes an account and keeps it. Whether the device of that name is in use stays as it is.
    pub fn retire(&self, name: &AccountName) -> Result<(), FileError> {
        self.change(|book, hand| book.retire(name, hand))
    }

    /// Closes the account of a device that goes out of use, and remembers that this was why: a service that follows the accounts
    /// puts the device out of use, too.
    pub fn retire_with_device(&self, name: &AccountName) -> Result<(), FileError> {
        self.change(|book, hand| book.retire_with_device(name, hand))
    }

    /// Notes that the device of a closed account is in use again. The account stays closed.
    pub fn return_device(&self, name: &AccountName) -> Result<(), FileError> {
        self.change(|book, hand| book.return_device(name, hand))
    }

    /// Removes an account.
    pub fn forget(&self, name: &AccountName) -> Result<(), FileError> {
        self.change(|book, hand| book.forget(name, hand))
    }

    /// Changes what people call it, and where it is; `None` leaves either.
    pub fn rename(
        &self,
        name: &AccountName,
        label: Option<String>,
        location: Option<String>,
    ) -> Result<(), FileError> {
        self.change(|book, hand| book.rename(name, label, location, hand))
    }

    /// Opens the door for devices without an account. Returns when it closes.
    pub fn open_pairing(&self) -> Result<Timestamp, FileError> {
        self.change(|book, hand| Ok(book.open_pairing(hand)))
    }

    /// Closes the door for devices without an account.
    pub fn close_pairing(&self) -> Result<(), FileError> {
        self.change(|book, hand| {
            book.close_pairing(hand);
            Ok(())
        })
    }

    /// Binds a device to its password, if the door is open.
    pub(crate) fn introduce(
        &self,
        name: AccountName,
        password: PasswordHash,
        newcomer: Newcomer<'_>,
    ) -> Result<(), FileError> {
        self.change(|book, hand| book.introduce(name, password, newcomer, hand.now))
    }

    /// Notes what waiting devices have sent first.
    pub(crate) fn heard(&self, messages: &[(AccountName, String, Vec<u8>)]) -> Result<(), FileError> {
        self.change(|book, _| {
            for (name, topic, payload) in messages {
                book.heard(name, topic, payload);
            }
            Ok(())
        })
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&mut Book, Hand<'_>) -> Result<T, BookError>,
    ) -> Result<T, FileError> {
        let path = self.path();
        let failed = |source| FileError::Write {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(failed)?;
        let lock = private(&self.dir.join("accounts.lock")).map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let mut book = self.read()?;
        let hand = Hand {
            by: &self.by,
            now: Timestamp::now(),
        };
        let done = work(&mut book, hand)?;
        let written = Written {
            program: env!("CARGO_PKG_VERSION"),
            book: &book,
        };
        let bytes = serde_json::to_vec_pretty(&written).expect("accounts are plain data");
        write_private(&path, &bytes).map_err(failed)?;
        Ok(done)
    }
}

#[derive(serde::Deserialize)]
struct Head {
    format: u32,
    #[serde(default)]
    program: String,
}

/// The file's content.
#[derive(serde::Serialize)]
struct Written<'a> {
    /// Which version wrote it, for those who meet it with an older one.
    program: &'static str,
    #[serde(flatten)]
    book: &'a Book,
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Puts a file with these bytes in the place of `path`, durably: after a crash there is the old one or the new one. Only its
/// owner may read it.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("json.new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&partial, path)?;
    let dir = path.parent().expect("the file is in a directory");
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        // The new file is in place for every process; only a loss of power may bring the old one back.
        warn!("the directory of the accounts cannot be synced: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
