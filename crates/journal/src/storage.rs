//! The storage engine's side of a journal: which keyspaces exist and how they are opened.
//!
//! In: a directory. Out: handles. Only `writer` writes through them.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{PartitioningPolicy, PinningPolicy},
};
use rand::Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    JournalError,
    ledger::Ledger,
    record::{cost, seq_key},
    salvage::Saved,
    segments::Segments,
};

pub(crate) const ID: &str = "id";
pub(crate) const LEDGER: &str = "ledger";

const KEYS_MEMTABLE: u64 = 8 << 20;
const CACHE: u64 = 8 << 20;
const OPEN_FILES: usize = 128;
const LOG_FILES: u64 = 128 << 20;
/// After so many bytes the log is given a chance to start a new file and drop old ones; the engine itself only does
/// so when it flushes, and dropped segments never are.
const LOG_TURN: u64 = 64 << 20;

pub(crate) struct Storage {
    pub(crate) db: Database,
    pub(crate) segments: Segments,
    pub(crate) meta: Keyspace,
    written: AtomicU64,
}

impl Storage {
    pub(crate) fn open(directory: &Path) -> Result<Self, fjall::Error> {
        let db = Database::builder(directory)
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
            db,
            segments,
            meta,
            written: AtomicU64::new(0),
        })
    }

    /// The storage of the journal at `path`.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, JournalError> {
        let open = |source| JournalError::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        };
        Self::open(&path.join("log")).map_err(open)
    }

    /// Notes that `bytes` went into the log, and keeps the log's files from piling up.
    pub(crate) fn turn_log(&self, bytes: u64) -> Result<(), fjall::Error> {
        if self.written.fetch_add(bytes, Relaxed) + bytes >= LOG_TURN {
            self.written.store(0, Relaxed);
            self.meta.rotate_memtable()?;
        }
        Ok(())
    }

    pub(crate) fn keys(&self, name: &str) -> Result<Keyspace, fjall::Error> {
        // Nearly every look-up is for a key that is not there: the filters must answer without reading the disk.
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(KEYS_MEMTABLE)
                .filter_block_pinning_policy(PinningPolicy::all(true))
                .filter_block_partitioning_policy(PartitioningPolicy::all(false))
        };
        self.db.keyspace(name, options)
    }

    /// The journal's id and ledger; both are made, durably, when this is a new journal.
    pub(crate) fn load(&self) -> Result<(String, Ledger), JournalError> {
        let id = self.meta.get(ID).map_err(JournalError::read)?;
        let stored = self.meta.get(LEDGER).map_err(JournalError::read)?;
        let is_new = id.is_none() && stored.is_none() && self.last_record()?.is_none();
        if is_new {
            let (id, ledger) = (new_id(), Ledger::new());
            self.create(&id, &ledger)?;
            return Ok((id, ledger));
        }
        let ledger = match Ledger::decode(&stored.unwrap_or_default()) {
            Ok(ledger) => self.reconcile(ledger)?,
            Err(error) => {
                tracing::error!(%error, "rebuilding the journal's ledger from its records; rows of an unfinished plan may come twice");
                self.rebuild()
            }
        };
        let Some(id) = id.as_deref().and_then(parse_id) else {
            tracing::error!("the journal's id is lost; rows of an unfinished plan may come twice");
            let id = new_id();
            self.create(&id, &ledger)?;
            return Ok((id, ledger));
        };
        Ok((id, ledger))
    }

    fn create(&self, id: &str, ledger: &Ledger) -> Result<(), JournalError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.meta, ID, id.as_bytes());
        batch.insert(&self.meta, LEDGER, ledger.encode());
        batch.commit().map_err(JournalError::write)
    }

    /// Writes the ledger alone.
    pub(crate) fn save(&self, ledger: &Ledger) -> Result<(), JournalError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(&self.meta, LEDGER, ledger.encode());
        batch.commit().map_err(JournalError::write)
    }

    /// Records beyond the ledger's end mean that a ledger write was lost to damage: their numbers are taken.
    fn reconcile(&self, mut ledger: Ledger) -> Result<Ledger, JournalError> {
        if let Some(last) = self.last_record()?.filter(|&last| last >= ledger.next) {
            ledger.next = last + 1;
            ledger.epoch += 1;
        }
        Ok(ledger)
    }

    fn rebuild(&self) -> Ledger {
        let mut ledger = Ledger {
            epoch: 1,
            ..Ledger::new()
        };
        let mut first = None;
        for record in self.segments.range(0..=u64::MAX) {
            let Ok((seq, value)) = record else { continue };
            first.get_or_insert(seq);
            ledger.next = seq + 1;
            ledger.bytes += cost(value.len());
        }
        ledger.oldest = first.unwrap_or(ledger.next);
        ledger
    }

    fn last_record(&self) -> Result<Option<u64>, JournalError> {
        self.segments.last_record().map_err(JournalError::read)
    }

    /// Puts back what was saved from a damaged log: records and keys as they were, the ledger if nothing newer came.
    pub(crate) fn restore(&self, saved: &Saved) -> Result<(), JournalError> {
        let stored = self.meta.get(LEDGER).map_err(JournalError::read)?;
        let ledger = stored.and_then(|stored| Ledger::decode(&stored).ok());
        let newest = ledger
            .into_iter()
            .chain(saved.ledgers.iter().cloned())
            .max_by_key(|ledger| ledger.revision);
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
        if let Some(ledger) = &newest {
            batch.insert(&self.meta, LEDGER, ledger.encode());
        }
        if let Some(id) = &saved.id {
            batch.insert(&self.meta, ID, id.as_bytes());
        }
        batch.commit().map_err(JournalError::write)
    }
}

/// Twelve random hexadecimal digits and four that check them.
fn new_id() -> String {
    let random = format!("{:012x}", rand::rng().random::<u64>() >> 16);
    let check = id_check(random.as_bytes());
    random + &check
}

pub(crate) fn parse_id(stored: &[u8]) -> Option<String> {
    let (random, check) = stored.split_at_checked(12)?;
    (check == id_check(random).as_bytes()).then(|| String::from_utf8_lossy(stored).into_owned())
}

fn id_check(random: &[u8]) -> String {
    format!("{:04x}", xxh3_64(random) as u16)
}
