//! The broker's counters for whoever serves metrics.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use crate::{events::EventKind, keep::Keeper, limits::Limit, shared::Shared};

/// One present value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name, without a prefix.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its value.
    pub value: u64,
    /// Whether it only grows.
    pub is_counter: bool,
}

/// Reads a broker's figures, also after it has stopped.
#[derive(Clone)]
pub struct Figures(pub(crate) Arc<Shared>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Figures {
    /// How many events of a kind there were, whether logged or not.
    pub fn events(&self, kind: EventKind) -> u64 {
        self.0.statistics.events[kind as usize].get()
    }

    /// The present values.
    pub fn read(&self) -> Vec<Figure> {
        let shared = &self.0;
        let s = &shared.statistics;
        let (retained, retained_bytes) = shared.retained.size();
        let mut figures = vec![
            gauge("clients", "Connected clients", s.connected()),
            gauge(
                "sessions",
                "Sessions of clients that are connected or away",
                shared.registry.len() as u64,
            ),
            gauge(
                "subscriptions",
                "Subscriptions",
                shared.subscriptions.count() as u64,
            ),
            gauge("retained_messages", "Retained messages", retained as u64),
            gauge(
                "retained_bytes",
                "Bytes of retained messages",
                retained_bytes as u64,
            ),
            counter(
                "connections",
                "Connections that were accepted",
                s.accepted_sockets.get(),
            ),
            counter("greetings", "Clients that were connected", s.connects.get()),
            counter(
                "packets_received",
                "Packets from clients",
                s.packets_received.get(),
            ),
            counter("packets_sent", "Packets to clients", s.packets_sent.get()),
            counter(
                "messages_received",
                "Messages from clients",
                s.publishes_received.get(),
            ),
            counter("messages_sent", "Messages to clients", s.publishes_sent.get()),
            counter(
                "messages_dropped",
                "Messages that a client had no room for",
                s.publishes_dropped.get(),
            ),
            counter("bytes_received", "Bytes from clients", s.bytes_received.get()),
            counter("bytes_sent", "Bytes to clients", s.bytes_sent.get()),
        ];
        figures.push(gauge(
            "partial_bytes",
            "Bytes of packets that have arrived in part",
            shared.holdings.bytes() as u64,
        ));
        figures.extend(Limit::ALL.iter().map(|limit| {
            let (name, help) = limit.counter();
            counter(name, help, s.limits[*limit as usize].get())
        }));
        figures.extend(shared.keeper.as_deref().map(kept).unwrap_or_default());
        figures.extend(EventKind::ALL.iter().map(|kind| {
            let value = s.events[*kind as usize].get();
            counter(
                kind.counter(),
                "Events of this kind, whether logged or not",
                value,
            )
        }));
        figures
    }
}

const fn gauge(name: &'static str, help: &'static str, value: u64) -> Figure {
    Figure {
        name,
        help,
        value,
        is_counter: false,
    }
}

const fn counter(name: &'static str, help: &'static str, value: u64) -> Figure {
    Figure {
        name,
        help,
        value,
        is_counter: true,
    }
}

/// What the keeper counts.
fn kept(keeper: &Keeper) -> Vec<Figure> {
    let (messages, bytes) = keeper.size();
    let counts = &keeper.counts;
    vec![
        gauge(
            "stored_messages",
            "Messages on disk, retained or for clients",
            messages,
        ),
        gauge("stored_bytes", "Bytes of messages on disk", bytes),
        gauge(
            "storage_failing",
            "1 while the broker's storage cannot be written",
            counts.is_failing.load(Relaxed).into(),
        ),
        counter(
            "storage_groups",
            "Groups of changes that were written to the broker's storage",
            counts.groups.load(Relaxed),
        ),
        counter(
            "storage_failures",
            "Writes to the broker's storage that failed",
            counts.failures.load(Relaxed),
        ),
        counter(
            "messages_without_room",
            "Messages that were not kept because max_stored_bytes was reached",
            counts.without_room.load(Relaxed),
        ),
        gauge(
            "storage_set_aside",
            "Damaged storages that this start has set aside",
            counts.set_aside.load(Relaxed),
        ),
    ]
}
