//! The keeper: sessions and retained messages that outlive the process.
//!
//! In: changes, noted on a [`Page`] in the order in which they happen in memory. Out: groups on disk, and a [`Ticket`] for
//! whoever has to wait for one. A page is open while several changes are made that belong together; they are written together
//! or not at all. One thread writes: what comes while it writes is the next group. A group with a ticket is synced, so that what
//! was acknowledged survives the loss of power, too; what only removes or marks records waits a little for more of its kind
//! and is left to the system, which survives the end of the process: without it a message comes once more.
//!
//! Lock order: the page, then the table of sessions, then a session or the retained messages. [`Kept`] may be dropped under
//! any of them.

mod loading;
mod newer;
mod op;
mod restoring;
mod storage;
mod stored;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use self::newer::NewerStorage;
pub(crate) use self::{
    loading::Loaded,
    op::Op,
    storage::StorageError,
    stored::{
        Key, Space, StoredDelivery, StoredMessage, StoredProperties, StoredSession, StoredSubscription,
        StoredWill, millis, now_ms, since,
    },
};
use crate::{message::Message, session::Session};

/// Keeps what sessions and retained messages note.
pub(crate) struct Keeper {
    book: Mutex<Book>,
    ready: Condvar,
    ledger: Arc<Ledger>,
    pub(crate) counts: Counts,
    max_bytes: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What an embedded broker keeps of sessions and retained messages, for whoever copies it.
#[derive(Clone)]
pub struct Keep(pub(crate) Arc<Keeper>);

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keep").finish_non_exhaustive()
    }
}

impl Keep {
    /// Does `work` with the storage's directory once everything noted so far is on disk, and while its files are closed.
    /// Acknowledgements wait meanwhile, so it has to be short. Fails where the storage cannot be written, or `work` does.
    pub async fn while_closed(
        &self,
        work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        self.0.while_closed(Box::new(work)).await
    }
}

/// Does `work` with the directory of a storage that no broker uses; an error where one does. Blocks.
pub fn while_unused(directory: &Path, work: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let directory = storage::Directory::claim(directory).map_err(io::Error::other)?;
    work(directory.path())
}

/// What the keeper counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) groups: AtomicU64,
    pub(crate) failures: AtomicU64,
    /// Messages that were not kept because the storage was full.
    pub(crate) without_room: AtomicU64,
    /// Damaged storages that were set aside by this start.
    pub(crate) set_aside: AtomicU64,
    /// Whether the last group could not be written.
    pub(crate) is_failing: AtomicBool,
}

/// What is done with the keeper's directory while its files are closed.
pub(crate) type Work = Box<dyn FnOnce(&Path) -> io::Result<()> + Send>;

/// What was noted and is not written.
struct Book {
    ops: Vec<Op>,
    /// What is done after the next group, and who waits for it.
    works: Vec<(Work, oneshot::Sender<io::Result<()>>)>,
    group: Arc<Group>,
    /// Sessions whose connection waits for this group.
    waiting: Vec<Arc<Session>>,
    /// Whether somebody waits.
    urgent: bool,
    closed: bool,
    next_number: u64,
}

/// Changes that are written together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    done: CancellationToken,
    failed: AtomicBool,
}

impl Group {
    /// Whether it is on disk, or never will be.
    pub(crate) fn is_over(&self) -> bool {
        self.done.is_cancelled()
    }
}

/// A wait for a group.
#[derive(Debug)]
#[must_use]
pub(crate) struct Ticket(Arc<Group>);

impl Ticket {
    /// Waits until the group is on disk; `false` where it could not be written.
    pub(crate) async fn written(self) -> bool {
        self.0.done.cancelled().await;
        !self.0.failed.load(Relaxed)
    }
}

/// What messages take, and which of them go.
#[derive(Debug, Default)]
struct Ledger {
    bytes: AtomicU64,
    messages: AtomicU64,
    /// Numbers of messages that no delivery names any more.
    dropped: Mutex<Vec<u64>>,
}

/// A message on disk, for as long as a delivery names it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    bytes: u64,
    ledger: Arc<Ledger>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.ledger.bytes.fetch_sub(self.bytes, Relaxed);
        self.ledger.messages.fetch_sub(1, Relaxed);
        self.ledger.dropped.lock().push(self.number);
    }
}

/// The way from a message to its record, while there is one.
pub(crate) type KeptLink = Mutex<Weak<Kept>>;

/// A keeper with what an earlier run has left.
pub(crate) struct Opening {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) loaded: Loaded,
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

impl Keeper {
    /// Opens the storage in `directory`, reads it and starts the thread that writes. Blocks.
    pub(crate) fn open(directory: &Path, max_bytes: usize) -> Result<Opening, StorageError> {
        let storage::Opened {
            storage,
            loaded,
            set_aside,
        } = storage::Directory::claim(directory)?.open()?;
        let keeper = Arc::new(Self {
            book: Mutex::new(Book {
                ops: loaded.surplus.iter().copied().map(Op::Remove).collect(),
                works: Vec::new(),
                group: Arc::default(),
                waiting: Vec::new(),
                urgent: false,
                closed: false,
                next_number: loaded.highest_number + 1,
            }),
            ready: Condvar::new(),
            ledger: Arc::default(),
            counts: Counts {
                set_aside: u64::from(set_aside.is_some()).into(),
                ..Counts::default()
            },
            max_bytes,
            thread: Mutex::default(),
        });
        let writer = writer::Writer::new(Arc::clone(&keeper), storage);
        let thread = std::thread::Builder::new()
            .name("broker-keeper".to_owned())
            .spawn(move || writer.run())?;
        *keeper.thread.lock() = Some(thread);
        Ok(Opening {
            keeper,
            loaded,
            set_aside,
        })
    }

    /// Opens a page. Everything else that is noted waits meanwhile.
    pub(crate) fn page(&self) -> Page<'_> {
        Page {
            keeper: self,
            book: self.book.lock(),
            written: 0,
        }
    }

    /// Writes what was noted and ends the thread. What is noted from now on is not kept. Blocks.
    pub(crate) fn close(&self) {
        self.book.lock().closed = true;
        self.ready.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the broker's storage was not written to its end");
        }
    }

    /// Does `work` with the directory once everything noted so far is on disk, and while its files are closed. What is
    /// noted meanwhile waits.
    pub(crate) async fn while_closed(&self, work: Work) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        {
            let mut book = self.book.lock();
            if book.closed {
                return Err(io::Error::other("the broker's storage is closed"));
            }
            book.works.push((work, done));
            book.urgent = true;
        }
        self.ready.notify_one();
        outcome
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the broker's storage is closed")))
    }

    /// Messages on disk and their bytes.
    pub(crate) fn size(&self) -> (u64, u64) {
        (
            self.ledger.messages.load(Relaxed),
            self.ledger.bytes.load(Relaxed),
        )
    }

    /// Counts a message in; `false` where there is no room for it.
    fn enter(&self, bytes: u64) -> bool {
        if self.ledger.bytes.load(Relaxed) + bytes > self.max_bytes as u64 {
            self.counts.without_room.fetch_add(1, Relaxed);
            return false;
        }
        self.ledger.bytes.fetch_add(bytes, Relaxed);
        self.ledger.messages.fetch_add(1, Relaxed);
        true
    }

    /// Counts a retained message of an earlier run in.
    pub(crate) fn found_retained(&self, message: &Message) {
        self.ledger.bytes.fetch_add(message.weight() as u64, Relaxed);
        self.ledger.messages.fetch_add(1, Relaxed);
    }

    /// The record of a message that an earlier run has written.
    pub(crate) fn found(&self, number: u64, message: &Message) -> Arc<Kept> {
        let bytes = message.weight() as u64;
        self.ledger.bytes.fetch_add(bytes, Relaxed);
        self.ledger.messages.fetch_add(1, Relaxed);
        let kept = Arc::new(Kept {
            number,
            bytes,
            ledger: Arc::clone(&self.ledger),
        });
        *message.kept.lock() = Arc::downgrade(&kept);
        kept
    }
}

/// Changes that belong together.
pub(crate) struct Page<'a> {
    keeper: &'a Keeper,
    book: MutexGuard<'a, Book>,
    written: usize,
}

impl Page<'_> {
    /// Notes a change.
    pub(crate) fn put(&mut self, op: Op) {
        if !self.book.closed {
            self.book.ops.push(op);
            self.written += 1;
        }
    }

    /// Notes a message, unless it has a record already; `None` where there is no room for it.
    pub(crate) fn keep(&mut self, message: &Arc<Message>) -> Option<Arc<Kept>> {
        let mut link = message.kept.lock();
        if let Some(kept) = link.upgrade() {
            return Some(kept);
        }
        let bytes = message.weight() as u64;
        if self.book.closed || !self.keeper.enter(bytes) {
            return None;
        }
        let kept = Arc::new(Kept {
            number: self.number(),
            bytes,
            ledger: Arc::clone(&self.keeper.ledger),
        });
        *link = Arc::downgrade(&kept);
        drop(link);
        self.put(Op::Message(kept.number, Arc::clone(message)));
        Some(kept)
    }

    /// A number that no record has.
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.book.next_number;
        self.book.next_number += 1;
        number
    }

    /// Counts a retained message in; `false` where there is no room for it.
    pub(crate) fn enter(&self, bytes: usize) -> bool {
        self.keeper.enter(bytes as u64)
    }

    /// Counts a retained message out.
    pub(crate) fn leave(&self, bytes: usize) {
        self.keeper.ledger.bytes.fetch_sub(bytes as u64, Relaxed);
        self.keeper.ledger.messages.fetch_sub(1, Relaxed);
    }

    /// The group that this page will be part of; the session's connection is woken when it is written.
    pub(crate) fn group(&mut self, session: &Arc<Session>) -> Arc<Group> {
        self.book.waiting.push(Arc::clone(session));
        Arc::clone(&self.book.group)
    }

    /// Whether anything was noted.
    pub(crate) const fn is_blank(&self) -> bool {
        self.written == 0
    }

    /// Closes the page; what it holds is written at once. `None` where it is blank.
    pub(crate) fn ticket(mut self) -> Option<Ticket> {
        if self.is_blank() {
            return None;
        }
        self.book.urgent = true;
        Some(Ticket(Arc::clone(&self.book.group)))
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if self.written > 0 && (self.book.urgent || self.book.ops.len() == self.written) {
            self.keeper.ready.notify_one();
        }
    }
}
