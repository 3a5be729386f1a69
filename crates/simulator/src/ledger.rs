//! The books of a test: what was published, what the broker acknowledged, and how that compares with what was stored.
//!
//! In: one record for each message and its outcome, later the rows that were found. Out: what is lost, doubled or foreign.
//! It keeps everything in memory, so it is for tests and benchmarks.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{AudioHash, DeviceId, Timestamp};
use mqtt::TopicKind;

/// What a message said, as far as it can be found again in a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// A value, as the bits of an `f64`.
    Value(u64),
    /// The hash of a clip.
    Clip(AudioHash),
}

impl Content {
    /// A reading's value.
    pub fn value(value: f64) -> Self {
        Self::Value(value.to_bits())
    }
}

/// One message from a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Whose it is.
    pub device_id: DeviceId,
    /// What it is.
    pub kind: TopicKind,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// What it says.
    pub content: Content,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Published; nothing was heard of it since.
    Open,
    /// The broker acknowledged it: from here on it must not be lost.
    Acknowledged,
    /// The broker refused it.
    Refused,
}

/// The place of a message in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(usize);

/// What was published, in order.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Vec<(Record, Outcome)>>,
}

/// How the books compare with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Records found that were published.
    pub found: usize,
    /// Acknowledged, but not found.
    pub lost: Vec<Record>,
    /// Found more often than published.
    pub doubled: Vec<Record>,
    /// Found, but never published.
    pub foreign: Vec<Record>,
}

impl Comparison {
    /// Whether every acknowledged record was found, each once, and nothing else.
    pub fn is_balanced(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.foreign.is_empty()
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a message that is about to be published.
    pub fn open(&self, record: Record) -> Ticket {
        let mut entries = self.entries();
        entries.push((record, Outcome::Open));
        Ticket(entries.len() - 1)
    }

    /// Notes what became of it.
    pub fn close(&self, ticket: Ticket, outcome: Outcome) {
        if let Some(entry) = self.entries().get_mut(ticket.0) {
            entry.1 = outcome;
        }
    }

    /// How many messages were published.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.entries().iter().filter(|entry| entry.1 == outcome).count()
    }

    /// The messages with this outcome, in order.
    pub fn with(&self, outcome: Outcome) -> Vec<Record> {
        self.entries()
            .iter()
            .filter(|entry| entry.1 == outcome)
            .map(|entry| entry.0.clone())
            .collect()
    }

    /// Compares with what was stored. A message without acknowledgement may have been stored or not.
    pub fn compare(&self, stored: impl IntoIterator<Item = Record>) -> Comparison {
        #[derive(Default)]
        struct Count {
            published: usize,
            acknowledged: usize,
            found: usize,
        }
        let mut counts: HashMap<Record, Count> = HashMap::new();
        for (record, outcome) in self.entries().iter() {
            let count = counts.entry(record.clone()).or_default();
            count.published += 1;
            count.acknowledged += usize::from(*outcome == Outcome::Acknowledged);
        }
        for record in stored {
            counts.entry(record).or_default().found += 1;
        }
        let mut comparison = Comparison::default();
        for (record, count) in counts {
            comparison.found += count.found.min(count.published);
            if count.published == 0 {
                comparison.foreign.push(record);
            } else if count.found > count.published {
                comparison.doubled.push(record);
            } else if count.found < count.acknowledged {
                comparison.lost.push(record);
            }
        }
        for list in [
            &mut comparison.lost,
            &mut comparison.doubled,
            &mut comparison.foreign,
        ] {
            list.sort_by(|a, b| (&a.device_id, a.timestamp).cmp(&(&b.device_id, b.timestamp)));
        }
        comparison
    }

    fn entries(&self) -> MutexGuard<'_, Vec<(Record, Outcome)>> {
        // A list of finished entries is whole even if a thread that held it panicked.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(second: i64) -> Record {
        Record {
            device_id: DeviceId::parse("d").unwrap(),
            kind: TopicKind::Reading(domain::Quantity::Temperature),
            timestamp: Timestamp::from_millis(second * 1_000),
            content: Content::value(20.5),
        }
    }

    #[test]
    fn lost_doubled_and_foreign_are_told_apart() {
        let ledger = Ledger::new();
        for second in 0..4 {
            let ticket = ledger.open(record(second));
            if second < 3 {
                ledger.close(ticket, Outcome::Acknowledged);
            }
        }
        assert_eq!(
            (ledger.count(Outcome::Acknowledged), ledger.count(Outcome::Open)),
            (3, 1)
        );
        let comparison = ledger.compare([record(0), record(2), record(2), record(9)]);
        assert_eq!(comparison.lost, [record(1)]);
        assert_eq!(comparison.doubled, [record(2)]);
        assert_eq!(comparison.foreign, [record(9)]);
        assert_eq!(comparison.found, 2);
        assert!(!comparison.is_balanced());
    }

    proptest! {
        #[test]
        fn the_books_balance_exactly_when_every_acknowledged_record_is_there_once(
            outcomes in prop::collection::vec((any::<bool>(), any::<bool>()), 0..40),
        ) {
            let ledger = Ledger::new();
            let mut stored = Vec::new();
            let mut lost = 0;
            for (second, &(acknowledged, kept)) in outcomes.iter().enumerate() {
                let ticket = ledger.open(record(second as i64));
                if acknowledged {
                    ledger.close(ticket, Outcome::Acknowledged);
                }
                if kept {
                    stored.push(record(second as i64));
                }
                lost += usize::from(acknowledged && !kept);
            }
            let comparison = ledger.compare(stored);
            prop_assert_eq!(comparison.lost.len(), lost);
            prop_assert_eq!(comparison.is_balanced(), lost == 0);
        }
    }
}
