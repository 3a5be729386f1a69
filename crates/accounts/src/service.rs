//! The accounts as a running service sees them: it follows the file, and says when something has changed.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    account::{AccountName, Pending},
    attempts::LoginLimits,
    book::Book,
    file::{AccountsFile, FileError, Stamp},
    login::Gate,
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// First messages of waiting devices that wait to be written.
const MAX_HEARD: usize = 128;

/// All accounts, followed.
pub struct Accounts {
    file: AccountsFile,
    current: RwLock<Arc<Book>>,
    looked: Mutex<Looked>,
    /// Held by the look that somebody asked for, until it is over, whoever still waits for it: however many ask, they take one
    /// thread.
    turn: Arc<tokio::sync::Mutex<()>>,
    problem: Mutex<Option<String>>,
    changed: watch::Sender<u64>,
    heard: Mutex<Vec<(AccountName, String, Vec<u8>)>>,
    pub(crate) gate: Gate,
}

/// The last look at the file.
struct Looked {
    stamp: Option<Stamp>,
    at: Instant,
}

/// How often passwords were asked for, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Changes of the file that were followed.
    pub changes: u64,
    /// Wrong names or passwords.
    pub failures: u64,
    /// Refused without a look, after too many of them.
    pub throttled: u64,
    /// Passwords that cost an argon2id.
    pub hashed: u64,
}

impl Accounts {
    /// Reads the file. A file that cannot be read is an error here; later the accounts of before stay in force.
    pub fn open(file: AccountsFile) -> Result<Arc<Self>, FileError> {
        Self::open_with(file, LoginLimits::default())
    }

    /// The same with limits of one's own.
    pub fn open_with(file: AccountsFile, limits: LoginLimits) -> Result<Arc<Self>, FileError> {
        let stamp = file.stamp();
        let book = file.read()?;
        Self::of(file, stamp, book, limits)
    }

    /// Accounts that another process hands over: a process that may read no file of theirs knows them by
    /// [`Accounts::take_over`].
    pub fn handed(book: Book) -> Result<Arc<Self>, FileError> {
        Self::of(
            AccountsFile::new(Path::new(""), ""),
            None,
            book,
            LoginLimits::default(),
        )
    }

    /// Puts other accounts in the place of those that were handed over before.
    pub fn take_over(&self, book: Book) {
        *self.current.write() = Arc::new(book);
        self.changed.send_modify(|version| *version += 1);
    }

    fn of(
        file: AccountsFile,
        stamp: Option<Stamp>,
        book: Book,
        limits: LoginLimits,
    ) -> Result<Arc<Self>, FileError> {
        let gate = Gate::start(limits).map_err(|source| FileError::Read {
            path: file.path(),
            source,
        })?;
        Ok(Arc::new(Self {
            file,
            current: RwLock::new(Arc::new(book)),
            looked: Mutex::new(Looked {
                stamp,
                at: Instant::now(),
            }),
            turn: Arc::default(),
            problem: Mutex::new(None),
            changed: watch::Sender::new(0),
            heard: Mutex::default(),
            gate,
        }))
    }

    /// The accounts of now.
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.current.read())
    }

    /// The accounts of now; where they do not have what is asked for, looked at anew: it may just have been made. Whoever asks for
    /// what is known does not wait for that.
    pub async fn book_that(self: &Arc<Self>, has: impl Fn(&Book) -> bool + Send) -> Arc<Book> {
        let book = self.book();
        if has(&book) {
            return book;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Another one may have looked meanwhile.
        let book = self.book();
        if has(&book) {
            return book;
        }
        let accounts = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || {
            // Whoever asked may wait no longer.
            let _turn = turn;
            accounts.reload();
        });
        if looked.await.is_err() {
            warn!("the accounts could not be looked at");
        }
        self.book()
    }

    pub(crate) async fn book_with(self: &Arc<Self>, name: &str) -> Arc<Book> {
        self.book_that(|book| book.get(name).is_some()).await
    }

    /// The file they live in.
    pub const fn file(&self) -> &AccountsFile {
        &self.file
    }

    /// Why the file cannot be read, if it cannot.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    /// Tells after each change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Until when devices may introduce themselves.
    pub fn pairing(&self) -> Option<Timestamp> {
        self.book().pairing(Timestamp::now())
    }

    /// How often passwords were asked for.
    pub fn counters(&self) -> Counters {
        Counters {
            changes: *self.changed.borrow(),
            failures: self.gate.failures.load(Relaxed),
            throttled: self.gate.throttled.load(Relaxed),
            hashed: self.gate.hashed.load(Relaxed),
        }
    }

    /// Notes a message of a device that waits to be approved, to be shown to the person who does. Does not wait.
    pub fn heard(&self, name: &AccountName, topic: &str, payload: &[u8]) {
        let book = self.book();
        let waiting = book
            .get(name.as_str())
            .and_then(|(_, account)| account.pending.as_ref());
        let is_new = waiting.is_some_and(|pending| {
            pending.first.len() < Pending::MAX_FIRST && pending.first.iter().all(|(known, _)| known != topic)
        });
        let mut heard = self.heard.lock();
        let is_noted = heard
            .iter()
            .any(|(other, known, _)| other == name && known == topic);
        if is_new && !is_noted && heard.len() < MAX_HEARD {
            let beginning = payload[..payload.len().min(512)].to_vec();
            heard.push((name.clone(), topic.to_owned(), beginning));
        }
    }

    /// Follows the file, for as long as it is awaited.
    pub async fn follow(self: Arc<Self>) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let accounts = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || {
                accounts.write_heard();
                accounts.reload();
            });
            if looked.await.is_err() {
                warn!("the accounts could not be looked at");
            }
        }
    }

    /// Reads the file again if it is another one. When this returns, what was written before is in force. It waits for the disk: not
    /// for tasks.
    pub fn reload(&self) {
        // Held until what was read is in force: whoever asks meanwhile waits for it, and nothing older replaces it.
        let mut looked = self.looked.lock();
        let stamp = self.file.stamp();
        // One that cannot be read is tried again, but not for every stranger who asks.
        if looked.stamp == stamp && (self.problem.lock().is_none() || looked.at.elapsed() < LOOK) {
            return;
        }
        *looked = Looked {
            stamp,
            at: Instant::now(),
        };
        match self.file.read() {
            Ok(_) if stamp.is_none() && self.book().iter().next().is_some() => {
                self.tell(format!(
                    "{} is gone; those who are known stay known until the next start",
                    self.file.path().display()
                ));
            }
            Ok(book) => {
                *self.current.write() = Arc::new(book);
                if self.problem.lock().take().is_some() {
                    info!("the accounts can be read again");
                }
                self.changed.send_modify(|version| *version += 1);
            }
            Err(error) => self.tell(error.to_string()),
        }
    }

    fn tell(&self, problem: String) {
        let mut known = self.problem.lock();
        if known.as_ref() != Some(&problem) {
            warn!("the accounts of before stay in force: {problem}");
            *known = Some(problem);
        }
    }

    fn write_heard(&self) {
        let heard = std::mem::take(&mut *self.heard.lock());
        if !heard.is_empty()
            && let Err(error) = self.file.by("pairing").heard(&heard)
        {
            warn!("what waiting devices sent first cannot be noted: {error}");
        }
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
