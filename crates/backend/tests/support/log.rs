//! A log in memory. Records are never removed from `history`, so that a test can look back.

use std::collections::{HashSet, VecDeque};

use async_trait::async_trait;
use backend::{
    Appended, Backlog, LogError, Plan, PlanLimits, Plans, Record, RepeatKey, Repeats, Split, Unreadable,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The first and the last position of a plan, both included.
type Range = (u64, u64);

#[derive(Debug, Default)]
struct State {
    records: VecDeque<(u64, Vec<u8>)>,
    keys: HashSet<(RepeatKey, usize)>,
    /// Unfinished plans with their notes, the next one first.
    plans: VecDeque<(Range, Vec<u8>)>,
    next: u64,
    unreadable: HashSet<u64>,
    full: bool,
    refused: usize,
    broken: bool,
}

#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
    changed: Notify,
}

impl MemoryLog {
    /// Refuses everything for want of room, or not any more.
    pub fn set_full(&self, full: bool) {
        self.state.lock().full = full;
    }

    /// How often something was refused for want of room.
    pub fn refused(&self) -> usize {
        self.state.lock().refused
    }

    /// Can neither be written nor read any more, or again.
    pub fn set_broken(&self, broken: bool) {
        self.state.lock().broken = broken;
    }

    /// The record number `position` can never be read.
    pub fn damage(&self, position: u64) {
        self.state.lock().unreadable.insert(position);
    }

    /// Keeps bytes that are no row.
    pub fn append_raw(&self, payload: &[u8]) {
        self.state.lock().append(payload.to_vec());
        self.changed.notify_waiters();
    }

    pub fn records(&self) -> usize {
        self.state.lock().records.len()
    }
}

impl State {
    fn append(&mut self, payload: Vec<u8>) {
        self.records.push_back((self.next, payload));
        self.next += 1;
    }

    fn backlog(&self) -> Backlog {
        let bytes = self.records.iter().map(|(_, payload)| payload.len() as u64).sum();
        Backlog {
            records: self.records.len() as u64,
            bytes,
            max_bytes: if self.full { bytes } else { u64::MAX },
            plans: self.plans.len() as u64,
            ..Backlog::default()
        }
    }

    fn plan(&self, (first, last): Range, note: &[u8]) -> Plan<Range> {
        let inside = self.records.iter().filter(|(at, _)| (first..=last).contains(at));
        let (damaged, sound): (Vec<_>, Vec<_>) = inside.partition(|(at, _)| self.unreadable.contains(at));
        let record = |(position, payload): &(u64, Vec<u8>)| Record {
            position: *position,
            payload: payload.clone(),
        };
        let unreadable = |(position, _): &(u64, Vec<u8>)| Unreadable {
            position: *position,
            reason: "a checksum does not match".into(),
        };
        Plan {
            key: (first, last),
            token: format!("memory/{first}-{last}"),
            note: note.to_vec(),
            records: sound.into_iter().map(record).collect(),
            unreadable: damaged.into_iter().map(unreadable).collect(),
        }
    }
}

#[async_trait]
impl Repeats for MemoryLog {
    async fn append(&self, key: Option<RepeatKey>, rows: Vec<Vec<u8>>) -> Result<Appended, LogError> {
        let mut state = self.state.lock();
        if state.full {
            state.refused += 1;
            return Err(LogError::Full);
        }
        if state.broken {
            return Err(LogError::Unavailable("the disk is gone".into()));
        }
        let mut outcome = Appended::Stored;
        for (index, row) in rows.into_iter().enumerate() {
            // As in the journal, each row has a key of its own.
            if key.is_none_or(|key| state.keys.insert((key, index))) {
                state.append(row);
            } else if index == 0 {
                outcome = Appended::Repeated;
            }
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(outcome)
    }

    fn backlog(&self) -> Backlog {
        self.state.lock().backlog()
    }
}

#[async_trait]
impl Plans for MemoryLog {
    type Key = Range;

    fn backlog(&self) -> Backlog {
        self.state.lock().backlog()
    }

    async fn wait_for_records(&self) {
        loop {
            let changed = self.changed.notified();
            if self.records() > 0 {
                return;
            }
            changed.await;
        }
    }

    async fn next(&self, limits: PlanLimits) -> Result<Option<Plan<Range>>, LogError> {
        let mut state = self.state.lock();
        if state.broken {
            return Err(LogError::Unavailable("the disk is gone".into()));
        }
        if state.plans.is_empty() {
            let chosen: Vec<u64> = state
                .records
                .iter()
                .take(limits.records)
                .map(|(at, _)| *at)
                .collect();
            let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
                return Ok(None);
            };
            state.plans.push_back(((*first, *last), Vec::new()));
        }
        let (range, note) = state.plans.front().expect("one was made").clone();
        Ok(Some(state.plan(range, &note)))
    }

    async fn split(&self, &(first, last): &Range, note: &[u8]) -> Result<Split, LogError> {
        if first == last {
            return Ok(Split::Indivisible);
        }
        let mut state = self.state.lock();
        assert_eq!(state.plans.pop_front().expect("the plan").0, (first, last));
        let middle = first + (last - first) / 2;
        state.plans.push_front(((middle + 1, last), note.to_vec()));
        state.plans.push_front(((first, middle), note.to_vec()));
        Ok(Split::Halved)
    }

    async fn finish(&self, &(first, last): &Range, instead: Vec<Vec<u8>>) -> Result<(), LogError> {
        let mut state = self.state.lock();
        assert_eq!(state.plans.pop_front().expect("the plan").0, (first, last));
        state.records.retain(|(at, _)| !(first..=last).contains(at));
        for row in instead {
            state.append(row);
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }
}
