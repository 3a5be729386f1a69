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

/// The deliveries of the present connection that have not been acknowledged to the broker yet, oldest first.
///
/// None is refused: every delivery is acknowledged in turn, or a broker that sends more than the receive maximum would
/// have to send it again. Memory is bounded by not reading while the window [is full](Self::is_full). So each
/// connection acknowledges at least as much as the window holds.
#[derive(Debug)]
pub(super) struct AckWindow {
    receive_maximum: usize,
    max_bytes: usize,
    epoch: u64,
    first: u64,
    open: VecDeque<Open>,
    /// Size of the deliveries that the consumer has not acknowledged.
    held_bytes: usize,
    overruns: u64,
}

impl AckWindow {
    /// Creates a window that is full when the consumer has more than `max_bytes` to acknowledge.
    pub(super) fn new(receive_maximum: usize, max_bytes: usize) -> Self {
        Self {
            receive_maximum,
            max_bytes,
            epoch: 0,
            first: 0,
            open: VecDeque::new(),
            held_bytes: 0,
            overruns: 0,
        }
    }

    /// Records a delivery and returns its token.
    pub(super) fn received(&mut self, packet_id: u16, bytes: usize) -> AckToken {
        if self.open.len() >= self.receive_maximum {
            self.overruns += 1;
        }
        let bytes = bytes + OVERHEAD_BYTES;
        self.held_bytes += bytes;
        let place = self.first + self.open.len() as u64;
        self.open.push_back(Open {
            packet_id,
            bytes,
            done: false,
        });
        AckToken {
            epoch: self.epoch,
            place: Some(place),
        }
    }

    /// Returns whether the consumer should acknowledge something before more is read.
    pub(super) const fn is_full(&self) -> bool {
        self.held_bytes > self.max_bytes
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
            && !open.done
        {
            open.done = true;
            self.held_bytes -= open.bytes;
        }
        true
    }

    /// Returns whether the next packet id in order is acknowledged.
    pub(super) fn is_ready(&self) -> bool {
        self.open.front().is_some_and(|open| open.done)
    }

    /// Takes the next packet id in order, if it is acknowledged: its acknowledgement is sent.
    pub(super) fn send_next(&mut self) -> Option<u16> {
        let open = self.open.pop_front_if(|open| open.done)?;
        self.first += 1;
        Some(open.packet_id)
    }

    /// Ends the connection: every token issued so far becomes stale.
    pub(super) fn next_epoch(&mut self) {
        self.epoch += 1;
        self.first = 0;
        self.open.clear();
        self.held_bytes = 0;
    }

    /// Returns the number of deliveries that are not acknowledged to the broker.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Returns the size of the deliveries that the consumer has not acknowledged.
    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns the number of deliveries that exceeded the receive maximum.
    pub(super) const fn overruns(&self) -> u64 {
        self.overruns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(window: &mut AckWindow) -> Vec<u16> {
        std::iter::from_fn(|| window.send_next()).collect()
    }

    #[test]
    fn a_stale_token_acknowledges_nothing() {
        let mut window = AckWindow::new(100, 1 << 20);
        let old = window.received(7, 1);
        window.next_epoch();
        let new = window.received(7, 1);
        assert!(!window.acknowledge(old));
        assert!(drain(&mut window).is_empty());
        assert!(window.acknowledge(new));
        assert_eq!(drain(&mut window), [7]);
        assert!(window.acknowledge(new), "twice is harmless");
        assert!(drain(&mut window).is_empty());
    }

    #[test]
    fn what_exceeds_the_receive_maximum_is_counted_and_acknowledged_in_turn() {
        let mut window = AckWindow::new(2, 1 << 20);
        let tokens = [1, 2, 3, 4].map(|id| window.received(id, 1));
        assert_eq!((window.overruns(), window.is_full()), (2, false));
        for token in tokens {
            assert!(window.acknowledge(token));
        }
        assert_eq!(drain(&mut window), [1, 2, 3, 4]);
    }

    #[test]
    fn a_window_is_full_until_the_consumer_acknowledges_whatever_was_sent() {
        let mut window = AckWindow::new(100, 10_000);
        let first = window.received(1, 9_000);
        assert!(!window.is_full());
        let second = window.received(2, 9_000);
        assert!(window.is_full());
        window.received(3, 9_000);
        assert!(window.acknowledge(second) && window.acknowledge(second));
        assert!(window.is_full());
        assert!(window.acknowledge(first));
        assert!(!window.is_full(), "although nothing was sent yet");
        assert_eq!(window.held_bytes(), 9_000 + OVERHEAD_BYTES);
        assert_eq!(drain(&mut window), [1, 2]);
    }

    /// A broker that sends everything it has again on every connection, whatever the receive maximum.
    struct Broker {
        unacknowledged: VecDeque<(u16, usize)>,
        sent: usize,
    }

    impl Broker {
        fn new(sizes: &[usize]) -> Self {
            Self {
                unacknowledged: (1..).zip(sizes.iter().copied()).collect(),
                sent: 0,
            }
        }

        fn send(&mut self) -> Option<(u16, usize)> {
            let next = self.unacknowledged.get(self.sent).copied();
            self.sent += usize::from(next.is_some());
            next
        }

        /// Handles an acknowledgement, which must be for the oldest that was sent.
        fn acknowledged(&mut self, packet_id: u16) -> bool {
            let oldest = self.unacknowledged.pop_front();
            let was_sent = self.sent > 0;
            self.sent = self.sent.saturating_sub(1);
            was_sent && oldest.is_some_and(|(id, _)| id == packet_id)
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Receive,
        Acknowledge(prop::sample::Index),
        Send,
        Cut,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => Just(Step::Receive),
            8 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
            6 => Just(Step::Send),
            1 => Just(Step::Cut),
        ]
    }

    proptest! {
        #[test]
        fn acks_leave_in_the_order_of_receipt_and_only_on_their_connection(
            sizes in prop::collection::vec(0_usize..3_000, 1..60),
            steps in prop::collection::vec(step(), 0..400),
        ) {
            const MAX_BYTES: usize = 10_000;
            let (mut broker, mut window) = (Broker::new(&sizes), AckWindow::new(4, MAX_BYTES));
            let mut held = Vec::new();
            for step in steps {
                match step {
                    Step::Receive if window.is_full() => {}
                    Step::Receive => {
                        if let Some((id, bytes)) = broker.send() {
                            held.push(window.received(id, bytes));
                        }
                    }
                    // Tokens of earlier connections are among them.
                    Step::Acknowledge(index) if !held.is_empty() => {
                        let token = held.swap_remove(index.index(held.len()));
                        prop_assert_eq!(window.acknowledge(token), token.epoch == window.epoch());
                    }
                    Step::Acknowledge(_) => {}
                    Step::Send => {
                        if let Some(id) = window.send_next() {
                            prop_assert!(broker.acknowledged(id));
                        }
                    }
                    Step::Cut => {
                        window.next_epoch();
                        broker.sent = 0;
                    }
                }
                prop_assert!(window.held_bytes() <= MAX_BYTES + 3_000 + OVERHEAD_BYTES);
                prop_assert_eq!(window.len(), broker.sent);
            }
        }

        #[test]
        fn each_connection_acknowledges_at_least_as_much_as_the_window_holds(
            sizes in prop::collection::vec(0_usize..3_000, 1..60),
            max_bytes in 0_usize..20_000,
            seed in any::<prop::sample::Index>(),
        ) {
            let (mut broker, mut window) = (Broker::new(&sizes), AckWindow::new(4, max_bytes));
            while !broker.unacknowledged.is_empty() {
                broker.sent = 0;
                let mut held = Vec::new();
                while !window.is_full() && let Some((id, bytes)) = broker.send() {
                    held.push((window.received(id, bytes), bytes + OVERHEAD_BYTES));
                }
                let everything = broker.sent == broker.unacknowledged.len();
                let bytes: usize = held.iter().map(|(_, bytes)| bytes).sum();
                prop_assert!(everything || bytes > max_bytes);
                let start = seed.index(held.len());
                held.rotate_left(start);
                for (token, _) in &held {
                    prop_assert!(window.acknowledge(*token));
                }
                let acknowledged = drain(&mut window);
                prop_assert_eq!(acknowledged.len(), held.len());
                for id in acknowledged {
                    prop_assert!(broker.acknowledged(id));
                }
                window.next_epoch();
            }
        }
    }
}
