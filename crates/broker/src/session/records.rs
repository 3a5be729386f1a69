//! What a session has on disk: noted, removed, put back.

use std::num::NonZeroU16;

use super::{Inflight, State, id_of};
use crate::{
    keep::{Key, Op, Page, Space},
    message::Delivery,
};

impl State {
    /// Notes a message of the client at `QoS` 2 as taken; it is not taken again until it is released.
    pub(crate) fn take(&mut self, id: NonZeroU16, page: Option<&mut Page<'_>>) {
        if self.received.insert(id)
            && let Some(page) = page
        {
            page.put(Op::Taken(self.number, id.get()));
        }
    }

    /// Whether a message at `QoS` 2 was taken and not released.
    pub(crate) fn has_taken(&self, id: NonZeroU16) -> bool {
        self.received.contains(&id)
    }

    /// The client releases a message at `QoS` 2. Returns whether there is such a message.
    pub(crate) fn released(&mut self, id: NonZeroU16, page: Option<&mut Page<'_>>) -> bool {
        let existed = self.received.remove(&id);
        if existed && let Some(page) = page {
            page.put(Op::Remove(Key(Space::Taken, self.number, id.get().into())));
        }
        existed
    }

    /// Removes every record of the session.
    pub(crate) fn erase(&mut self, page: &mut Page<'_>) {
        let number = self.number;
        page.put(Op::Remove(Key(Space::Session, number, 0)));
        if self.noted_place > 0 {
            page.put(Op::Remove(Key(Space::Sent, number, 0)));
        }
        for record in self.subscriptions.values_mut().filter_map(Option::take) {
            page.put(Op::Remove(Key(Space::Subscription, number, record)));
        }
        for id in &self.received {
            page.put(Op::Remove(Key(Space::Taken, number, id.get().into())));
        }
        for inflight in self.inflight.iter_mut().filter(|inflight| inflight.kept) {
            inflight.kept = false;
            page.put(Op::Remove(Key(Space::Delivery, number, inflight.place)));
        }
        for delivery in &mut self.queue {
            if let (Some(_), Some(place)) = (delivery.kept.take(), delivery.place) {
                page.put(Op::Remove(Key(Space::Delivery, number, place)));
            }
        }
    }

    /// Puts back a delivery of an earlier run; in the order of places.
    pub(crate) fn restore(&mut self, place: u64, sent: bool, delivery: Option<Delivery>) {
        self.next_place = place + 1;
        match delivery {
            Some(delivery) if !sent => {
                self.queued_bytes += delivery.message.weight();
                self.queue.push_back(delivery);
            }
            delivery => self.inflight.push_back(Inflight {
                place,
                id: id_of(place),
                kept: true,
                delivery,
            }),
        }
    }

    /// Puts back which places were sent, and which messages at `QoS` 2 were taken.
    pub(crate) fn restore_marks(&mut self, sent: Option<u64>, taken: &[u16]) {
        self.noted_place = sent.map_or(0, |place| place + 1);
        self.next_place = self.next_place.max(self.noted_place);
        self.allowance = self.queue.len();
        self.received = taken.iter().copied().filter_map(NonZeroU16::new).collect();
    }

    /// Messages at `QoS` 2 that were taken and not released.
    pub(crate) fn unreleased(&self) -> usize {
        self.received.len()
    }
}
