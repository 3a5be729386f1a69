//! Recovery: opens a journal's storage with what an earlier process left in it.
//!
//! In: a directory that this process has locked. Out: storage that is ready for writes. Formats are checked first, then
//! the log is repaired, then the storage engine opens it.

use std::sync::Arc;

use crate::{
    JournalError, LogDamage, Options,
    checkpoint::Checkpoint,
    dedup::{DedupIndex, Filters},
    format, salvage,
    storage::Storage,
};

/// An open journal's state.
pub(crate) struct Opened {
    pub(crate) storage: Storage,
    pub(crate) keys: DedupIndex,
    pub(crate) id: String,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) log_damages: u64,
}

/// Opens the storage. `filters` are those of an earlier opening by this process.
pub(crate) fn open(options: &Options, filters: Filters) -> Result<Opened, JournalError> {
    let failed = |source| JournalError::Open {
        path: options.path.clone(),
        source: Arc::new(source),
    };
    format::check(&options.path)?;
    format::remove_unfinished(&options.path)?;
    let log = salvage::repair(&options.path)?;
    for LogDamage {
        file,
        offset,
        bytes,
        saved_records,
    } in &log.damaged
    {
        tracing::error!(
            file = %file.display(), offset, bytes, saved_records,
            "journal log is damaged; the file was set aside"
        );
    }
    let storage = Storage::open(&options.path)?;
    let saved = salvage::saved(&options.path)?;
    if let Some(saved) = &saved {
        storage.restore(saved)?;
    }
    let (id, mut checkpoint) = storage.load()?;
    if saved.is_some() {
        // The numbers of lost records may be used again; the new epoch keeps their tokens unique.
        checkpoint.epoch += 1;
        storage.save(&checkpoint)?;
    }
    storage
        .segments
        .drop_finished(&storage.db, checkpoint.oldest)
        .map_err(failed)?;
    let mut keys = DedupIndex::open(&storage, options.key_retention, filters).map_err(failed)?;
    if let Some(saved) = &saved {
        keys.restore(&storage, &saved.keys)?;
        salvage::forget_saved(&options.path)?;
    }
    Ok(Opened {
        storage,
        keys,
        id,
        checkpoint,
        log_damages: log.damaged.len() as u64,
    })
}
