//! Looking into a journal that nobody is using: what is in it, and whether all of it can be read.
//!
//! In: a directory. Out: figures, records, damage. It takes the journal's lock and never writes a record, a plan or a
//! repair.

use std::path::Path;

use crate::{
    Damage, JournalError, LogDamage, PlanLimits, lock::DirectoryLock, plan, salvage, storage::Storage,
};

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Sound groups in the log.
    pub log_groups: u64,
    /// Damaged stretches of the log. With any, the records were not looked at: opening the journal repairs the log.
    pub log_damaged: Vec<LogDamage>,
    /// Records that wait and are sound.
    pub records: u64,
    /// Records that wait and are not.
    pub damaged: Vec<Damage>,
}

impl Verification {
    /// Whether nothing at all is wrong.
    pub fn is_sound(&self) -> bool {
        self.log_damaged.is_empty() && self.damaged.is_empty()
    }
}

/// What [`inspect`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The journal's id.
    pub id: String,
    /// The oldest record waiting; `next_seq` when there is none.
    pub oldest_seq: u64,
    /// The next record's number.
    pub next_seq: u64,
    /// Bytes of the records waiting.
    pub bytes: u64,
    /// Boundaries of unfinished plans.
    pub plans: Vec<(u64, u64)>,
    /// The records asked for.
    pub records: Vec<(u64, Vec<u8>)>,
    /// Damage among them.
    pub damaged: Vec<Damage>,
}

/// Reads every waiting record of the journal at `path` and checks its checksum.
pub fn verify(path: &Path) -> Result<Verification, JournalError> {
    const SLICE: PlanLimits = PlanLimits {
        max_records: 10_000,
        max_bytes: 16 << 20,
    };
    let _lock = lock_existing(path)?;
    let log = salvage::check(&path.join("log"))?;
    let mut found = Verification {
        log_groups: log.groups,
        log_damaged: log.damaged,
        records: 0,
        damaged: Vec::new(),
    };
    if !found.log_damaged.is_empty() {
        return Ok(found);
    }
    let storage = Storage::open_existing(path)?;
    let (_, ledger) = storage.load()?;
    let mut next = ledger.oldest;
    while next < ledger.next {
        let run = plan::read(&storage, next..=ledger.next - 1, SLICE)?;
        found.records += run.records.len() as u64;
        found.damaged.extend(run.damaged);
        next = run.last + 1;
    }
    Ok(found)
}

/// Reads up to `limit` waiting records of the journal at `path`, from number `from` or the oldest.
pub fn inspect(path: &Path, from: Option<u64>, limit: usize) -> Result<Inspection, JournalError> {
    let _lock = lock_existing(path)?;
    let storage = Storage::open_existing(path)?;
    let (id, ledger) = storage.load()?;
    let first = from.unwrap_or(ledger.oldest).max(ledger.oldest);
    let limits = PlanLimits {
        max_records: limit.max(1),
        max_bytes: usize::MAX,
    };
    let run = if first < ledger.next {
        plan::read(&storage, first..=ledger.next - 1, limits)?
    } else {
        plan::Run::default()
    };
    Ok(Inspection {
        id,
        oldest_seq: ledger.oldest,
        next_seq: ledger.next,
        bytes: ledger.bytes,
        plans: ledger.plans.iter().map(|plan| (plan.first, plan.last)).collect(),
        records: run.records,
        damaged: run.damaged,
    })
}

fn lock_existing(path: &Path) -> Result<DirectoryLock, JournalError> {
    std::fs::metadata(path.join("log")).map_err(|source| JournalError::directory(path, source))?;
    DirectoryLock::acquire(path)
}
