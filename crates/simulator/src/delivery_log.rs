//! The delivery log of a test: what was published, what the broker acknowledged, and how that agrees with what was stored.
//!
//! In: a record and an outcome for each message, later the rows that were found. Out: what is missing, duplicated or
//! unexpected. It keeps everything in memory, so it is for tests and benchmarks.

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

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Published, and not answered yet.
    Pending,
    /// The broker acknowledged it: from here on it must not be lost.
    Acknowledged,
    /// The broker refused it.
    Refused,
}

/// Identifies a message in the delivery log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryId(usize);

/// What was published, in order.
#[derive(Debug, Default)]
pub struct DeliveryLog {
    entries: Mutex<Vec<(Record, Outcome)>>,
}

/// How the delivery log agrees with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciliation {
    /// Records found that were published.
    pub found: usize,
    /// Acknowledged, but not found.
    pub missing: Vec<Record>,
    /// Found more often than published.
    pub duplicated: Vec<Record>,
    /// Found, but never published.
    pub unexpected: Vec<Record>,
}

impl Reconciliation {
    /// Whether every acknowledged record was found, each once, and nothing else.
    pub fn is_consistent(&self) -> bool {
        self.missing.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

impl DeliveryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message that is about to be published.
    pub fn add(&self, record: Record) -> EntryId {
        let mut entries = self.entries();
        entries.push((record, Outcome::Pending));
        EntryId(entries.len() - 1)
    }

    /// Sets the outcome of a message.
    pub fn set_outcome(&self, entry: EntryId, outcome: Outcome) {
        if let Some(entry) = self.entries().get_mut(entry.0) {
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
    pub fn reconcile(&self, stored: impl IntoIterator<Item = Record>) -> Reconciliation {
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
        let mut reconciliation = Reconciliation::default();
        for (record, count) in counts {
            reconciliation.found += count.found.min(count.published);
            if count.published == 0 {
                reconciliation.unexpected.push(record);
            } else if count.found > count.published {
                reconciliation.duplicated.push(record);
            } else if count.found < count.acknowledged {
                reconciliation.missing.push(record);
            }
        }
        for list in [
            &mut reconciliation.missing,
            &mut reconciliation.duplicated,
            &mut reconciliation.unexpected,
        ] {
            list.sort_by(|a, b| (&a.device_id, a.timestamp).cmp(&(&b.device_id, b.timestamp)));
        }
        reconciliation
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
    fn missing_duplicated_and_unexpected_records_are_distinguished() {
        let delivery_log = DeliveryLog::new();
        for second in 0..4 {
            let entry = delivery_log.add(record(second));
            if second < 3 {
                delivery_log.set_outcome(entry, Outcome::Acknowledged);
            }
        }
        assert_eq!(
            (
                delivery_log.count(Outcome::Acknowledged),
                delivery_log.count(Outcome::Pending)
            ),
            (3, 1)
        );
        let reconciliation = delivery_log.reconcile([record(0), record(2), record(2), record(9)]);
        assert_eq!(reconciliation.missing, [record(1)]);
        assert_eq!(reconciliation.duplicated, [record(2)]);
        assert_eq!(reconciliation.unexpected, [record(9)]);
        assert_eq!(reconciliation.found, 2);
        assert!(!reconciliation.is_consistent());
    }

    proptest! {
        #[test]
        fn it_is_consistent_exactly_when_every_acknowledged_record_is_found_once(
            outcomes in prop::collection::vec((any::<bool>(), any::<bool>()), 0..40),
        ) {
            let delivery_log = DeliveryLog::new();
            let mut stored = Vec::new();
            let mut missing = 0;
            for (second, &(acknowledged, kept)) in outcomes.iter().enumerate() {
                let entry = delivery_log.add(record(second as i64));
                if acknowledged {
                    delivery_log.set_outcome(entry, Outcome::Acknowledged);
                }
                if kept {
                    stored.push(record(second as i64));
                }
                missing += usize::from(acknowledged && !kept);
            }
            let reconciliation = delivery_log.reconcile(stored);
            prop_assert_eq!(reconciliation.missing.len(), missing);
            prop_assert_eq!(reconciliation.is_consistent(), missing == 0);
        }
    }
}
