//! The acknowledgements of deliveries, sent in the order of receipt and only on the connection they belong to.
//!
//! In: deliveries, and tokens in any order. Out: packet ids that may be acknowledged now. A token of an earlier
//! connection is refused: its packet id may refer to another message by now.

use std::collections::VecDeque;

/// Acknowledges one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AckToken {
    pub(super) epoch: u64,
    /// `None` at `QoS` 0, which needs no acknowledgement.
    pub(super) place: Option<u64>,
}

impl AckToken {
    /// Returns the token of a delivery that needs no acknowledgement.
    pub(super) const NONE: Self = Self {
        epoch: 0,
        place: None,
    };
}

/// Approximate size of a waiting delivery without its payload, in bytes.
const OVERHEAD_BYTES: usize = 256;

#[derive(Debug)]
struct Open {
    packet_id: u16,
    bytes: usize,
    done: bool,
}

/// The deliveries of the present connection that have not been acknowledged yet, oldest first.
#[derive(Debug)]
pub(super) struct AckWindow {
    limit: usize,
    spare_bytes: usize,
    max_bytes: usize,
    epoch: u64,
    first: u64,
    open: VecDeque<Open>,
    open_bytes: usize,
    overrun: bool,
}

impl AckWindow {
    /// Creates a window for `limit` deliveries (the receive maximum), and for more as long as they fit into
    /// `spare_bytes`. Together they never exceed `max_bytes`, except for a single delivery.
    pub(super) fn new(limit: usize, spare_bytes: usize, max_bytes: usize) -> Self {
        Self {
            limit,
            spare_bytes,
            max_bytes,
            epoch: 0,
            first: 0,
            open: VecDeque::new(),
            open_bytes: 0,
            overrun: false,
        }
    }

    /// Records a delivery and returns its token. `None` if the broker exceeded the receive maximum and the delivery
    /// does not fit (Mosquitto 2.0 can send everything at once when a session is resumed). To keep the order, this
    /// delivery and all after it must be ignored: they are delivered again on the next connection.
    pub(super) fn received(&mut self, packet_id: u16, bytes: usize) -> Option<AckToken> {
        let bytes = bytes + OVERHEAD_BYTES;
        let sum = self.open_bytes + bytes;
        self.overrun |= self.open.len() >= self.limit && sum > self.spare_bytes
            || !self.open.is_empty() && sum > self.max_bytes;
        if self.overrun {
            return None;
        }
        self.open_bytes += bytes;
        let place = self.first + self.open.len() as u64;
        self.open.push_back(Open {
            packet_id,
            bytes,
            done: false,
        });
        Some(AckToken {
            epoch: self.epoch,
            place: Some(place),
        })
    }

    /// Returns whether it is time for a new connection, without which the ignored deliveries do not come. It does not
    /// wait until everything else is acknowledged: a consumer may need more messages before it acknowledges the rest.
    pub(super) fn is_spent(&self) -> bool {
        self.overrun && self.open.len() <= self.limit / 2 && self.open_bytes <= self.max_bytes / 2
    }

    /// Returns the number of the connection.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Records an acknowledgement. Returns `false` if it belongs to an earlier connection.
    pub(super) fn acknowledge(&mut self, token: AckToken) -> bool {
        let Some(place) = token.place else { return true };
        if token.epoch != self.epoch {
            return false;
        }
        // A missing entry was acknowledged before.
        if let Some(index) = place.checked_sub(self.first)
            && let Some(open) = self.open.get_mut(index as usize)
        {
            open.done = true;
        }
        true
    }

    /// Returns the next packet id in order, if it is acknowledged.
    pub(super) fn ready(&self) -> Option<u16> {
        self.open
            .front()
            .filter(|open| open.done)
            .map(|open| open.packet_id)
    }

    /// Records that the acknowledgement of the next packet id was sent.
    pub(super) fn sent(&mut self) {
        if let Some(open) = self.open.pop_front() {
            self.first += 1;
            self.open_bytes -= open.bytes;
        }
    }

    /// Ends the connection: every token issued so far becomes stale.
    pub(super) fn next_epoch(&mut self) {
        self.epoch += 1;
        self.first = 0;
        self.open.clear();
        self.open_bytes = 0;
        self.overrun = false;
    }

    /// Returns the number of unacknowledged deliveries.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(window: &mut AckWindow) -> Vec<u16> {
        std::iter::from_fn(|| {
            let id = window.ready()?;
            window.sent();
            Some(id)
        })
        .collect()
    }

    #[test]
    fn a_stale_token_acknowledges_nothing() {
        let mut window = AckWindow::new(100, 0, 1 << 20);
        let old = window.received(7, 1).unwrap();
        window.next_epoch();
        let new = window.received(7, 1).unwrap();
        assert!(!window.acknowledge(old));
        assert!(drain(&mut window).is_empty());
        assert!(window.acknowledge(new));
        assert_eq!(drain(&mut window), [7]);
        assert!(window.acknowledge(new), "twice is harmless");
        assert!(drain(&mut window).is_empty());
    }

    #[test]
    fn what_exceeds_the_limit_waits_for_the_next_connection() {
        let mut window = AckWindow::new(2, 1_000, 1 << 20);
        let tokens = [1, 2].map(|id| window.received(id, 1).unwrap());
        assert!(!window.is_spent());
        assert_eq!(window.received(3, 1_000), None);
        assert!(!window.is_spent());
        window.acknowledge(tokens[0]);
        assert_eq!(drain(&mut window), [1]);
        assert_eq!(window.received(4, 1), None, "the order is kept");
        assert!(window.is_spent());
        window.next_epoch();
        assert!(!window.is_spent() && window.received(3, 1_000).is_some());
    }

    #[test]
    fn a_few_large_deliveries_are_too_many_as_well() {
        let mut window = AckWindow::new(100, 0, 10_000);
        let first = window.received(1, 20_000).unwrap();
        assert_eq!(window.received(2, 1), None);
        assert!(!window.is_spent());
        window.acknowledge(first);
        assert_eq!(drain(&mut window), [1]);
        assert!(window.is_spent());
    }

    proptest! {
        #[test]
        fn acks_leave_in_the_order_of_receipt(order in Just((0_u16..50).collect::<Vec<_>>()).prop_shuffle()) {
            let mut window = AckWindow::new(100, 0, 1 << 20);
            let tokens: Vec<_> = (0..50).map(|id| window.received(id + 1, 1).unwrap()).collect();
            let mut left = Vec::new();
            for &index in &order {
                prop_assert!(window.acknowledge(tokens[usize::from(index)]));
                left.extend(drain(&mut window));
            }
            prop_assert_eq!(left, (1..=50).collect::<Vec<u16>>());
        }
    }
}
