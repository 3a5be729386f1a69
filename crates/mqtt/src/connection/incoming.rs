//! Receiving: events in order, and acknowledgements from wherever a message ends up.

use std::{fmt, sync::Arc};

use super::{ConnectionStats, Delivery, Event, link::Handle};

/// The events of one connection.
///
/// At `QoS` 1 the broker sends no more than `receive_maximum` messages that are not acknowledged, so a slow consumer
/// slows the broker down; at `QoS` 0 what does not fit is dropped and counted.
pub struct Incoming {
    handle: Arc<Handle>,
    manual_acks: bool,
}

impl Incoming {
    pub(super) fn new(handle: Arc<Handle>, manual_acks: bool) -> Self {
        Self { handle, manual_acks }
    }

    /// The next event; `None` when the connection was closed for good. Without `manual_acks` a message is acknowledged
    /// here. Cancelling loses nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        let event = self.handle.shared.events.next().await?;
        if let Event::Message(delivery) = &event
            && !self.manual_acks
        {
            self.ack(delivery);
        }
        Some(event)
    }

    /// Acknowledges a delivery. Acknowledgements leave in the order of receipt, whatever the order of the calls; one
    /// for an earlier connection is dropped and counted, since the broker delivers that message again.
    pub fn ack(&self, delivery: &Delivery) {
        self.handle.shared.acknowledge(delivery.token);
    }

    /// Counters of the connection.
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
