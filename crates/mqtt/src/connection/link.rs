//! The state that the connection's task and its handles share: acknowledgements and outbox under one lock.
//!
//! In: what handles acknowledge and publish. Out: the next packet to send, for the connection's task, and only while
//! online, so that nothing of an ended connection can get into the next.

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
    AckToken, ConnectionOptions, PublishError, Subscription, acks::AckWindow, outbox::Outbox,
    queue::EventQueue, wire::Outgoing,
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

/// Whether the connection is to be ended with a DISCONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    None,
    /// Once everything that waits was sent and acknowledged.
    WhenEmpty,
    Now,
    Sent,
}

pub(super) struct Link {
    pub(super) online: bool,
    /// Whether new messages are refused.
    pub(super) closed: bool,
    pub(super) farewell: Farewell,
    /// Subscriptions to request, and whether the session is an older one.
    pub(super) subscribe: Option<(Vec<Subscription>, bool)>,
    pub(super) acks: AckWindow,
    pub(super) outbox: Outbox,
    /// Largest number of unacknowledged `QoS` 1 messages, and the largest packet, that the broker accepts.
    pub(super) inflight_limit: usize,
    pub(super) max_packet_bytes: u32,
}

impl Link {
    /// Takes the next packet that may be sent now: acknowledgements before messages.
    pub(super) fn next_packet(&mut self) -> Option<Outgoing> {
        if !self.online || self.farewell == Farewell::Sent {
            return None;
        }
        if let Some((subscriptions, session_present)) = self.subscribe.take() {
            return Some(Outgoing::Subscribe {
                subscriptions,
                packet_id: self.outbox.packet_id(),
                session_present,
            });
        }
        if let Some(packet_id) = self.acks.send_next() {
            return Some(Outgoing::Acknowledge(packet_id));
        }
        if let Some(publish) = self.next_publish() {
            return Some(publish);
        }
        let leaves = match self.farewell {
            Farewell::WhenEmpty => self.outbox.is_empty(),
            farewell => farewell == Farewell::Now,
        };
        if leaves {
            self.farewell = Farewell::Sent;
        }
        leaves.then_some(Outgoing::Disconnect)
    }

    /// Takes the next message that may be sent now, and refuses those before it that never can.
    fn next_publish(&mut self) -> Option<Outgoing> {
        loop {
            let message = self.outbox.next_waiting()?;
            if packet_bytes(message.topic.len(), message.payload.len()) > self.max_packet_bytes as usize {
                self.outbox.refuse_waiting(PublishError::TooLarge {
                    limit: self.max_packet_bytes,
                });
                continue;
            }
            if self.outbox.in_flight() >= self.inflight_limit {
                return None;
            }
            let left = message
                .expires_at
                .map(|expires_at| expires_at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                self.outbox.refuse_waiting(PublishError::Expired);
                continue;
            }
            let (message, packet_id) = self.outbox.send_waiting()?;
            return Some(Outgoing::Publish {
                message,
                left,
                packet_id,
            });
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
    /// Wakes the task when there is something to send, or when it may read again.
    pub(super) wake: Notify,
    /// Ends the task immediately.
    pub(super) stop: CancellationToken,
    /// Cancelled when the task has ended.
    pub(super) ended: CancellationToken,
}

impl Shared {
    pub(super) fn new(options: &ConnectionOptions) -> Arc<Self> {
        let link = Link {
            online: false,
            closed: false,
            farewell: Farewell::None,
            subscribe: None,
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
            wake: Notify::new(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        })
    }

    /// Acknowledges deliveries of the present connection; stale tokens are counted.
    pub(super) fn acknowledge(&self, tokens: impl Iterator<Item = AckToken>) {
        let mut stale = 0;
        let mut link = self.link.lock();
        let was_full = link.acks.is_full();
        for token in tokens {
            stale += u64::from(!link.acks.acknowledge(token));
        }
        let wakes = link.acks.is_ready() || was_full && !link.acks.is_full();
        drop(link);
        if wakes {
            self.wake.notify_one();
        }
        if stale > 0 {
            self.counters.stale_acks.fetch_add(stale, Relaxed);
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
