//! The receiving side: events in order, and acknowledgements from any task.

use std::{fmt, iter, sync::Arc};

use super::{AckToken, ConnectionStats, Delivery, Event, link::Handle};

/// The events of one connection.
///
/// At `QoS` 1 the broker sends at most `receive_maximum` unacknowledged messages, so a slow consumer slows the broker
/// down. At `QoS` 0, deliveries that do not fit are dropped and counted.
pub struct Incoming {
    handle: Arc<Handle>,
    manual_acks: bool,
}

impl Incoming {
    pub(super) fn new(handle: Arc<Handle>, manual_acks: bool) -> Self {
        Self { handle, manual_acks }
    }

    /// Returns the next event; `None` once the connection is closed for good. Without `manual_acks` it also
    /// acknowledges the message. It is safe to cancel.
    pub async fn recv(&mut self) -> Option<Event> {
        let event = self.handle.shared.events.next().await?;
        if let Event::Message(delivery) = &event
            && !self.manual_acks
        {
            self.ack(delivery);
        }
        Some(event)
    }

    /// Waits for events and appends up to `limit` of them to `events`. Returns how many; 0 once the connection is closed
    /// for good. It acknowledges as [`Incoming::recv`] does, and is safe to cancel.
    pub async fn recv_many(&mut self, events: &mut Vec<Event>, limit: usize) -> usize {
        let before = events.len();
        self.handle.shared.events.next_many(events, limit.max(1)).await;
        if !self.manual_acks {
            let deliveries = events[before..].iter().filter_map(|event| match event {
                Event::Message(delivery) => Some(delivery.token),
                _ => None,
            });
            self.handle.shared.acknowledge(deliveries);
        }
        events.len() - before
    }

    /// Acknowledges a delivery. Acknowledgements are sent in the order of receipt, whatever the order of the calls. One
    /// for an earlier connection is dropped and counted, because the broker delivers that message again.
    pub fn ack(&self, delivery: &Delivery) {
        self.ack_all(iter::once(delivery.token));
    }

    /// Acknowledges several deliveries as [`Incoming::ack`] does, by their tokens.
    pub fn ack_all(&self, tokens: impl IntoIterator<Item = AckToken>) {
        self.handle.shared.acknowledge(tokens.into_iter());
    }

    /// Returns the counters of the connection.
    pub fn stats(&self) -> ConnectionStats {
        self.handle.shared.stats()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
