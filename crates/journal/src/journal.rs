//! The journal's interface.
//!
//! In: entries to append; plans to make, finish and split. Each write goes to the writer thread, which replies after
//! the sync. Reads run on blocking threads and never delay it.

use std::{io, path::Path, sync::Arc, thread::JoinHandle};

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    Appended, Entry, JournalError, Options, Plan, PlanLimits, Stats,
    checkpoint::{Boundaries, Checkpoint},
    command::{Command, PlanChange},
    dedup::Filters,
    format,
    lock::DirectoryLock,
    plan, recovery,
    stats::{Counters, add, read},
    writer::{Shared, Writer},
    written_by,
};

/// Calls queued for the writer; further callers wait for a place.
const QUEUE: usize = 4096;

/// A durable log with plans. Clones share one journal; the last one dropped closes it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    shared: Arc<Shared>,
    commands: Option<mpsc::Sender<Command>>,
    /// Held while a plan is made.
    planning: tokio::sync::Mutex<()>,
    writer: Option<JoinHandle<()>>,
    _lock: DirectoryLock,
}

impl Journal {
    /// Opens or creates the journal at `options.path`. Blocks while it recovers what the last process left. A journal
    /// of a format that this version does not know is refused and left as it is.
    pub fn open(options: Options) -> Result<Self, JournalError> {
        std::fs::create_dir_all(&options.path)
            .map_err(|source| JournalError::directory(&options.path, source))?;
        let path = options.path.clone();
        format::check(&path).map_err(|error| error.naming(&path))?;
        let mut lock = DirectoryLock::acquire(&path)?;
        let opened = recovery::open(&options, Filters::default()).map_err(|error| error.naming(&path))?;
        lock.sign();
        written_by::write(&path);
        let shared = Arc::new(Shared {
            options,
            storage: RwLock::new(Some(opened.storage)),
            checkpoint: watch::Sender::new(opened.checkpoint),
            counters: Counters::default(),
        });
        add(&shared.counters.log_damages, opened.log_damages);
        let (commands, receiver) = mpsc::channel(QUEUE);
        let writer = Writer::new(Arc::clone(&shared), opened.keys);
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(|source| JournalError::directory(&shared.options.path, source))?;
        let inner = Inner {
            id: opened.id,
            shared,
            commands: Some(commands),
            planning: tokio::sync::Mutex::default(),
            writer: Some(writer),
            _lock: lock,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Returns the journal's random id, generated when it was created.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Stores `entries` in order in one atomic write, and returns the outcome of each after the sync. On an error
    /// nothing is acknowledged; after [`JournalError::Write`] the entries may still be stored, and their keys then
    /// recognise the repeat.
    pub async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, JournalError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        self.send(|reply| Command::Append { entries, reply }).await
    }

    /// Waits until there are records to plan, or an unfinished plan.
    pub async fn wait_for_records(&self) {
        self.wait_for(Checkpoint::has_work).await;
    }

    /// Waits until a record of `payload_bytes` fits.
    pub async fn wait_for_room(&self, payload_bytes: usize) {
        let max_bytes = self.inner.shared.options.max_bytes;
        self.wait_for(|checkpoint| checkpoint.bytes + crate::record::cost(payload_bytes) <= max_bytes)
            .await;
    }

    /// Returns the unfinished plan, with its boundaries unchanged, or a new one of the oldest records, which is durable
    /// before it is returned; `None` when no record waits.
    pub async fn next_plan(&self, limits: PlanLimits) -> Result<Option<Plan>, JournalError> {
        let _planning = self.inner.planning.lock().await;
        let checkpoint = self.inner.shared.checkpoint.borrow().clone();
        if let Some(boundaries) = checkpoint.plans.first() {
            return self.read_plan(boundaries.clone()).await.map(Some);
        }
        if checkpoint.records() == 0 {
            return Ok(None);
        }
        let run = self.read(checkpoint.oldest, checkpoint.next - 1, limits).await?;
        let boundaries = Boundaries {
            first: checkpoint.oldest,
            last: run.last,
            epoch: checkpoint.epoch,
            note: Vec::new(),
        };
        self.change(PlanChange::Begin {
            first: boundaries.first,
            last: boundaries.last,
        })
        .await?;
        Ok(Some(self.plan_of(boundaries, run)))
    }

    /// Removes the plan in progress and its records in one atomic write.
    pub async fn finish(&self, plan: &Plan) -> Result<(), JournalError> {
        self.finish_with(plan, Vec::new()).await
    }

    /// Finishes the plan and appends `entries` in the same atomic write: records that replace some that could not be
    /// stored. Neither the size limit nor deduplication applies to them.
    pub async fn finish_with(&self, plan: &Plan, entries: Vec<Entry>) -> Result<(), JournalError> {
        let (first, last, bytes) = (plan.first, plan.last, plan.bytes);
        self.change(PlanChange::Finish {
            first,
            last,
            bytes,
            entries,
        })
        .await
    }

    /// Replaces the plan in progress durably by `first..=boundary` and `boundary + 1..=last`, each with its own token;
    /// `next_plan` then returns the first. Both keep `note`, in which the caller records which parts of the plan are
    /// already done and must not be repeated under another token.
    pub async fn split(&self, plan: &Plan, boundary: u64, note: &[u8]) -> Result<(), JournalError> {
        let (first, last, note) = (plan.first, plan.last, note.to_vec());
        self.change(PlanChange::Split {
            first,
            last,
            boundary,
            note,
        })
        .await
    }

    /// Does `work` with the journal's directory while its files are closed: a copy taken then holds whole groups, and
    /// whatever was acknowledged before the call. Appends wait meanwhile, so it has to be short.
    pub async fn while_closed(
        &self,
        work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), JournalError> {
        let work = Box::new(work);
        self.send(|reply| Command::WhileClosed { work, reply }).await
    }

    /// The current figures.
    pub fn stats(&self) -> Stats {
        let shared = &self.inner.shared;
        let (checkpoint, counters) = (shared.checkpoint.borrow(), &shared.counters);
        Stats {
            records: checkpoint.records(),
            bytes: checkpoint.bytes,
            max_bytes: shared.options.max_bytes,
            next_seq: checkpoint.next,
            plans: checkpoint.plans.len() as u64,
            stored: read(&counters.stored),
            duplicates: read(&counters.duplicates),
            full_rejections: read(&counters.full_rejections),
            groups: read(&counters.groups),
            write_failures: read(&counters.write_failures),
            damaged: read(&counters.damaged),
            log_damages: read(&counters.log_damages),
        }
    }

    async fn read_plan(&self, boundaries: Boundaries) -> Result<Plan, JournalError> {
        let everything = PlanLimits {
            max_records: usize::MAX,
            max_bytes: usize::MAX,
        };
        let run = self.read(boundaries.first, boundaries.last, everything).await?;
        Ok(self.plan_of(boundaries, run))
    }

    async fn read(&self, first: u64, last: u64, limits: PlanLimits) -> Result<plan::Run, JournalError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move || {
            let guard = shared.storage.read();
            let storage = guard
                .as_ref()
                .ok_or_else(|| JournalError::read(fjall::Error::Poisoned))?;
            plan::read(storage, first..=last, limits)
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| JournalError::Closed)?
    }

    fn plan_of(&self, boundaries: Boundaries, run: plan::Run) -> Plan {
        for damage in &run.damaged {
            tracing::error!(
                first = damage.first,
                last = damage.last,
                reason = damage.reason,
                "journal records are damaged"
            );
            add(
                &self.inner.shared.counters.damaged,
                damage.last - damage.first + 1,
            );
        }
        Plan {
            token: plan::token(&self.inner.id, &boundaries),
            first: boundaries.first,
            last: boundaries.last,
            records: run.records,
            damaged: run.damaged,
            note: boundaries.note,
            bytes: run.bytes,
        }
    }

    async fn change(&self, change: PlanChange) -> Result<(), JournalError> {
        self.send(|reply| Command::Change { change, reply }).await
    }

    async fn send<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Command,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let commands = self.inner.commands.as_ref().expect("only drop takes the sender");
        commands
            .send(command(reply))
            .await
            .map_err(|_| JournalError::Closed)?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    async fn wait_for(&self, condition: impl FnMut(&Checkpoint) -> bool) {
        let mut checkpoint = self.inner.shared.checkpoint.subscribe();
        let _ = checkpoint.wait_for(condition).await;
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("id", &self.inner.id)
            .field("path", &self.inner.shared.options.path)
            .finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        // Closed before the lock is released, so that the next owner finds no activity.
        *self.shared.storage.write() = None;
    }
}
