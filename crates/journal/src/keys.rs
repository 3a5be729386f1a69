//! The keys of recent records, which catch repeats: one keyspace for each slice of time, dropped whole when it expires.
//!
//! In: keys to look up and to remember. Time runs on the monotonic clock and only starts from the wall clock, so a
//! clock that jumps neither forgets keys nor keeps them for ever.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fjall::{Keyspace, OwnedWriteBatch, PersistMode};
use xxhash_rust::xxh3::xxh3_64;

use crate::{JournalError, Key, filter::Filter, storage::Storage};

const PREFIX: &str = "keys-";
/// A key is kept for the retention and up to one slice more.
const SLICES: u32 = 6;
/// A slice with more keys is not read at the start, but asked for each key until it expires.
const READ_AT_START: usize = 100_000;

struct Slice {
    start_ms: u64,
    keyspace: Keyspace,
    filter: Filter,
}

/// The filters of slices, by their start; they outlive a reopening of the storage.
pub(crate) type Filters = HashMap<u64, Filter>;

pub(crate) struct Keys {
    retention: Duration,
    /// Oldest first.
    slices: VecDeque<Slice>,
    base_ms: u64,
    base: Instant,
}

impl Keys {
    /// `known` are filters that nothing was left out of.
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
        let mut keys = Self {
            retention,
            slices: slices.into(),
            base_ms: wall_clock_ms().max(newest),
            base: Instant::now(),
        };
        keys.advance(storage)?;
        Ok(keys)
    }

    /// Opens the slice for now and drops expired ones; to be called before each group.
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
            if slice.filter.may_hold(&key.0) && slice.keyspace.contains_key(key.0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts back keys saved from a damaged log; from here on they live as long as new ones.
    pub(crate) fn restore(&mut self, storage: &Storage, keys: &[Key]) -> Result<(), JournalError> {
        let mut batch = storage.db.batch().durability(Some(PersistMode::SyncAll));
        for key in keys {
            self.remember(&mut batch, *key);
        }
        batch.commit().map_err(JournalError::write)
    }

    /// What the storage need not be asked for, for the next time it is opened.
    pub(crate) fn into_filters(self) -> Filters {
        let filters = self
            .slices
            .into_iter()
            .map(|slice| (slice.start_ms, slice.filter));
        filters.collect()
    }

    pub(crate) fn remember(&mut self, batch: &mut OwnedWriteBatch, key: Key) {
        let newest = self.slices.back_mut().expect("advance opened a slice");
        newest.filter.insert(&key.0);
        batch.insert(&newest.keyspace, key.0, mark(&key.0));
    }
}

fn read_filter(keyspace: &Keyspace) -> Result<Filter, fjall::Error> {
    let mut filter = Filter::default();
    for (n, entry) in keyspace.iter().enumerate() {
        if n >= READ_AT_START {
            return Ok(Filter::blind());
        }
        filter.insert(&entry.key()?);
    }
    Ok(filter)
}

/// A key's value is its own checksum, so that it can be told from noise in a damaged log.
fn mark(key: &[u8]) -> [u8; 4] {
    (xxh3_64(key) as u32).to_le_bytes()
}

pub(crate) fn is_key(key: &[u8], value: &[u8]) -> bool {
    key.len() == size_of::<Key>() && value == mark(key)
}

fn wall_clock_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64)
}
