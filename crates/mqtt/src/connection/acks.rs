//! Which deliveries are acknowledged, so that acknowledgements go out in the order of receipt and only on the
//! connection they belong to.
//!
//! In: deliveries and tokens in any order. Out: packet ids that may be acknowledged now. A token of an earlier
//! connection is refused: its packet id may mean another message by now.

use std::collections::VecDeque;

/// Acknowledges one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AckToken {
    pub(super) epoch: u64,
    /// `None` at `QoS` 0, which needs no acknowledgement.
    pub(super) place: Option<u64>,
}

impl AckToken {
    /// The token of a delivery that needs no acknowledgement.
    pub(super) const NONE: Self = Self {
        epoch: 0,
        place: None,
    };
}

#[derive(Debug)]
struct Open {
    packet_id: u16,
    done: bool,
}

/// The deliveries of the present connection that have not been acknowledged yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct AckWindow {
    epoch: u64,
    first: u64,
    open: VecDeque<Open>,
}

impl AckWindow {
    /// Notes a delivery.
    pub(super) fn received(&mut self, packet_id: u16) -> AckToken {
        let place = self.first + self.open.len() as u64;
        self.open.push_back(Open {
            packet_id,
            done: false,
        });
        AckToken {
            epoch: self.epoch,
            place: Some(place),
        }
    }

    /// Notes an acknowledgement; `false` if it comes from an earlier connection.
    pub(super) fn acknowledge(&mut self, token: AckToken) -> bool {
        let Some(place) = token.place else { return true };
        if token.epoch != self.epoch {
            return false;
        }
        // An entry that is gone was acknowledged before.
        if let Some(index) = place.checked_sub(self.first)
            && let Some(open) = self.open.get_mut(index as usize)
        {
            open.done = true;
        }
        true
    }

    /// The packet id whose turn it is, if it is acknowledged.
    pub(super) fn ready(&self) -> Option<u16> {
        self.open
            .front()
            .filter(|open| open.done)
            .map(|open| open.packet_id)
    }

    /// The packet id whose turn it was is on its way.
    pub(super) fn sent(&mut self) {
        self.open.pop_front();
        self.first += 1;
    }

    /// The connection ended: every token given out so far is stale.
    pub(super) fn next_epoch(&mut self) {
        self.epoch += 1;
        self.first = 0;
        self.open.clear();
    }

    /// How many deliveries are not acknowledged.
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
        let mut window = AckWindow::default();
        let old = window.received(7);
        window.next_epoch();
        let new = window.received(7);
        assert!(!window.acknowledge(old));
        assert!(drain(&mut window).is_empty());
        assert!(window.acknowledge(new));
        assert_eq!(drain(&mut window), [7]);
        assert!(window.acknowledge(new), "twice is harmless");
        assert!(drain(&mut window).is_empty());
    }

    proptest! {
        #[test]
        fn acks_leave_in_the_order_of_receipt(order in Just((0_u16..50).collect::<Vec<_>>()).prop_shuffle()) {
            let mut window = AckWindow::default();
            let tokens: Vec<_> = (0..50).map(|id| window.received(id + 1)).collect();
            let mut left = Vec::new();
            for &index in &order {
                prop_assert!(window.acknowledge(tokens[usize::from(index)]));
                left.extend(drain(&mut window));
            }
            prop_assert_eq!(left, (1..=50).collect::<Vec<u16>>());
        }
    }
}
