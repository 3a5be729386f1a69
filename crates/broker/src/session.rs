//! What the broker remembers of one client: what waits for it, what it has not acknowledged, what it has sent at `QoS` 2.
//!
//! In: deliveries from publishers, acknowledgements from its connection. Out: packets for the connection. It lives on
//! while the client is away, and never makes a publisher wait: beyond its bounds the oldest message is dropped. What of it
//! outlives the process is noted on pages of the keeper as it changes.

mod outgoing;
mod records;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    num::NonZeroU16,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytestring::ByteString;
use parking_lot::{Mutex, MutexGuard};
use rmqtt_codec::types::QoS;
use tokio::task::AbortHandle;

use crate::{
    access::{Permission, Rights},
    keep::{Op, Page, StoredSession},
    link::Link,
    message::Delivery,
    will::Will,
};

/// The bounds of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    pub(crate) queued_messages: usize,
    pub(crate) queued_bytes: usize,
}

/// Whose a session is. Two accounts have different sessions, whatever their clients call themselves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) account: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
}

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    /// Different for each session of this broker.
    pub(crate) number: u64,
    pub(crate) owner: Owner,
    limits: SessionLimits,
    /// Whether it outlives the process.
    kept: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The number of the session.
    number: u64,
    /// What its client was granted when it was last here.
    pub(crate) rights: Option<Arc<dyn Rights>>,
    /// The number of these rights, also where an earlier run granted them.
    pub(crate) rights_number: u64,
    /// How long it outlives its connection.
    pub(crate) expiry: Duration,
    /// When the client left, in ms since 1970.
    pub(crate) left_ms: Option<u64>,
    /// The will of the client that is connected, for the case that the process ends.
    pub(crate) will: Option<Will>,
    /// The connection, while there is one.
    pub(crate) link: Option<Arc<Link>>,
    /// What waits for the end of an absent client's session.
    pub(crate) offline: Option<AbortHandle>,
    /// The will of an absent client, while it is delayed.
    pub(crate) delayed_will: Option<Will>,
    /// The filters that it subscribed to, with the numbers of their records.
    pub(crate) subscriptions: HashMap<ByteString, Option<u64>>,
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
    next_place: u64,
    /// The place after the last delivery that was sent and noted.
    noted_place: u64,
    /// The most entries that the client wants in flight.
    window: usize,
}

/// A message at `QoS` 1 or 2 that the client has not acknowledged.
#[derive(Debug)]
struct Inflight {
    place: u64,
    id: NonZeroU16,
    /// Whether there is a record of it.
    kept: bool,
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

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(number: u64, owner: Owner, limits: SessionLimits) -> Self {
        Self {
            number,
            owner,
            limits,
            kept: AtomicBool::new(false),
            state: Mutex::new(State {
                number,
                ..State::default()
            }),
        }
    }

    /// Whether it outlives the process.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.load(Relaxed)
    }

    /// Says whether it outlives the process.
    pub(crate) fn set_kept(&self, kept: bool) {
        self.kept.store(kept, Relaxed);
    }

    /// Notes the session itself, as it is now.
    pub(crate) fn note(&self, state: &State, page: &mut Page<'_>) {
        let will = match &state.link {
            Some(_) => state.will.as_ref(),
            None => state.delayed_will.as_ref(),
        };
        let record = StoredSession {
            client_id: self.owner.client_id.to_string(),
            account: self.owner.account.as_deref().map(ToOwned::to_owned),
            expiry_s: state.expiry.as_secs(),
            left_ms: state.left_ms,
            will: will.map(Will::stored),
            rights_number: state.rights_number,
        };
        page.put(Op::Session(self.number, Box::new(record)));
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether a client is connected.
    pub(crate) fn is_connected(&self) -> bool {
        self.state.lock().link.is_some()
    }

    /// Queues a message, and notes it where it is to outlive the process; returns how many messages were dropped for it.
    pub(crate) fn push(self: &Arc<Self>, mut delivery: Delivery, mut page: Option<&mut Page<'_>>) -> u64 {
        let mut state = self.state.lock();
        if state.link.is_none() && delivery.qos == QoS::AtMostOnce {
            return 0;
        }
        if delivery.qos != QoS::AtMostOnce && self.is_kept() {
            let place = state.next_place();
            delivery.place = Some(place);
            if let Some(page) = page.as_deref_mut().filter(|_| delivery.message.is_keepable()) {
                let kept = page.keep(&delivery.message);
                if let Some(kept) = &kept {
                    page.put(Op::Delivery(self.number, place, delivery.stored(kept.number)));
                    if delivery.qos == QoS::ExactlyOnce {
                        // Or, after a restart, the client would receive it again under another id.
                        delivery.gate = Some(page.group(self));
                    }
                } else if state.link.is_none() {
                    return 1;
                }
                delivery.kept = kept;
            }
        }
        state.queued_bytes += delivery.message.weight();
        state.queue.push_back(delivery);
        let messages = self.limits.queued_messages.max(state.allowance);
        let mut dropped = 0;
        while state.queue.len() > messages
            || (state.queued_bytes > self.limits.queued_bytes && state.queue.len() > 1)
        {
            let oldest = state.pop();
            state.gone(oldest.as_ref(), page.as_deref_mut());
            dropped += 1;
        }
        if let Some(link) = &state.link {
            link.signal();
        }
        dropped
    }

    /// Queues retained messages, as many as there are: a bound below their number would hide some for ever.
    pub(crate) fn push_retained(
        self: &Arc<Self>,
        deliveries: Vec<Delivery>,
        mut page: Option<&mut Page<'_>>,
    ) -> u64 {
        {
            let mut state = self.state.lock();
            state.allowance = state.allowance.max(deliveries.len());
        }
        let deliveries = deliveries.into_iter();
        deliveries
            .map(|delivery| self.push(delivery, page.as_deref_mut()))
            .sum()
    }
}

impl State {
    /// Gives the session to a connection with a window of so many unacknowledged messages.
    pub(crate) fn attach(&mut self, link: Arc<Link>, window: usize) {
        self.link = Some(link);
        self.window = window;
        self.sent = 0;
    }

    /// Whether all that it subscribed to is allowed to a client with these rights.
    pub(crate) fn is_within(&self, rights: &dyn Rights) -> bool {
        self.subscriptions
            .keys()
            .all(|filter| rights.subscribe(filter) == Permission::Granted)
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
}

/// The packet id of a place in the queue.
fn id_of(place: u64) -> NonZeroU16 {
    let id = place % u64::from(u16::MAX) + 1;
    u16::try_from(id)
        .ok()
        .and_then(NonZeroU16::new)
        .expect("it is between 1 and 65,535")
}
