//! The thread that writes groups.

use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    Book, Group, Keeper, Op, Work as ClosedWork,
    storage::{Directory, Storage},
};
use crate::session::Session;

/// How long changes that nobody waits for wait for more of their kind, and how many of them at most.
const REST: Duration = Duration::from_millis(100);
const RESTING: usize = 1_000;
/// Pause after a failed write.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes that are held while nothing can be written; beyond, the oldest sessions' marks are the smaller loss.
const MAX_HELD: usize = 1_000_000;

pub(super) struct Writer {
    keeper: Arc<Keeper>,
    storage: Medium,
    /// Changes that could not be written, in their order.
    held: Vec<Op>,
    removed: Vec<u64>,
    failed: Option<Instant>,
}

enum Medium {
    Open(Storage),
    /// It could not be opened after a failure.
    Closed(Directory),
    /// Only while it is being opened.
    Moving,
}

/// What is written at once.
struct Work {
    ops: Vec<Op>,
    /// What is done after it, while the files are closed.
    works: Vec<(ClosedWork, oneshot::Sender<io::Result<()>>)>,
    group: Arc<Group>,
    waiting: Vec<Arc<Session>>,
    urgent: bool,
    closed: bool,
}

impl Writer {
    pub(super) fn new(keeper: Arc<Keeper>, storage: Storage) -> Self {
        Self {
            keeper,
            storage: Medium::Open(storage),
            held: Vec::new(),
            removed: Vec::new(),
            failed: None,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let work = self.next();
            let closed = work.closed;
            self.write(work);
            if closed {
                return;
            }
        }
    }

    /// Waits for a group.
    fn next(&mut self) -> Work {
        let keeper = Arc::clone(&self.keeper);
        let mut book = keeper.book.lock();
        while !(book.urgent || book.closed) {
            if !book.ops.is_empty() || !self.held.is_empty() {
                let is_due = keeper.ready.wait_for(&mut book, REST).timed_out();
                if is_due || book.ops.len() >= RESTING {
                    break;
                }
            } else {
                keeper.ready.wait(&mut book);
            }
        }
        // First these: the record of a message that is dropped by now was noted before, in this book or an earlier one.
        self.removed.append(&mut keeper.ledger.dropped.lock());
        take(&mut book)
    }

    fn write(&mut self, work: Work) {
        let Work {
            ops,
            works,
            group,
            waiting,
            urgent,
            closed,
        } = work;
        self.held.extend(ops);
        let written = self.attempt(urgent || closed);
        let counts = &self.keeper.counts;
        counts.is_failing.store(!written, Relaxed);
        if written {
            counts.groups.fetch_add(1, Relaxed);
            self.held = Vec::new();
            self.removed.clear();
        } else {
            group.failed.store(true, Relaxed);
            self.held.truncate(MAX_HELD);
        }
        group.done.cancel();
        for session in waiting {
            if let Some(link) = &session.state().link {
                link.signal();
            }
        }
        for (work, done) in works {
            let outcome = if written {
                self.while_closed(work)
            } else {
                Err(io::Error::other("the broker's storage cannot be written"))
            };
            let _ = done.send(outcome);
        }
    }

    fn while_closed(&mut self, work: ClosedWork) -> io::Result<()> {
        let directory = match std::mem::replace(&mut self.storage, Medium::Moving) {
            Medium::Open(storage) => storage.close(),
            other => {
                self.storage = other;
                return Err(io::Error::other("the broker's storage is not open"));
            }
        };
        let done = work(directory.path());
        self.storage = Medium::Closed(directory);
        if let Err(reason) = self.open_again() {
            self.fail(&reason);
        }
        done
    }

    /// Writes what is held; `false` where that fails.
    fn attempt(&mut self, sync: bool) -> bool {
        if self.held.is_empty() && self.removed.is_empty() {
            return true;
        }
        if self.failed.is_some_and(|since| since.elapsed() < PAUSE) {
            return false;
        }
        if self.failed.is_some()
            && let Err(reason) = self.open_again()
        {
            return self.fail(&reason);
        }
        let Medium::Open(storage) = &self.storage else {
            return self.fail("it is closed");
        };
        match storage.commit(&self.held, &self.removed, sync) {
            Ok(()) => {
                if self.failed.take().is_some() {
                    tracing::info!("the broker's storage takes writes again");
                }
                true
            }
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn fail(&mut self, reason: &str) -> bool {
        self.keeper.counts.failures.fetch_add(1, Relaxed);
        if self.failed.replace(Instant::now()).is_none() {
            tracing::error!(
                reason,
                "the broker's storage cannot be written: messages for it are not acknowledged until it can"
            );
        }
        false
    }

    /// The engine takes nothing after a failed write until it is opened anew.
    fn open_again(&mut self) -> Result<(), String> {
        let opened = match std::mem::replace(&mut self.storage, Medium::Moving) {
            Medium::Open(storage) => storage.reopen(),
            Medium::Closed(directory) => Storage::open_again(directory),
            Medium::Moving => return Err("it is lost".to_owned()),
        };
        match opened {
            Ok(storage) => {
                self.storage = Medium::Open(storage);
                Ok(())
            }
            Err((directory, reason)) => {
                self.storage = Medium::Closed(directory);
                Err(reason)
            }
        }
    }
}

fn take(book: &mut Book) -> Work {
    Work {
        ops: std::mem::take(&mut book.ops),
        works: std::mem::take(&mut book.works),
        group: std::mem::take(&mut book.group),
        waiting: std::mem::take(&mut book.waiting),
        urgent: std::mem::take(&mut book.urgent),
        closed: book.closed,
    }
}
