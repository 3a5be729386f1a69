//! The storage engine's side of a journal: which keyspaces exist and how they are opened.
//!
//! In: a directory. Out: handles. Only `writer` writes through them.

use std::{path::Path, sync::Arc};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use rand::Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    JournalError,
    ledger::Ledger,
    record::{cost, parse_seq_key},
};

pub(crate) const ID: &str = "id";
pub(crate) const LEDGER: &str = "ledger";

/// Records pass through the memtable and are usually gone before it is full; keys are small.
const RECORDS_MEMTABLE: u64 = 32 << 20;
const KEYS_MEMTABLE: u64 = 8 << 20;
const CACHE: u64 = 8 << 20;
const LOG_FILES: u64 = 128 << 20;

pub(crate) struct Storage {
    pub(crate) db: Database,
    pub(crate) records: Keyspace,
    pub(crate) meta: Keyspace,
}

impl Storage {
    pub(crate) fn open(directory: &Path) -> Result<Self, fjall::Error> {
        let db = Database::builder(directory)
            .manual_journal_persist(true)
            .cache_size(CACHE)
            .max_journaling_size(LOG_FILES)
            .worker_threads(1)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(RECORDS_MEMTABLE);
        let records = db.keyspace("records", options)?;
        let meta = db.keyspace("meta", || {
            KeyspaceCreateOptions::default().max_memtable_size(KEYS_MEMTABLE)
        })?;
        Ok(Self { db, records, meta })
    }

    /// The storage of the journal at `path`.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, JournalError> {
        let open = |source| JournalError::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        };
        Self::open(&path.join("log")).map_err(open)
    }

    pub(crate) fn keys(&self, name: &str) -> Result<Keyspace, fjall::Error> {
        self.db.keyspace(name, || {
            KeyspaceCreateOptions::default().max_memtable_size(KEYS_MEMTABLE)
        })
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
        let mut batch = self.db.batch().durability(Some(fjall::PersistMode::SyncAll));
        batch.insert(&self.meta, ID, id.as_bytes());
        batch.insert(&self.meta, LEDGER, ledger.encode());
        batch.commit().map_err(JournalError::write)
    }

    /// Writes the ledger alone.
    pub(crate) fn save(&self, ledger: &Ledger) -> Result<(), JournalError> {
        let mut batch = self.db.batch().durability(Some(fjall::PersistMode::SyncAll));
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
        for guard in self.records.iter() {
            let Ok((key, value)) = guard.into_inner() else {
                continue;
            };
            let Some(seq) = parse_seq_key(&key) else { continue };
            first.get_or_insert(seq);
            ledger.next = seq + 1;
            ledger.bytes += cost(value.len());
        }
        ledger.oldest = first.unwrap_or(ledger.next);
        ledger
    }

    fn last_record(&self) -> Result<Option<u64>, JournalError> {
        let Some(guard) = self.records.last_key_value() else {
            return Ok(None);
        };
        Ok(parse_seq_key(&guard.key().map_err(JournalError::read)?))
    }

    /// The oldest record physically present.
    pub(crate) fn first_record(&self) -> Option<u64> {
        parse_seq_key(&self.records.first_key_value()?.key().ok()?)
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
