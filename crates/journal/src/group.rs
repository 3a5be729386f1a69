//! A group: the commands that share one atomic write and one sync (group commit).
//!
//! In: commands. Out: a batch for the storage engine, the checkpoint after it, and the replies to send once it is
//! synced.

use std::collections::HashSet;

use fjall::{Keyspace, OwnedWriteBatch};

use crate::{
    Appended, Entry, JournalError, Key,
    checkpoint::Checkpoint,
    command::{Command, PlanChange, Reply, Work},
    dedup::DedupIndex,
    record::{self, seq_key},
    stats::{Counters, add},
};

/// Replies held back until the sync.
#[derive(Default)]
pub(crate) struct PendingReplies {
    appends: Vec<(Reply<Vec<Appended>>, Vec<Appended>)>,
    changes: Vec<Reply<()>>,
    /// What is done once the group is on disk.
    pub(crate) works: Vec<(Work, Reply<()>)>,
}

impl PendingReplies {
    pub(crate) fn send(self, outcome: &Result<(), JournalError>) {
        for (reply, appended) in self.appends {
            let _ = reply.send(outcome.clone().map(|()| appended));
        }
        for reply in self.changes {
            let _ = reply.send(outcome.clone());
        }
    }
}

/// The group being built.
pub(crate) struct Group<'a> {
    pub(crate) keys: &'a mut DedupIndex,
    /// The cost of waiting records at which appends are refused.
    pub(crate) max_bytes: u64,
    pub(crate) counters: &'a Counters,
    pub(crate) segment: Keyspace,
    /// Cost of the records added.
    pub(crate) appended_bytes: u64,
    pub(crate) batch: OwnedWriteBatch,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) new_keys: HashSet<Key>,
}

impl Group<'_> {
    /// Adds a command's writes. An error fails the whole group.
    pub(crate) fn add(&mut self, command: Command, replies: &mut PendingReplies) -> Result<(), JournalError> {
        match command {
            Command::Append { entries, reply } => match self.append(entries) {
                Ok(appended) => replies.appends.push((reply, appended)),
                Err(error @ (JournalError::Full { .. } | JournalError::TooLarge { .. })) => {
                    add(&self.counters.full_rejections, 1);
                    let _ = reply.send(Err(error));
                }
                Err(error) => {
                    let _ = reply.send(Err(error.clone()));
                    return Err(error);
                }
            },
            Command::Change { change, reply } => match self.change(change) {
                Ok(()) => replies.changes.push(reply),
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
            Command::WhileClosed { work, reply } => replies.works.push((work, reply)),
        }
        Ok(())
    }

    /// Appends all entries of a call, or none.
    fn append(&mut self, entries: Vec<Entry>) -> Result<Vec<Appended>, JournalError> {
        let mut keys_of_call = HashSet::new();
        let mut duplicate = Vec::with_capacity(entries.len());
        let mut bytes = 0;
        for entry in &entries {
            let seen = match &entry.key {
                Some(key) => {
                    !keys_of_call.insert(*key)
                        || self.new_keys.contains(key)
                        || self.keys.contains(key).map_err(JournalError::read)?
                }
                None => false,
            };
            duplicate.push(seen);
            bytes += if seen { 0 } else { entry.cost() };
        }
        let max_bytes = self.max_bytes;
        if bytes > max_bytes {
            return Err(JournalError::TooLarge { bytes, max_bytes });
        }
        if bytes > 0 && self.checkpoint.bytes + bytes > max_bytes {
            return Err(JournalError::Full {
                bytes: self.checkpoint.bytes,
                max_bytes,
            });
        }
        self.checkpoint.bytes += bytes;
        self.appended_bytes += bytes;
        add(
            &self.counters.duplicates,
            duplicate.iter().filter(|seen| **seen).count() as u64,
        );
        Ok(entries
            .into_iter()
            .zip(duplicate)
            .map(|(entry, seen)| self.store(&entry, seen))
            .collect())
    }

    fn store(&mut self, entry: &Entry, seen: bool) -> Appended {
        if seen {
            return Appended::Duplicate;
        }
        let seq = self.checkpoint.next;
        self.checkpoint.next += 1;
        self.batch
            .insert(&self.segment, seq_key(seq), record::encode(seq, &entry.payload));
        if let Some(key) = entry.key {
            self.keys.insert(&mut self.batch, key);
            self.new_keys.insert(key);
        }
        Appended::Stored(seq)
    }

    fn change(&mut self, change: PlanChange) -> Result<(), JournalError> {
        match change {
            PlanChange::Begin { first, last } => self.checkpoint.begin(first, last),
            PlanChange::Finish {
                first,
                last,
                bytes,
                entries,
            } => {
                self.checkpoint.finish(first, last, bytes)?;
                let cost: u64 = entries.iter().map(Entry::cost).sum();
                self.checkpoint.bytes += cost;
                self.appended_bytes += cost;
                for entry in &entries {
                    self.store(entry, false);
                }
                Ok(())
            }
            PlanChange::Split {
                first,
                last,
                boundary,
                note,
            } => self.checkpoint.split(first, last, boundary, &note),
        }
    }
}
