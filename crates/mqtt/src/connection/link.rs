//! What the connection's task and its handles share: one lock over acknowledgements, outbox and client.
//!
//! Every hand-over to the client happens under the lock and only while online, so that nothing of an ended connection
//! can slip into the next.

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

/// What happened on a connection since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionStats {
    /// Whether the broker is there now.
    pub connected: bool,
    /// How often a connection was made.
    pub connects: u64,
    /// Deliveries at `QoS` 0 dropped because the consumer was too slow.
    pub dropped_qos0: u64,
    /// Deliveries ignored because the broker sent more than it may; they come again.
    pub overruns: u64,
    /// Acknowledgements dropped because their connection had ended.
    pub stale_acks: u64,
    /// Messages at `QoS` 0 lost with a connection.
    pub lost_qos0: u64,
    /// Deliveries handed out or waiting that are not acknowledged.
    pub unacknowledged: usize,
}

/// Counters that are written without the lock.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connects: AtomicU64,
    pub(super) dropped_qos0: AtomicU64,
    pub(super) overruns: AtomicU64,
    pub(super) stale_acks: AtomicU64,
    pub(super) lost_qos0: AtomicU64,
}

pub(super) struct Link {
    /// Replaced only while offline.
    pub(super) sender: Sender,
    pub(super) online: bool,
    /// No new messages are taken.
    pub(super) closed: bool,
    pub(super) acks: AckWindow,
    pub(super) outbox: Outbox,
    /// `QoS` 1 messages the broker takes at a time, and the largest packet it takes.
    pub(super) inflight_limit: usize,
    pub(super) max_packet_bytes: u32,
}

impl Link {
    /// Hands everything over that may go now: acknowledgements first.
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

/// The size of a publish packet: fixed header, topic, packet id and properties included.
pub(super) const fn packet_bytes(topic: usize, payload: usize) -> usize {
    5 + 2 + topic + 2 + 6 + payload
}

pub(super) struct Shared {
    pub(super) link: Mutex<Link>,
    pub(super) counters: Counters,
    pub(super) events: EventQueue,
    /// Woken when the outbox may have room or be empty.
    pub(super) room: Notify,
    /// Ends the task at once.
    pub(super) stop: CancellationToken,
    /// The task has ended.
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
                options.max_overrun_bytes,
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
        if link.acks.acknowledge(token) {
            link.pump();
        } else {
            drop(link);
            self.counters.stale_acks.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn stats(&self) -> ConnectionStats {
        let (connected, unacknowledged) = {
            let link = self.link.lock();
            (link.online, link.acks.len())
        };
        ConnectionStats {
            connected,
            connects: self.counters.connects.load(Relaxed),
            dropped_qos0: self.counters.dropped_qos0.load(Relaxed),
            overruns: self.counters.overruns.load(Relaxed),
            stale_acks: self.counters.stale_acks.load(Relaxed),
            lost_qos0: self.counters.lost_qos0.load(Relaxed),
            unacknowledged,
        }
    }
}

/// Held by every publisher, consumer and acker; the last one to go ends the task.
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
