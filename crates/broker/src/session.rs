//! What the broker remembers of one client: what waits for it, what it has not acknowledged, what it has sent at `QoS` 2.
//!
//! In: deliveries from publishers, acknowledgements from its connection. Out: packets for the connection. It lives on
//! while the client is away, and never makes a publisher wait: beyond its bounds the oldest message is dropped.

use std::{
    collections::{HashSet, VecDeque},
    num::NonZeroU16,
    sync::Arc,
};

use bytes::BytesMut;
use bytestring::ByteString;
use parking_lot::{Mutex, MutexGuard};
use rmqtt_codec::types::QoS;
use tokio::task::AbortHandle;

use crate::{link::Link, message::Delivery, packet::Codec, will::Will};

/// The bounds of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    pub(crate) queued_messages: usize,
    pub(crate) queued_bytes: usize,
}

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    /// Different for each session of this broker.
    pub(crate) number: u64,
    pub(crate) client_id: Arc<str>,
    limits: SessionLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// The connection, while there is one.
    pub(crate) link: Option<Arc<Link>>,
    /// What waits for the end of an absent client's session.
    pub(crate) offline: Option<AbortHandle>,
    /// The will of an absent client, while it is delayed.
    pub(crate) delayed_will: Option<Will>,
    /// The filters that it subscribed to.
    pub(crate) subscriptions: HashSet<ByteString>,
    /// Bytes of these filters.
    pub(crate) filter_bytes: usize,
    /// Messages of the client at `QoS` 2 that were taken and not released.
    received: HashSet<NonZeroU16>,
    queue: VecDeque<Delivery>,
    queued_bytes: usize,
    /// Messages that may wait beyond the bound, until they have left.
    allowance: usize,
    inflight: VecDeque<Inflight>,
    /// Entries of `inflight` that this connection has sent.
    sent: usize,
    last_id: u16,
    /// The most entries that the client wants in flight.
    window: usize,
}

/// A message at `QoS` 1 or 2 that the client has not acknowledged.
#[derive(Debug)]
struct Inflight {
    id: NonZeroU16,
    /// `None` once the client has it at `QoS` 2: only PUBREL remains.
    delivery: Option<Delivery>,
}

/// What a connection's turn to deliver has done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Delivered {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// Messages that were larger than the client accepts.
    pub(crate) too_large: u64,
}

/// How a connection wants its packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlet {
    /// The client's Maximum Packet Size.
    pub(crate) max_packet_bytes: usize,
    /// From so many waiting bytes on, no more is added.
    pub(crate) full_at_bytes: usize,
}

impl Session {
    pub(crate) fn new(number: u64, client_id: Arc<str>, limits: SessionLimits) -> Self {
        Self {
            number,
            client_id,
            limits,
            state: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether a client is connected.
    pub(crate) fn is_connected(&self) -> bool {
        self.state.lock().link.is_some()
    }

    /// Queues a message; returns how many messages were dropped for it.
    pub(crate) fn push(&self, delivery: Delivery) -> u64 {
        let mut state = self.state.lock();
        if state.link.is_none() && delivery.qos == QoS::AtMostOnce {
            return 0;
        }
        state.queued_bytes += delivery.message.weight();
        state.queue.push_back(delivery);
        let messages = self.limits.queued_messages.max(state.allowance);
        let mut dropped = 0;
        while state.queue.len() > messages
            || (state.queued_bytes > self.limits.queued_bytes && state.queue.len() > 1)
        {
            state.pop();
            dropped += 1;
        }
        if let Some(link) = &state.link {
            link.signal();
        }
        dropped
    }

    /// Queues retained messages, as many as there are: a bound below their number would hide some for ever.
    pub(crate) fn push_retained(&self, deliveries: Vec<Delivery>) -> u64 {
        {
            let mut state = self.state.lock();
            state.allowance = state.allowance.max(deliveries.len());
        }
        deliveries.into_iter().map(|delivery| self.push(delivery)).sum()
    }
}

impl State {
    /// Gives the session to a connection with a window of so many unacknowledged messages.
    pub(crate) fn attach(&mut self, link: Arc<Link>, window: usize) {
        self.link = Some(link);
        self.window = window;
        self.sent = 0;
    }

    /// Whether the session belongs to this connection.
    pub(crate) fn is_owned_by(&self, link: &Arc<Link>) -> bool {
        self.link.as_ref().is_some_and(|owner| Arc::ptr_eq(owner, link))
    }

    /// Takes the session from its connection. Messages at `QoS` 0 do not wait for the next one.
    pub(crate) fn detach(&mut self) {
        self.link = None;
        self.sent = 0;
        self.queue.retain(|delivery| delivery.qos != QoS::AtMostOnce);
        self.queued_bytes = self.queue.iter().map(|delivery| delivery.message.weight()).sum();
    }

    fn pop(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        self.queued_bytes -= delivery.message.weight();
        self.allowance = self.allowance.min(self.queue.len());
        Some(delivery)
    }

    /// Appends as many packets to `output` as window and `outlet` allow: first what an earlier connection has sent, then
    /// what waits.
    pub(crate) fn deliver(&mut self, codec: &mut Codec, outlet: Outlet, output: &mut BytesMut) -> Delivered {
        let mut done = Delivered::default();
        while output.len() < outlet.full_at_bytes {
            let before = output.len();
            let written = if self.sent < self.inflight.len() {
                if self.sent >= self.window {
                    break;
                }
                self.repeat(codec, outlet, output)
            } else {
                let Some(written) = self.send_next(codec, outlet, output) else {
                    break;
                };
                written
            };
            if written {
                done.messages += 1;
                done.bytes += (output.len() - before) as u64;
            } else {
                done.too_large += 1;
            }
        }
        done
    }

    /// Sends the next unacknowledged message once more.
    fn repeat(&mut self, codec: &mut Codec, outlet: Outlet, output: &mut BytesMut) -> bool {
        let Inflight { id, delivery } = &self.inflight[self.sent];
        let written = if let Some(delivery) = delivery {
            let packet = delivery.packet(Some(*id), true, codec.is_v5());
            codec.publish(packet, outlet.max_packet_bytes, output)
        } else {
            codec.release(*id, true, output);
            true
        };
        if written {
            self.sent += 1;
        } else {
            self.inflight.remove(self.sent);
        }
        written
    }

    /// Sends the next message that waits; `None` where there is none, or no room in the window.
    fn send_next(&mut self, codec: &mut Codec, outlet: Outlet, output: &mut BytesMut) -> Option<bool> {
        loop {
            let first = self.queue.front()?;
            let acknowledged = first.qos != QoS::AtMostOnce;
            if acknowledged && self.inflight.len() >= self.window {
                return None;
            }
            let delivery = self.pop()?;
            if delivery.message.is_expired() {
                continue;
            }
            let id = acknowledged.then(|| self.next_id());
            let packet = delivery.packet(id, false, codec.is_v5());
            if !codec.publish(packet, outlet.max_packet_bytes, output) {
                return Some(false);
            }
            if let Some(id) = id {
                self.inflight.push_back(Inflight {
                    id,
                    delivery: Some(delivery),
                });
                self.sent += 1;
            }
            return Some(true);
        }
    }

    /// A packet id that is not in use. The window is far smaller than the number of ids.
    fn next_id(&mut self) -> NonZeroU16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            if let Some(id) = NonZeroU16::new(self.last_id)
                && !self.is_in_use(id)
            {
                return id;
            }
        }
    }

    fn is_in_use(&self, id: NonZeroU16) -> bool {
        // Ids are given in order: until they have gone round, none of them can be in use.
        let oldest = self.inflight.front().map_or(id.get(), |oldest| oldest.id.get());
        id.get().wrapping_sub(oldest) > u16::MAX / 2 && self.inflight.iter().any(|inflight| inflight.id == id)
    }

    /// The client has a message at `QoS` 1, or all of the exchange at `QoS` 2.
    pub(crate) fn acknowledged(&mut self, id: NonZeroU16) {
        if let Some(place) = self.sent_place(id) {
            self.inflight.remove(place);
            self.sent -= 1;
        }
    }

    /// The client has a message at `QoS` 2. Returns whether there is such a message.
    pub(crate) fn received_by_client(&mut self, id: NonZeroU16) -> bool {
        let place = self.sent_place(id);
        if let Some(place) = place {
            self.inflight[place].delivery = None;
        }
        place.is_some()
    }

    fn sent_place(&self, id: NonZeroU16) -> Option<usize> {
        // Clients acknowledge in order, so it is nearly always the first.
        self.inflight
            .iter()
            .take(self.sent)
            .position(|inflight| inflight.id == id)
    }

    /// Notes a message of the client at `QoS` 2 as taken; it is not taken again until it is released.
    pub(crate) fn take(&mut self, id: NonZeroU16) {
        self.received.insert(id);
    }

    /// Whether a message at `QoS` 2 was taken and not released.
    pub(crate) fn has_taken(&self, id: NonZeroU16) -> bool {
        self.received.contains(&id)
    }

    /// The client releases a message at `QoS` 2. Returns whether there is such a message.
    pub(crate) fn released(&mut self, id: NonZeroU16) -> bool {
        self.received.remove(&id)
    }

    /// Messages at `QoS` 2 that were taken and not released.
    pub(crate) fn unreleased(&self) -> usize {
        self.received.len()
    }
}
