//! The deduplication keys of recent records: one keyspace for each slice of time, dropped whole when it expires.
//!
//! In: keys to look up and to insert. Time follows the monotonic clock and only starts from the wall clock, so a clock
//! that jumps neither drops keys early nor keeps them for ever.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};

use crate::{JournalError, Key, filter::Filter, storage::Storage};

const PREFIX: &str = "keys-";
/// A key is kept for the retention and up to one slice more.
const SLICES: u32 = 6;
/// A slice with more keys is not read when the journal opens; each look-up then goes to disk until the slice expires.
const READ_ON_OPEN: usize = 100_000;

struct Slice {
    start_ms: u64,
    keyspace: Keyspace,
    filter: Filter,
}

/// The filters of slices by start time; they are kept when the storage is reopened.
pub(crate) type Filters = HashMap<u64, Filter>;

pub(crate) struct DedupIndex {
    retention: Duration,
    /// Oldest first.
    slices: VecDeque<Slice>,
    base_ms: u64,
    base: Instant,
}

impl DedupIndex {
    /// `known` are filters that hold every key of their slice; the others are built from disk.
    pub(crate) fn open(
        storage: &Storage,
        retention: Duration,
        mut known: Filters,
    ) -> Result<Self, fjall::Error> {
        let mut slices = Vec::new();
        for name in storage.db.list_keyspace_names() {
            if let Some(start_ms) = name.strip_prefix(PREFIX).and_then(|start| start.parse().ok()) {
                let keyspace = storage.keys(&name)?;
                let filter = match known.remove(&start_ms) {
                    Some(filter) => filter,
                    None => read_filter(&keyspace)?,
                };
                slices.push(Slice {
                    start_ms,
                    keyspace,
                    filter,
                });
            }
        }
        slices.sort_by_key(|slice| slice.start_ms);
        let newest = slices.last().map_or(0, |slice| slice.start_ms);
        let mut index = Self {
            retention,
            slices: slices.into(),
            base_ms: wall_clock_ms().max(newest),
            base: Instant::now(),
        };
        index.advance(storage)?;
        Ok(index)
    }

    /// Opens the current slice and drops expired ones; to be called before each group.
    pub(crate) fn advance(&mut self, storage: &Storage) -> Result<(), fjall::Error> {
        let now = self.base_ms + self.base.elapsed().as_millis() as u64;
        let span = (self.retention / SLICES).as_millis().max(1) as u64;
        if self
            .slices
            .back()
            .is_none_or(|slice| now - slice.start_ms >= span)
        {
            let keyspace = storage.keys(&format!("{PREFIX}{now}"))?;
            self.slices.push_back(Slice {
                start_ms: now,
                keyspace,
                filter: Filter::default(),
            });
        }
        let lifetime = self.retention.as_millis() as u64 + span;
        while self.slices.len() > 1 && self.slices[0].start_ms + lifetime < now {
            let expired = self.slices.pop_front().expect("there are at least two slices");
            storage.db.delete_keyspace(expired.keyspace)?;
        }
        Ok(())
    }

    pub(crate) fn contains(&self, key: &Key) -> Result<bool, fjall::Error> {
        for slice in self.slices.iter().rev() {
            if slice.filter.may_contain(&key.0) && slice.keyspace.contains_key(key.0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts back keys saved from a damaged log; they expire as new ones do.
    pub(crate) fn restore(&mut self, storage: &Storage, keys: &[Key]) -> Result<(), JournalError> {
        let mut batch = storage.db.batch().durability(Some(PersistMode::SyncAll));
        for key in keys {
            self.insert(&mut batch, *key);
        }
        batch.commit().map_err(JournalError::write)
    }

    /// The filters, for the next opening of the same storage.
    pub(crate) fn into_filters(self) -> Filters {
        let filters = self
            .slices
            .into_iter()
            .map(|slice| (slice.start_ms, slice.filter));
        filters.collect()
    }

    pub(crate) fn insert(&mut self, batch: &mut OwnedWriteBatch, key: Key) {
        let newest = self.slices.back_mut().expect("advance opened a slice");
        newest.filter.insert(&key.0);
        batch.insert(&newest.keyspace, key.0, key.checksum());
    }
}

fn read_filter(keyspace: &Keyspace) -> Result<Filter, fjall::Error> {
    let mut filter = Filter::default();
    for (n, entry) in keyspace.iter().enumerate() {
        if n >= READ_ON_OPEN {
            return Ok(Filter::saturated());
        }
        filter.insert(&entry.key()?);
    }
    Ok(filter)
}

fn wall_clock_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64)
}
