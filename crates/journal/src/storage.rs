//! The storage engine of a journal: which keyspaces it has and how they are opened.
//!
//! In: a directory. Out: handles. Only `writer` writes through them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{PartitioningPolicy, PinningPolicy},
};

use crate::{
    JournalError,
    checkpoint::{self, Checkpoint},
    id,
    record::{cost, seq_key},
    salvage::Saved,
    segments::Segments,
};

const KEYS_MEMTABLE: u64 = 8 << 20;
const CACHE: u64 = 8 << 20;
const OPEN_FILES: usize = 128;
const LOG_FILES: u64 = 128 << 20;
/// Bytes after which the log may start a new file and drop old ones. The engine does so only when it flushes, and
/// segments that are dropped early are never flushed.
const LOG_ROTATION: u64 = 64 << 20;

pub(crate) struct Storage {
    /// The journal's directory.
    path: PathBuf,
    pub(crate) db: Database,
    pub(crate) segments: Segments,
    pub(crate) meta: Keyspace,
    written: AtomicU64,
}

impl Storage {
    /// Opens or creates the storage of the journal at `path`. The format must have been checked.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_engine(path).map_err(|source| JournalError::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        })
    }

    fn open_engine(path: &Path) -> Result<Self, fjall::Error> {
        let db = Database::builder(path.join("log"))
            .manual_journal_persist(true)
            .cache_size(CACHE)
            .max_journaling_size(LOG_FILES)
            .worker_threads(1)
            .max_cached_files(Some(OPEN_FILES))
            .open()?;
        let segments = Segments::open(&db)?;
        let meta = db.keyspace("meta", || {
            KeyspaceCreateOptions::default().max_memtable_size(KEYS_MEMTABLE)
        })?;
        Ok(Self {
            path: path.to_owned(),
            db,
            segments,
            meta,
            written: AtomicU64::new(0),
        })
    }

    /// Counts `bytes` written to the log, and lets the engine rotate its files from time to time.
    pub(crate) fn rotate_log(&self, bytes: u64) -> Result<(), fjall::Error> {
        if self.written.fetch_add(bytes, Relaxed) + bytes >= LOG_ROTATION {
            self.written.store(0, Relaxed);
            self.meta.rotate_memtable()?;
        }
        Ok(())
    }

    pub(crate) fn keys(&self, name: &str) -> Result<Keyspace, fjall::Error> {
        // Most look-ups are for absent keys: the filters must answer without reading the disk.
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(KEYS_MEMTABLE)
                .filter_block_pinning_policy(PinningPolicy::all(true))
                .filter_block_partitioning_policy(PartitioningPolicy::all(false))
        };
        self.db.keyspace(name, options)
    }

    /// Returns the journal's id and checkpoint; both are created, durably, in a new journal.
    pub(crate) fn load(&self) -> Result<(String, Checkpoint), JournalError> {
        let id = self.meta.get(id::KEY).map_err(JournalError::read)?;
        let stored = self.stored_checkpoint()?;
        let is_new = id.is_none() && stored.is_none() && self.last_record()?.is_none();
        if is_new {
            let (id, checkpoint) = (id::new(), Checkpoint::new());
            self.create(&id, &checkpoint)?;
            return Ok((id, checkpoint));
        }
        let checkpoint = match Checkpoint::decode(&stored.unwrap_or_default()) {
            Ok(checkpoint) => self.reconcile(checkpoint)?,
            Err(reason) => {
                tracing::error!(
                    reason,
                    "rebuilding the journal's checkpoint from its records; rows of an unfinished plan may come twice"
                );
                self.rebuild()
            }
        };
        let Some(id) = id.as_deref().and_then(id::parse) else {
            tracing::error!("the journal's id is lost; rows of an unfinished plan may come twice");
            let id = id::new();
            self.create(&id, &checkpoint)?;
            return Ok((id, checkpoint));
        };
        Ok((id, checkpoint))
    }

    /// Returns the checkpoint as stored, sound or damaged. One of another version is an error: rebuilding or replacing
    /// it would lose plans of that version.
    fn stored_checkpoint(&self) -> Result<Option<fjall::Slice>, JournalError> {
        let stored = self.meta.get(checkpoint::KEY).map_err(JournalError::read)?;
        if let Some(version) = stored.as_deref().and_then(Checkpoint::version) {
            checkpoint::expect_version(&self.path, version)?;
        }
        Ok(stored)
    }

    fn create(&self, id: &str, checkpoint: &Checkpoint) -> Result<(), JournalError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.meta, id::KEY, id.as_bytes());
        batch.insert(&self.meta, checkpoint::KEY, checkpoint.encode());
        batch.commit().map_err(JournalError::write)
    }

    /// Writes the checkpoint alone.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> Result<(), JournalError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.meta, checkpoint::KEY, checkpoint.encode());
        batch.commit().map_err(JournalError::write)
    }

    /// Records beyond the checkpoint mean that a later checkpoint was lost to damage: their numbers are taken.
    fn reconcile(&self, mut checkpoint: Checkpoint) -> Result<Checkpoint, JournalError> {
        if let Some(last) = self.last_record()?.filter(|&last| last >= checkpoint.next) {
            checkpoint.next = last + 1;
            checkpoint.epoch += 1;
        }
        Ok(checkpoint)
    }

    fn rebuild(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            epoch: 1,
            ..Checkpoint::new()
        };
        let mut first = None;
        for record in self.segments.range(0..=u64::MAX) {
            let Ok((seq, value)) = record else { continue };
            first.get_or_insert(seq);
            checkpoint.next = seq + 1;
            checkpoint.bytes += cost(value.len());
        }
        checkpoint.oldest = first.unwrap_or(checkpoint.next);
        checkpoint
    }

    fn last_record(&self) -> Result<Option<u64>, JournalError> {
        self.segments.last_record().map_err(JournalError::read)
    }

    /// Puts back what was saved from a damaged log: records as they were, the checkpoint unless there is a newer one.
    pub(crate) fn restore(&self, saved: &Saved) -> Result<(), JournalError> {
        let stored = self.stored_checkpoint()?;
        let checkpoint = stored.and_then(|stored| Checkpoint::decode(&stored).ok());
        let newest = checkpoint
            .into_iter()
            .chain(saved.checkpoints.iter().cloned())
            .max_by_key(|checkpoint| checkpoint.revision);
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        for (seq, value) in &saved.records {
            let keyspace = match self.segments.holding(*seq) {
                Some(keyspace) => keyspace,
                None => self
                    .segments
                    .create(&self.db, *seq)
                    .map_err(JournalError::write)?,
            };
            batch.insert(&keyspace, seq_key(*seq), &value[..]);
        }
        if let Some(checkpoint) = &newest {
            batch.insert(&self.meta, checkpoint::KEY, checkpoint.encode());
        }
        if let Some(id) = &saved.id {
            batch.insert(&self.meta, id::KEY, id.as_bytes());
        }
        batch.commit().map_err(JournalError::write)
    }
}
