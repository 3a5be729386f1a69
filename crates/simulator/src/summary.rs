//! What a simulation did, in numbers.
//!
//! In: events of many devices, counted without locks. Out: a summary that can be read while they run and at the end.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use mqtt::TopicKind;

use crate::window::CommandOutcome;

/// Messages of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Handed to the connection.
    pub published: u64,
    /// Acknowledged by the broker.
    pub acknowledged: u64,
    /// Refused by the broker.
    pub refused: u64,
    /// Never sent: the device's memory was full.
    pub dropped: u64,
}

/// What became of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commands {
    /// Obeyed.
    pub obeyed: u64,
    /// Too old when they came.
    pub expired: u64,
    /// Obeyed before.
    pub repeated: u64,
    /// Not readable.
    pub invalid: u64,
}

/// What a simulation did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Devices that were connected at least once.
    pub devices: u64,
    /// Messages by kind; a kind that was never published is left out.
    pub messages: BTreeMap<TopicKind, Counts>,
    /// Commands to windows.
    pub commands: Commands,
}

impl Summary {
    /// Messages of one kind.
    pub fn of(&self, kind: TopicKind) -> Counts {
        self.messages.get(&kind).copied().unwrap_or_default()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} devices", self.devices)?;
        for (kind, counts) in &self.messages {
            let name = kind.as_str();
            writeln!(
                f,
                "{name:<13}{} published, {} acknowledged, {} refused, {} dropped",
                counts.published, counts.acknowledged, counts.refused, counts.dropped
            )?;
        }
        let c = self.commands;
        write!(
            f,
            "commands     {} obeyed, {} expired, {} repeated, {} invalid",
            c.obeyed, c.expired, c.repeated, c.invalid
        )
    }
}

#[derive(Debug, Default)]
struct KindCounters {
    published: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
}

impl KindCounters {
    fn counts(&self) -> Counts {
        Counts {
            published: self.published.load(Relaxed),
            acknowledged: self.acknowledged.load(Relaxed),
            refused: self.refused.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
        }
    }
}

/// A step in the delivery of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryEvent {
    Published,
    Acknowledged,
    Refused,
    Dropped,
}

/// The counters of a running simulation.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    devices: AtomicU64,
    kinds: [KindCounters; TopicKind::ALL.len()],
    obeyed: AtomicU64,
    expired: AtomicU64,
    repeated: AtomicU64,
    invalid: AtomicU64,
}

impl Counters {
    /// A device is connected for the first time; says how many are now.
    pub(crate) fn joined(&self) -> u64 {
        self.devices.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn message(&self, kind: TopicKind, event: DeliveryEvent) {
        let place = TopicKind::ALL.into_iter().position(|known| known == kind);
        let counters = &self.kinds[place.expect("ALL holds every kind")];
        let counter = match event {
            DeliveryEvent::Published => &counters.published,
            DeliveryEvent::Acknowledged => &counters.acknowledged,
            DeliveryEvent::Refused => &counters.refused,
            DeliveryEvent::Dropped => &counters.dropped,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// `None` is a command that cannot be read.
    pub(crate) fn command(&self, outcome: Option<CommandOutcome>) {
        let counter = match outcome {
            Some(CommandOutcome::Obeyed) => &self.obeyed,
            Some(CommandOutcome::Expired) => &self.expired,
            Some(CommandOutcome::Repeated) => &self.repeated,
            None => &self.invalid,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn summary(&self) -> Summary {
        let messages = TopicKind::ALL
            .into_iter()
            .zip(self.kinds.each_ref().map(KindCounters::counts))
            .filter(|(_, counts)| *counts != Counts::default());
        Summary {
            devices: self.devices.load(Relaxed),
            messages: messages.collect(),
            commands: Commands {
                obeyed: self.obeyed.load(Relaxed),
                expired: self.expired.load(Relaxed),
                repeated: self.repeated.load(Relaxed),
                invalid: self.invalid.load(Relaxed),
            },
        }
    }
}
