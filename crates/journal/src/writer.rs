//! The one thread that writes: it gathers what callers have queued into a group, commits and syncs it once, and only
//! then answers them.
//!
//! In: commands. Out: answers after the sync. While one group syncs, the next gathers; nobody else writes.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    Appended, Entry, JournalError, Key, Options,
    keys::{Filters, Keys},
    ledger::Ledger,
    record::{self, seq_key},
    salvage::{self, LogDamage},
    stats::{Counters, add},
    storage::{LEDGER, Storage},
};

const GROUP_BYTES: u64 = 4 << 20;
const GROUP_COMMANDS: usize = 16_384;
/// Segments after which the storage is opened anew: more than a gigabyte of records.
const SEGMENTS_A_LIFE: u64 = 128;
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

/// A change of the plans in progress.
pub(crate) enum PlanChange {
    Begin {
        first: u64,
        last: u64,
    },
    /// `entries` are appended in the same write, whatever the size limit: they replace what leaves.
    Finish {
        first: u64,
        last: u64,
        bytes: u64,
        entries: Vec<Entry>,
    },
    Split {
        first: u64,
        last: u64,
        boundary: u64,
        note: Vec<u8>,
    },
}

pub(crate) enum Command {
    Append {
        entries: Vec<Entry>,
        reply: Reply<Vec<Appended>>,
    },
    Change {
        change: PlanChange,
        reply: Reply<()>,
    },
}

/// What the writer shares with readers.
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// `None` between a failed write and the reopening.
    pub(crate) storage: RwLock<Option<Storage>>,
    /// The ledger as it is on disk.
    pub(crate) ledger: watch::Sender<Ledger>,
    pub(crate) counters: Counters,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    keys: Option<Keys>,
    ledger: Ledger,
    /// Cost of what was written to the last segment.
    segment_bytes: u64,
    /// When and why the storage was given up.
    failed: Option<(Instant, JournalError)>,
}

type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// Answers that wait for the sync.
#[derive(Default)]
struct Answers {
    appends: Vec<(Reply<Vec<Appended>>, Vec<Appended>)>,
    changes: Vec<Reply<()>>,
}

impl Answers {
    fn send(self, outcome: &Result<(), JournalError>) {
        for (reply, appended) in self.appends {
            let _ = reply.send(outcome.clone().map(|()| appended));
        }
        for reply in self.changes {
            let _ = reply.send(outcome.clone());
        }
    }
}

/// A group in the making.
struct Group<'a> {
    keys: &'a mut Keys,
    segment: Keyspace,
    /// Cost of the records added.
    appended_bytes: u64,
    batch: OwnedWriteBatch,
    ledger: Ledger,
    new_keys: HashSet<Key>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, keys: Keys) -> Self {
        let ledger = shared.ledger.borrow().clone();
        Self {
            shared,
            keys: Some(keys),
            ledger,
            segment_bytes: 0,
            failed: None,
        }
    }

    /// Serves commands until every sender is gone.
    pub(crate) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            self.serve(first, &mut commands);
            self.tidy();
        }
    }

    /// Gives back space that the last group made free; nobody waits for it.
    fn tidy(&mut self) {
        let outcome = match self.shared.storage.read().as_ref() {
            Some(storage) if storage.segments.created() >= SEGMENTS_A_LIFE => None,
            Some(storage) => Some(storage.segments.drop_finished(&storage.db, self.ledger.oldest)),
            None => return,
        };
        match outcome {
            Some(Ok(())) => {}
            Some(Err(error)) => self.give_up(JournalError::write(error)),
            None => self.renew(),
        }
    }

    /// Closes and opens the storage: until then, the engine keeps a trace of every segment it ever had.
    fn renew(&mut self) {
        let shared = Arc::clone(&self.shared);
        // Readers wait meanwhile.
        let mut slot = shared.storage.write();
        // All that was remembered is on disk: the filters still hold.
        let filters = self.keys.take().map(Keys::into_filters).unwrap_or_default();
        *slot = None;
        if let Err(error) = self.open_into(&mut slot, filters) {
            self.failed = Some((Instant::now(), error));
        }
    }

    fn serve(&mut self, first: Command, commands: &mut mpsc::Receiver<Command>) {
        let mut answers = Answers::default();
        let outcome = match self.reopen() {
            Ok(()) => self.commit(first, commands, &mut answers),
            Err(error) => {
                refuse(first, error.clone());
                Err(error)
            }
        };
        if let (Err(error @ (JournalError::Write { .. } | JournalError::Read { .. })), None) =
            (&outcome, &self.failed)
        {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "journal write failed, nothing of it is acknowledged"
            );
            add(&self.shared.counters.write_failures, 1);
            self.give_up(error.clone());
        }
        answers.send(&outcome);
    }

    fn commit(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
        answers: &mut Answers,
    ) -> Result<(), JournalError> {
        let shared = Arc::clone(&self.shared);
        let guard = shared.storage.read();
        let storage = guard.as_ref().expect("reopened above");
        let keys = self.keys.as_mut().expect("reopened above");
        keys.advance(storage).map_err(JournalError::write)?;
        let full = self.segment_bytes >= shared.options.segment_bytes;
        let segment = if let Some(segment) = storage.segments.last().filter(|_| !full) {
            segment
        } else {
            self.segment_bytes = 0;
            let created = storage.segments.create(&storage.db, self.ledger.next);
            created.map_err(JournalError::write)?
        };
        let mut group = Group {
            keys,
            segment,
            appended_bytes: 0,
            batch: storage.db.batch().durability(Some(PersistMode::SyncData)),
            ledger: self.ledger.clone(),
            new_keys: HashSet::new(),
        };
        let mut next = Some(first);
        let mut served = 0;
        while let Some(command) = next {
            group.add(command, &shared, answers)?;
            served += 1;
            let open = served < GROUP_COMMANDS && group.appended_bytes < GROUP_BYTES;
            next = if open { commands.try_recv().ok() } else { None };
        }
        let Group {
            mut batch,
            mut ledger,
            appended_bytes,
            ..
        } = group;
        if ledger != self.ledger {
            ledger.revision += 1;
            batch.insert(&storage.meta, LEDGER, ledger.encode());
            batch.commit().map_err(JournalError::write)?;
            add(&shared.counters.groups, 1);
            self.segment_bytes += appended_bytes;
            storage.turn_log(appended_bytes).map_err(JournalError::write)?;
        }
        add(&shared.counters.stored, ledger.next - self.ledger.next);
        self.ledger = ledger;
        shared.ledger.send_replace(self.ledger.clone());
        Ok(())
    }

    /// After a failed write the storage engine accepts nothing more: close it, and open it anew when next needed.
    fn give_up(&mut self, error: JournalError) {
        self.keys = None;
        *self.shared.storage.write() = None;
        self.failed = Some((Instant::now(), error));
    }

    fn reopen(&mut self) -> Result<(), JournalError> {
        let Some((since, error)) = &self.failed else {
            return Ok(());
        };
        if since.elapsed() < REOPEN_PAUSE {
            return Err(error.clone());
        }
        let shared = Arc::clone(&self.shared);
        let opened = self.open_into(&mut shared.storage.write(), Filters::default());
        match &opened {
            Ok(()) => tracing::info!("journal is open again"),
            Err(error) => self.failed = Some((Instant::now(), error.clone())),
        }
        opened
    }

    fn open_into(&mut self, slot: &mut Option<Storage>, filters: Filters) -> Result<(), JournalError> {
        let opened = open_storage(&self.shared.options, filters)?;
        add(&self.shared.counters.log_damages, opened.log_damages);
        self.keys = Some(opened.keys);
        *slot = Some(opened.storage);
        self.ledger = opened.ledger;
        self.shared.ledger.send_replace(self.ledger.clone());
        self.segment_bytes = 0;
        self.failed = None;
        Ok(())
    }
}

impl Group<'_> {
    fn add(&mut self, command: Command, shared: &Shared, answers: &mut Answers) -> Result<(), JournalError> {
        match command {
            Command::Append { entries, reply } => match self.append(entries, shared) {
                Ok(appended) => answers.appends.push((reply, appended)),
                Err(error @ (JournalError::Full { .. } | JournalError::TooLarge { .. })) => {
                    add(&shared.counters.full_rejections, 1);
                    let _ = reply.send(Err(error));
                }
                Err(error) => {
                    let _ = reply.send(Err(error.clone()));
                    return Err(error);
                }
            },
            Command::Change { change, reply } => match self.change(change) {
                Ok(()) => answers.changes.push(reply),
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
        }
        Ok(())
    }

    /// All entries of a call, or none.
    fn append(&mut self, entries: Vec<Entry>, shared: &Shared) -> Result<Vec<Appended>, JournalError> {
        let mut keys_of_call = HashSet::new();
        let mut duplicate = Vec::with_capacity(entries.len());
        let mut bytes = 0;
        for entry in &entries {
            let seen = match &entry.key {
                Some(key) => {
                    !keys_of_call.insert(*key)
                        || self.new_keys.contains(key)
                        || self.keys.contains(key).map_err(JournalError::read)?
                }
                None => false,
            };
            duplicate.push(seen);
            bytes += if seen { 0 } else { entry.cost() };
        }
        let max_bytes = shared.options.max_bytes;
        if bytes > max_bytes {
            return Err(JournalError::TooLarge { bytes, max_bytes });
        }
        if bytes > 0 && self.ledger.bytes + bytes > max_bytes {
            return Err(JournalError::Full {
                bytes: self.ledger.bytes,
                max_bytes,
            });
        }
        self.ledger.bytes += bytes;
        self.appended_bytes += bytes;
        add(
            &shared.counters.duplicates,
            duplicate.iter().filter(|seen| **seen).count() as u64,
        );
        Ok(entries
            .into_iter()
            .zip(duplicate)
            .map(|(entry, seen)| self.store(&entry, seen))
            .collect())
    }

    fn store(&mut self, entry: &Entry, seen: bool) -> Appended {
        if seen {
            return Appended::Duplicate;
        }
        let seq = self.ledger.next;
        self.ledger.next += 1;
        self.batch
            .insert(&self.segment, seq_key(seq), record::encode(seq, &entry.payload));
        if let Some(key) = entry.key {
            self.keys.remember(&mut self.batch, key);
            self.new_keys.insert(key);
        }
        Appended::Stored(seq)
    }

    fn change(&mut self, change: PlanChange) -> Result<(), JournalError> {
        match change {
            PlanChange::Begin { first, last } => self.ledger.begin(first, last),
            PlanChange::Finish {
                first,
                last,
                bytes,
                entries,
            } => {
                self.ledger.finish(first, last, bytes)?;
                let cost: u64 = entries.iter().map(Entry::cost).sum();
                self.ledger.bytes += cost;
                self.appended_bytes += cost;
                for entry in &entries {
                    self.store(entry, false);
                }
                Ok(())
            }
            PlanChange::Split {
                first,
                last,
                boundary,
                note,
            } => self.ledger.split(first, last, boundary, &note),
        }
    }
}

fn refuse(command: Command, error: JournalError) {
    match command {
        Command::Append { reply, .. } => {
            let _ = reply.send(Err(error));
        }
        Command::Change { reply, .. } => {
            let _ = reply.send(Err(error));
        }
    }
}

pub(crate) struct Opened {
    pub(crate) storage: Storage,
    pub(crate) keys: Keys,
    pub(crate) id: String,
    pub(crate) ledger: Ledger,
    pub(crate) log_damages: u64,
}

pub(crate) fn open_storage(options: &Options, filters: Filters) -> Result<Opened, JournalError> {
    let open = |source| JournalError::Open {
        path: options.path.clone(),
        source: Arc::new(source),
    };
    let log = salvage::repair(&options.path)?;
    for LogDamage {
        file,
        offset,
        bytes,
        saved_records,
    } in &log.damaged
    {
        tracing::error!(file = %file.display(), offset, bytes, saved_records, "journal log is damaged; the file was set aside");
    }
    let storage = Storage::open_existing(&options.path)?;
    let saved = salvage::saved(&options.path)?;
    if let Some(saved) = &saved {
        storage.restore(saved)?;
    }
    let (id, mut ledger) = storage.load()?;
    if saved.is_some() {
        // Numbers may come back that a lost record had: under a new epoch their tokens are new, too.
        ledger.epoch += 1;
        storage.save(&ledger)?;
    }
    storage
        .segments
        .drop_finished(&storage.db, ledger.oldest)
        .map_err(open)?;
    let mut keys = Keys::open(&storage, options.key_retention, filters).map_err(open)?;
    if let Some(saved) = &saved {
        keys.restore(&storage, &saved.keys)?;
        salvage::forget_saved(&options.path)?;
    }
    Ok(Opened {
        storage,
        keys,
        id,
        ledger,
        log_damages: log.damaged.len() as u64,
    })
}
