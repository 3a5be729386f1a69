//! The state that the connection's task and its handles share: acknowledgements, outbox and client under one lock.
//!
//! Packets are handed to the client only under the lock and while online, so that nothing of an ended connection can
//! get into the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    AckToken, ConnectionOptions, PublishError, acks::AckWindow, outbox::Outbox, queue::EventQueue,
    wire::Sender,
};

/// Counters of a connection since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionStats {
    /// Whether the connection is up.
    pub connected: bool,
    /// Number of connections made.
    pub connects: u64,
    /// Deliveries at `QoS` 0 dropped because the consumer was too slow.
    pub dropped_qos0: u64,
    /// Deliveries by which the broker exceeded the receive maximum. They are acknowledged in turn as all others.
    pub overruns: u64,
    /// Acknowledgements dropped because their connection had ended.
    pub stale_acks: u64,
    /// Messages at `QoS` 0 lost with a connection.
    pub lost_qos0: u64,
    /// Deliveries that are not acknowledged to the broker yet.
    pub unacknowledged: usize,
    /// Size of the deliveries that wait for the consumer or for its acknowledgement, in bytes.
    pub held_bytes: usize,
}

/// Counters that are updated without the lock.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connects: AtomicU64,
    pub(super) dropped_qos0: AtomicU64,
    pub(super) stale_acks: AtomicU64,
    pub(super) lost_qos0: AtomicU64,
}

pub(super) struct Link {
    /// Replaced only while offline.
    pub(super) sender: Sender,
    pub(super) online: bool,
    /// Whether new messages are refused.
    pub(super) closed: bool,
    pub(super) acks: AckWindow,
    pub(super) outbox: Outbox,
    /// Largest number of unacknowledged `QoS` 1 messages, and the largest packet, that the broker accepts.
    pub(super) inflight_limit: usize,
    pub(super) max_packet_bytes: u32,
}

impl Link {
    /// Hands over everything that may be sent now, acknowledgements first.
    pub(super) fn pump(&mut self) {
        if !self.online {
            return;
        }
        while let Some(packet_id) = self.acks.ready() {
            if self.sender.acknowledge(packet_id).is_err() {
                return;
            }
            self.acks.sent();
        }
        while let Some(message) = self.outbox.next_waiting() {
            if packet_bytes(message.topic.len(), message.payload.len()) > self.max_packet_bytes as usize {
                self.outbox.refuse_waiting(PublishError::TooLarge {
                    limit: self.max_packet_bytes,
                });
                continue;
            }
            if self.outbox.in_flight() >= self.inflight_limit {
                return;
            }
            let left = message
                .expires_at
                .map(|expires_at| expires_at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                self.outbox.refuse_waiting(PublishError::Expired);
                continue;
            }
            if self.sender.publish(message, left).is_err() {
                return;
            }
            self.outbox.handed_over();
        }
    }
}

/// Returns the size of a publish packet, including fixed header, topic, packet id and properties.
pub(super) const fn packet_bytes(topic: usize, payload: usize) -> usize {
    5 + 2 + topic + 2 + 6 + payload
}

pub(super) struct Shared {
    pub(super) link: Mutex<Link>,
    pub(super) counters: Counters,
    pub(super) events: EventQueue,
    /// Woken when the outbox may have room or be empty.
    pub(super) room: Notify,
    /// Wakes the task when it may read again.
    pub(super) reading: Notify,
    /// Ends the task immediately.
    pub(super) stop: CancellationToken,
    /// Cancelled when the task has ended.
    pub(super) ended: CancellationToken,
}

impl Shared {
    pub(super) fn new(options: &ConnectionOptions, sender: Sender) -> Arc<Self> {
        let link = Link {
            sender,
            online: false,
            closed: false,
            acks: AckWindow::new(
                usize::from(options.receive_maximum.max(1)),
                options.max_unacknowledged_bytes,
            ),
            outbox: Outbox::new(options.max_queued_messages, options.max_queued_bytes),
            inflight_limit: usize::from(options.inflight.max(1)),
            max_packet_bytes: options.max_packet_bytes,
        };
        Arc::new(Self {
            link: Mutex::new(link),
            counters: Counters::default(),
            events: EventQueue::new(options.max_waiting_qos0),
            room: Notify::new(),
            reading: Notify::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// Acknowledges a delivery of the present connection; a stale token is counted.
    pub(super) fn acknowledge(&self, token: AckToken) {
        if token.place.is_none() {
            return;
        }
        let mut link = self.link.lock();
        let was_full = link.acks.is_full();
        if link.acks.acknowledge(token) {
            link.pump();
            if was_full && !link.acks.is_full() {
                self.reading.notify_one();
            }
        } else {
            drop(link);
            self.counters.stale_acks.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn stats(&self) -> ConnectionStats {
        let (connected, unacknowledged, held_bytes, overruns) = {
            let link = self.link.lock();
            let acks = &link.acks;
            (link.online, acks.len(), acks.held_bytes(), acks.overruns())
        };
        ConnectionStats {
            connected,
            connects: self.counters.connects.load(Relaxed),
            dropped_qos0: self.counters.dropped_qos0.load(Relaxed),
            overruns,
            stale_acks: self.counters.stale_acks.load(Relaxed),
            lost_qos0: self.counters.lost_qos0.load(Relaxed),
            unacknowledged,
            held_bytes,
        }
    }
}

/// A reference held by publishers and consumers. Dropping the last one ends the task.
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
