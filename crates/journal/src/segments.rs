//! Segments: one keyspace for each range of sequence numbers, dropped as a whole once all its records are finished.
//!
//! In: sequence numbers. Out: the keyspaces to write to and to read from. A record that leaves soon is never compacted
//! or deleted individually, and its space is freed at once.

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use parking_lot::RwLock;

use crate::record::{parse_seq_key, seq_key};

const PREFIX: &str = "records-";
/// A new segment is started before this is full.
const MEMTABLE: u64 = 64 << 20;
/// Segments that stay in memory; when a backlog grows, older ones are flushed.
const IN_MEMORY: usize = 2;

#[derive(Clone)]
pub(crate) struct Segment {
    /// Its records have this number or a higher one.
    first: u64,
    keyspace: Keyspace,
}

pub(crate) struct Segments {
    /// In order; the last one is written to.
    list: RwLock<VecDeque<Segment>>,
    /// New segments since opening.
    created: AtomicU64,
}

impl Segments {
    pub(crate) fn open(db: &Database) -> Result<Self, fjall::Error> {
        let mut list = Vec::new();
        for name in db.list_keyspace_names() {
            if let Some(first) = name.strip_prefix(PREFIX).and_then(|first| first.parse().ok()) {
                list.push(Segment {
                    first,
                    keyspace: db.keyspace(&name, options)?,
                });
            }
        }
        list.sort_by_key(|segment| segment.first);
        Ok(Self {
            list: RwLock::new(list.into()),
            created: AtomicU64::new(0),
        })
    }

    /// Returns the segment that holds record `seq`, if there is one.
    pub(crate) fn holding(&self, seq: u64) -> Option<Keyspace> {
        let list = self.list.read();
        list.iter()
            .rev()
            .find(|segment| segment.first <= seq)
            .map(|segment| segment.keyspace.clone())
    }

    /// Returns how many segments were created since opening.
    pub(crate) fn created(&self) -> u64 {
        self.created.load(Relaxed)
    }

    /// Returns the segment for new records, if there is one.
    pub(crate) fn last(&self) -> Option<Keyspace> {
        self.list.read().back().map(|last| last.keyspace.clone())
    }

    /// Creates the segment for records from `next` on.
    pub(crate) fn create(&self, db: &Database, next: u64) -> Result<Keyspace, fjall::Error> {
        let keyspace = db.keyspace(&format!("{PREFIX}{next:020}"), options)?;
        self.created.fetch_add(1, Relaxed);
        let mut list = self.list.write();
        list.push_back(Segment {
            first: next,
            keyspace: keyspace.clone(),
        });
        let to_flush = list
            .len()
            .checked_sub(1 + IN_MEMORY)
            .map(|at| list[at].keyspace.clone());
        drop(list);
        if let Some(segment) = to_flush {
            segment.rotate_memtable()?;
        }
        Ok(keyspace)
    }

    /// Drops the segments that hold no record at or after `oldest`.
    pub(crate) fn drop_finished(&self, db: &Database, oldest: u64) -> Result<(), fjall::Error> {
        loop {
            let mut list = self.list.write();
            if list.len() < 2 || list[1].first > oldest {
                return Ok(());
            }
            let finished = list.pop_front().expect("there are at least two");
            drop(list);
            db.delete_keyspace(finished.keyspace)?;
        }
    }

    /// Records of `range`, in order; an unreadable block ends its segment with an error.
    pub(crate) fn range(
        &self,
        range: RangeInclusive<u64>,
    ) -> impl Iterator<Item = Result<(u64, fjall::Slice), fjall::Error>> {
        let (from, to) = range.into_inner();
        let segments: Vec<Segment> = self
            .list
            .read()
            .iter()
            .filter(|segment| segment.first <= to)
            .cloned()
            .collect();
        let skipped = segments
            .iter()
            .rposition(|segment| segment.first <= from)
            .unwrap_or(0);
        segments.into_iter().skip(skipped).flat_map(move |segment| {
            segment
                .keyspace
                .range(seq_key(from)..=seq_key(to))
                .filter_map(|guard| match guard.into_inner() {
                    Ok((key, value)) => Some(Ok((parse_seq_key(&key)?, value))),
                    Err(error) => Some(Err(error)),
                })
        })
    }

    pub(crate) fn last_record(&self) -> Result<Option<u64>, fjall::Error> {
        for segment in self.list.read().iter().rev() {
            if let Some(guard) = segment.keyspace.last_key_value() {
                return Ok(parse_seq_key(&guard.key()?));
            }
        }
        Ok(None)
    }
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE)
}
