//! Inspection of a journal that no process has open: its contents, and whether all of it can be read.
//!
//! In: a directory. Out: figures, records, damage. It takes the journal's lock and never writes a record, a plan or a
//! repair: a damaged log is repaired in a copy, which shows what opening the journal will recover.

use std::{fs, io, path::Path};

use tempfile::TempDir;

use crate::{
    Damage, JournalError, LogDamage, PlanLimits,
    checkpoint::Checkpoint,
    format,
    lock::DirectoryLock,
    plan,
    salvage::{self, LogReport},
    storage::Storage,
};

/// The result of [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Sound batches in the log.
    pub log_groups: u64,
    /// Damaged stretches of the log. Opening the journal repairs them and saves what is sound within them.
    pub log_damaged: Vec<LogDamage>,
    /// Waiting records that are sound, those of damaged stretches included.
    pub records: u64,
    /// Waiting records that are damaged or missing.
    pub damaged: Vec<Damage>,
}

impl Verification {
    /// Whether there is no damage at all.
    pub fn is_sound(&self) -> bool {
        self.log_damaged.is_empty() && self.damaged.is_empty()
    }
}

/// The result of [`inspect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The journal's id.
    pub id: String,
    /// The number of the oldest waiting record; `next_seq` when there is none.
    pub oldest_seq: u64,
    /// The next record's number.
    pub next_seq: u64,
    /// Bytes of the waiting records.
    pub bytes: u64,
    /// Damaged stretches of the log.
    pub log_damaged: Vec<LogDamage>,
    /// Boundaries of unfinished plans.
    pub plans: Vec<(u64, u64)>,
    /// The requested records.
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
    let Snapshot {
        storage,
        checkpoint,
        log,
        ..
    } = &open(path)?;
    let mut found = Verification {
        log_groups: log.batches,
        log_damaged: log.damaged.clone(),
        records: 0,
        damaged: Vec::new(),
    };
    let mut next = checkpoint.oldest;
    while next < checkpoint.next {
        let run = plan::read(storage, next..=checkpoint.next - 1, SLICE)?;
        found.records += run.records.len() as u64;
        found.damaged.extend(run.damaged);
        next = run.last + 1;
    }
    Ok(found)
}

/// Reads up to `limit` waiting records of the journal at `path`, from number `from` or the oldest.
pub fn inspect(path: &Path, from: Option<u64>, limit: usize) -> Result<Inspection, JournalError> {
    let Snapshot {
        storage,
        id,
        checkpoint,
        log,
        ..
    } = open(path)?;
    let first = from.unwrap_or(checkpoint.oldest).max(checkpoint.oldest);
    let limits = PlanLimits {
        max_records: limit.max(1),
        max_bytes: usize::MAX,
    };
    let run = if first < checkpoint.next && limit > 0 {
        plan::read(&storage, first..=checkpoint.next - 1, limits)?
    } else {
        plan::Run::default()
    };
    Ok(Inspection {
        id,
        oldest_seq: checkpoint.oldest,
        next_seq: checkpoint.next,
        bytes: checkpoint.bytes,
        log_damaged: log.damaged,
        plans: checkpoint
            .plans
            .iter()
            .map(|plan| (plan.first, plan.last))
            .collect(),
        records: run.records,
        damaged: run.damaged,
    })
}

/// An open journal, or a repaired copy of one.
struct Snapshot {
    storage: Storage,
    id: String,
    checkpoint: Checkpoint,
    log: LogReport,
    _copy: Option<TempDir>,
    _lock: DirectoryLock,
}

fn open(path: &Path) -> Result<Snapshot, JournalError> {
    snapshot(path).map_err(|error| error.naming(path))
}

fn snapshot(path: &Path) -> Result<Snapshot, JournalError> {
    fs::metadata(path.join("log")).map_err(|source| JournalError::directory(path, source))?;
    format::check(path)?;
    let mut lock = DirectoryLock::acquire(path)?;
    let log = salvage::check(path)?;
    lock.sign();
    let unfinished_repair = path.join("saved").exists();
    let copy = (unfinished_repair || !log.damaged.is_empty())
        .then(|| copy(path))
        .transpose()?;
    let at = copy.as_ref().map_or(path, TempDir::path);
    if copy.is_some() {
        salvage::repair(at)?;
    }
    let storage = Storage::open(at)?;
    if let Some(saved) = salvage::saved(at)? {
        storage.restore(&saved)?;
    }
    let (id, checkpoint) = storage.load()?;
    Ok(Snapshot {
        storage,
        id,
        checkpoint,
        log,
        _copy: copy,
        _lock: lock,
    })
}

fn copy(path: &Path) -> Result<TempDir, JournalError> {
    fn tree(from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                tree(&entry.path(), &target)?;
            } else {
                fs::copy(entry.path(), target)?;
            }
        }
        Ok(())
    }
    let failed = |source| JournalError::directory(std::env::temp_dir(), source);
    let copy = tempfile::tempdir().map_err(failed)?;
    tree(&path.join("log"), &copy.path().join("log")).map_err(failed)?;
    let saved = path.join("saved");
    if saved.exists() {
        fs::copy(saved, copy.path().join("saved")).map_err(failed)?;
    }
    Ok(copy)
}
