//! The only thread that writes: it gathers queued commands into a group, commits and syncs the group once, and only
//! then replies.
//!
//! In: commands. Out: replies after the sync. While one group syncs, the next one queues, and may wait for company.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use fjall::PersistMode;
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};

use crate::{
    JournalError, Options,
    checkpoint::{self, Checkpoint},
    command::{Command, Reply, Work},
    dedup::{DedupIndex, Filters},
    group::{Group, PendingReplies},
    pace::Pace,
    recovery,
    stats::{Counters, add},
    storage::Storage,
};

const GROUP_BYTES: u64 = 4 << 20;
const GROUP_COMMANDS: usize = 16_384;
/// Segments after which the storage is reopened: more than a gigabyte of records.
const SEGMENTS_PER_OPENING: u64 = 128;
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

/// What the writer shares with readers.
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// `None` between a failed write and the reopening.
    pub(crate) storage: RwLock<Option<Storage>>,
    /// The checkpoint as it is on disk.
    pub(crate) checkpoint: watch::Sender<Checkpoint>,
    pub(crate) counters: Counters,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    keys: Option<DedupIndex>,
    checkpoint: Checkpoint,
    /// Cost of the records in the last segment.
    segment_bytes: u64,
    pace: Pace,
    /// When and why the storage was closed.
    failed: Option<(Instant, JournalError)>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, keys: DedupIndex) -> Self {
        let checkpoint = shared.checkpoint.borrow().clone();
        Self {
            shared,
            keys: Some(keys),
            checkpoint,
            segment_bytes: 0,
            pace: Pace::new(),
            failed: None,
        }
    }

    /// Serves commands until every sender is gone.
    pub(crate) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            self.wait_for_company(&commands);
            let next = self.checkpoint.next;
            self.pace.begin(Instant::now());
            self.serve(first, &mut commands);
            self.pace.end(self.checkpoint.next - next);
            self.drop_finished_segments();
        }
    }

    fn wait_for_company(&mut self, commands: &mpsc::Receiver<Command>) {
        let Some(pause) = self.pace.pause(Instant::now()) else {
            return;
        };
        std::thread::sleep(pause / 2);
        let early = commands.len();
        std::thread::sleep(pause / 2);
        self.pace.paused(commands.len() > early);
    }

    /// Frees the space of finished segments, after the replies have been sent.
    fn drop_finished_segments(&mut self) {
        let outcome = match self.shared.storage.read().as_ref() {
            Some(storage) if storage.segments.created() >= SEGMENTS_PER_OPENING => None,
            Some(storage) => Some(
                storage
                    .segments
                    .drop_finished(&storage.db, self.checkpoint.oldest),
            ),
            None => return,
        };
        match outcome {
            Some(Ok(())) => {}
            Some(Err(error)) => self.close(JournalError::write(error)),
            // While it is open, the engine keeps a trace of every segment it ever had.
            None => self.renew(|| ()),
        }
    }

    /// Closes the storage, does `work` and opens it again.
    fn renew<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let shared = Arc::clone(&self.shared);
        // Readers wait for the lock.
        let mut slot = shared.storage.write();
        // Every inserted key is on disk: the filters are still complete.
        let filters = self.keys.take().map(DedupIndex::into_filters).unwrap_or_default();
        *slot = None;
        let done = work();
        if let Err(error) = self.open_into(&mut slot, filters) {
            self.failed = Some((Instant::now(), error));
        }
        done
    }

    /// Does each work while the files are closed, unless the group before it failed.
    fn work(&mut self, works: Vec<(Work, Reply<()>)>, outcome: &Result<(), JournalError>) {
        for (work, reply) in works {
            let done = outcome.clone().and_then(|()| {
                let path = self.shared.options.path.clone();
                let done = self.renew(|| work(&path));
                done.map_err(|source| JournalError::directory(path, source))
            });
            let _ = reply.send(done);
        }
    }

    fn serve(&mut self, first: Command, commands: &mut mpsc::Receiver<Command>) {
        let mut replies = PendingReplies::default();
        let outcome = match self.reopen() {
            Ok(()) => self.commit(first, commands, &mut replies),
            Err(error) => {
                first.refuse(error.clone());
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
            self.close(error.clone());
        }
        let works = std::mem::take(&mut replies.works);
        replies.send(&outcome);
        self.work(works, &outcome);
    }

    fn commit(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
        replies: &mut PendingReplies,
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
            let created = storage.segments.create(&storage.db, self.checkpoint.next);
            created.map_err(JournalError::write)?
        };
        let mut group = Group {
            keys,
            max_bytes: shared.options.max_bytes,
            counters: &shared.counters,
            segment,
            appended_bytes: 0,
            batch: storage.db.batch().durability(Some(PersistMode::SyncData)),
            checkpoint: self.checkpoint.clone(),
            new_keys: HashSet::new(),
        };
        let mut next = Some(first);
        let mut served = 0;
        while let Some(command) = next {
            group.add(command, replies)?;
            served += 1;
            let open = served < GROUP_COMMANDS && group.appended_bytes < GROUP_BYTES;
            next = if open { commands.try_recv().ok() } else { None };
        }
        let Group {
            mut batch,
            mut checkpoint,
            appended_bytes,
            ..
        } = group;
        if checkpoint != self.checkpoint {
            checkpoint.revision += 1;
            batch.insert(&storage.meta, checkpoint::KEY, checkpoint.encode());
            batch.commit().map_err(JournalError::write)?;
            add(&shared.counters.groups, 1);
            self.segment_bytes += appended_bytes;
            storage.rotate_log(appended_bytes).map_err(JournalError::write)?;
        }
        add(&shared.counters.stored, checkpoint.next - self.checkpoint.next);
        self.checkpoint = checkpoint;
        shared.checkpoint.send_replace(self.checkpoint.clone());
        Ok(())
    }

    /// Closes the storage, which accepts nothing more after a failed write; it is reopened when next needed.
    fn close(&mut self, error: JournalError) {
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
            Ok(()) => tracing::info!("journal reopened"),
            Err(error) => self.failed = Some((Instant::now(), error.clone())),
        }
        opened
    }

    fn open_into(&mut self, slot: &mut Option<Storage>, filters: Filters) -> Result<(), JournalError> {
        let opened = recovery::open(&self.shared.options, filters)?;
        add(&self.shared.counters.log_damages, opened.log_damages);
        self.keys = Some(opened.keys);
        *slot = Some(opened.storage);
        self.checkpoint = opened.checkpoint;
        self.shared.checkpoint.send_replace(self.checkpoint.clone());
        self.segment_bytes = 0;
        self.failed = None;
        Ok(())
    }
}
