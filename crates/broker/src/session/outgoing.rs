//! What a session sends to its client, and what the client says to it.

use std::num::NonZeroU16;

use bytes::BytesMut;
use rmqtt_codec::types::QoS;

use super::{Delivered, Inflight, Outlet, State, id_of};
use crate::{
    keep::{Key, Op, Page, Space, StoredDelivery},
    message::Delivery,
    packet::Codec,
};

impl State {
    /// Whether there may be something to deliver.
    pub(crate) fn has_mail(&self) -> bool {
        !self.queue.is_empty() || self.sent < self.inflight.len()
    }

    /// Appends as many packets to `output` as window and `outlet` allow: first what an earlier connection has sent, then
    /// what waits.
    pub(crate) fn deliver(
        &mut self,
        codec: &mut Codec,
        outlet: Outlet,
        output: &mut BytesMut,
        mut page: Option<&mut Page<'_>>,
    ) -> Delivered {
        let mut done = Delivered::default();
        while output.len() < outlet.full_at_bytes {
            let before = output.len();
            let written = if self.sent < self.inflight.len() {
                if self.sent >= self.window {
                    break;
                }
                self.repeat(codec, outlet, output, page.as_deref_mut())
            } else {
                let Some(written) = self.send_next(codec, outlet, output, page.as_deref_mut()) else {
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
        if let Some(page) = page
            && let Some(last) = self.inflight.iter().rev().find(|inflight| inflight.kept)
            && last.place >= self.noted_place
        {
            // So that a later start knows which of them the client may have.
            page.put(Op::Sent(self.number, last.place));
            self.noted_place = last.place + 1;
        }
        done
    }

    /// Sends the next unacknowledged message once more.
    fn repeat(
        &mut self,
        codec: &mut Codec,
        outlet: Outlet,
        output: &mut BytesMut,
        page: Option<&mut Page<'_>>,
    ) -> bool {
        let Inflight { id, delivery, .. } = &self.inflight[self.sent];
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
            self.remove_inflight(self.sent, page);
        }
        written
    }

    /// Sends the next message that waits; `None` where there is none, or none that may leave now.
    fn send_next(
        &mut self,
        codec: &mut Codec,
        outlet: Outlet,
        output: &mut BytesMut,
        mut page: Option<&mut Page<'_>>,
    ) -> Option<bool> {
        loop {
            let first = self.queue.front()?;
            let acknowledged = first.qos != QoS::AtMostOnce;
            if first.is_held() || (acknowledged && self.inflight.len() >= self.window) {
                return None;
            }
            if first.place.is_some_and(|place| self.is_in_use(place)) {
                // A client that leaves one message unacknowledged while it takes 65,535 others.
                return None;
            }
            let delivery = self.pop()?;
            if delivery.message.is_expired() {
                self.gone(Some(&delivery), page.as_deref_mut());
                continue;
            }
            let place = acknowledged.then(|| delivery.place.unwrap_or_else(|| self.next_place()));
            let id = place.map(id_of);
            let packet = delivery.packet(id, false, codec.is_v5());
            if !codec.publish(packet, outlet.max_packet_bytes, output) {
                self.gone(Some(&delivery), page);
                return Some(false);
            }
            if let Some(place) = place {
                self.inflight.push_back(Inflight {
                    place,
                    id: id_of(place),
                    kept: delivery.kept.is_some(),
                    delivery: Some(delivery),
                });
                self.sent += 1;
            }
            return Some(true);
        }
    }

    /// Notes that a delivery does not wait any more.
    pub(super) fn gone(&self, delivery: Option<&Delivery>, page: Option<&mut Page<'_>>) {
        if let Some(Delivery {
            place: Some(place),
            kept: Some(_),
            ..
        }) = delivery
            && let Some(page) = page
        {
            page.put(Op::Remove(Key(Space::Delivery, self.number, *place)));
        }
    }

    /// The next place in the queue, whose packet id is not in use. The window is far smaller than the number of ids.
    pub(super) fn next_place(&mut self) -> u64 {
        while self.is_in_use(self.next_place) {
            self.next_place += 1;
        }
        let place = self.next_place;
        self.next_place += 1;
        place
    }

    /// Whether the packet id of a place belongs to an unacknowledged message. Ids are given in order: until they have gone
    /// round, none of them can be.
    fn is_in_use(&self, place: u64) -> bool {
        let oldest = self.inflight.front().map_or(place, |oldest| oldest.place);
        place.saturating_sub(oldest) >= u64::from(u16::MAX)
            && self.inflight.iter().any(|inflight| inflight.id == id_of(place))
    }

    /// The client has a message at `QoS` 1, or all of the exchange at `QoS` 2.
    pub(crate) fn acknowledged(&mut self, id: NonZeroU16, page: Option<&mut Page<'_>>) {
        if let Some(place) = self.sent_place(id) {
            self.remove_inflight(place, page);
            self.sent -= 1;
        }
    }

    fn remove_inflight(&mut self, index: usize, page: Option<&mut Page<'_>>) {
        if let Some(inflight) = self.inflight.remove(index)
            && inflight.kept
            && let Some(page) = page
        {
            page.put(Op::Remove(Key(Space::Delivery, self.number, inflight.place)));
        }
    }

    /// The client has a message at `QoS` 2. Returns whether there is such a message.
    pub(crate) fn received_by_client(&mut self, id: NonZeroU16, page: Option<&mut Page<'_>>) -> bool {
        let Some(index) = self.sent_place(id) else {
            return false;
        };
        let inflight = &mut self.inflight[index];
        if let Some(delivery) = inflight.delivery.take()
            && inflight.kept
            && let Some(page) = page
        {
            let released = StoredDelivery {
                message: None,
                ..delivery.stored(0)
            };
            page.put(Op::Delivery(self.number, inflight.place, released));
        }
        true
    }

    fn sent_place(&self, id: NonZeroU16) -> Option<usize> {
        // Clients acknowledge in order, so it is nearly always the first.
        self.inflight
            .iter()
            .take(self.sent)
            .position(|inflight| inflight.id == id)
    }
}
