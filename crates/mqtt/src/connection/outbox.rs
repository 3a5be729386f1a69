//! The outbox: messages that are kept, across connections, until the broker has them.
//!
//! In: messages, packet ids as the client assigns them, acknowledgements. Out: the next message to hand over. The
//! client forgets unacknowledged messages when a session is gone; the outbox does not. A message at `QoS` 0 is kept
//! until it was written.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::oneshot;

use super::{Message, PublishError, Qos};

/// The channel that reports the outcome of a message to its publisher.
pub(super) type Confirm = oneshot::Sender<Result<(), PublishError>>;

/// A message and the channel for its outcome.
#[derive(Debug)]
pub(super) struct Entry {
    number: u64,
    pub(super) message: Message,
    /// Whether every connection sends it anew (the birth message), so that it is not kept across connections.
    transient: bool,
    confirm: Option<Confirm>,
}

impl Entry {
    pub(super) fn resolve(self, outcome: Result<(), PublishError>) {
        if let Some(confirm) = self.confirm {
            // The publisher may have stopped waiting.
            let _ = confirm.send(outcome);
        }
    }
}

/// The queue of messages, its bounds, and the messages in flight.
#[derive(Debug)]
pub(super) struct Outbox {
    max_messages: usize,
    max_bytes: usize,
    next_number: u64,
    waiting: VecDeque<Entry>,
    waiting_bytes: usize,
    /// Messages that the client has not assigned a packet id yet, in the order in which it will.
    handed: VecDeque<Entry>,
    /// Sent and unacknowledged `QoS` 1 messages by packet id.
    unacked: BTreeMap<u16, Entry>,
}

impl Outbox {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages: max_messages.max(1),
            max_bytes,
            next_number: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            handed: VecDeque::new(),
            unacked: BTreeMap::new(),
        }
    }

    /// Returns whether there is room for a payload of `bytes`. One message always fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.waiting.is_empty()
            || (self.waiting.len() < self.max_messages && self.waiting_bytes + bytes <= self.max_bytes)
    }

    pub(super) fn push(&mut self, message: Message, confirm: Option<Confirm>) {
        let entry = self.entry(message, false, confirm);
        self.waiting_bytes += entry.message.payload.len();
        self.waiting.push_back(entry);
    }

    /// Prepends a message that is dropped when the connection ends.
    pub(super) fn push_first(&mut self, message: Message) {
        let entry = self.entry(message, true, None);
        self.waiting_bytes += entry.message.payload.len();
        self.waiting.push_front(entry);
    }

    fn entry(&mut self, message: Message, transient: bool, confirm: Option<Confirm>) -> Entry {
        self.next_number += 1;
        Entry {
            number: self.next_number,
            message,
            transient,
            confirm,
        }
    }

    pub(super) fn next_waiting(&self) -> Option<&Message> {
        self.waiting.front().map(|entry| &entry.message)
    }

    fn take_waiting(&mut self) -> Option<Entry> {
        let entry = self.waiting.pop_front()?;
        self.waiting_bytes -= entry.message.payload.len();
        Some(entry)
    }

    /// Records that the client has taken the first waiting message.
    pub(super) fn handed_over(&mut self) {
        if let Some(entry) = self.take_waiting() {
            self.handed.push_back(entry);
        }
    }

    /// Removes the first waiting message, which can never be sent.
    pub(super) fn refuse_waiting(&mut self, error: PublishError) {
        if let Some(entry) = self.take_waiting() {
            entry.resolve(Err(error));
        }
    }

    /// Records that the client wrote its next message, with this packet id (0 at `QoS` 0).
    pub(super) fn written(&mut self, packet_id: u16) {
        let Some(entry) = self.handed.pop_front() else {
            return;
        };
        if packet_id == 0 {
            entry.resolve(Ok(()));
        } else {
            self.unacked.insert(packet_id, entry);
        }
    }

    /// Records the broker's acknowledgement of a packet id.
    pub(super) fn acknowledged(&mut self, packet_id: u16, outcome: Result<(), PublishError>) {
        if let Some(entry) = self.unacked.remove(&packet_id) {
            entry.resolve(outcome);
        }
    }

    /// Returns the number of `QoS` 1 messages that the client has taken and the broker has not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.unacked.len()
            + self
                .handed
                .iter()
                .filter(|e| e.message.qos == Qos::AtLeastOnce)
                .count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.handed.is_empty() && self.unacked.is_empty()
    }

    /// Handles the end of a connection: `QoS` 1 messages in flight wait again, before all others and in their order;
    /// `QoS` 0 ones are lost. Returns the number of lost messages.
    pub(super) fn requeue(&mut self) -> u64 {
        let mut lost = 0;
        let mut again: Vec<Entry> = std::mem::take(&mut self.unacked).into_values().collect();
        again.extend(std::mem::take(&mut self.handed));
        again.sort_by_key(|entry| entry.number);
        for entry in again.into_iter().rev() {
            if entry.transient {
                continue;
            }
            if entry.message.qos == Qos::AtMostOnce {
                lost += 1;
                entry.resolve(Err(PublishError::Lost));
                continue;
            }
            self.waiting_bytes += entry.message.payload.len();
            self.waiting.push_front(entry);
        }
        // The next connection creates its birth message anew.
        let transient_bytes: usize = self
            .waiting
            .iter()
            .filter(|e| e.transient)
            .map(|e| e.message.payload.len())
            .sum();
        self.waiting_bytes -= transient_bytes;
        self.waiting.retain(|entry| !entry.transient);
        lost
    }

    /// Closes the outbox. Returns the number of `QoS` 1 messages that the broker never acknowledged.
    pub(super) fn close(&mut self) -> u64 {
        self.requeue();
        let mut lost = 0;
        while let Some(entry) = self.take_waiting() {
            lost += 1;
            entry.resolve(Err(PublishError::Closed));
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, qos: Qos) -> Message {
        Message {
            qos,
            ..Message::new("t", text.as_bytes().to_vec())
        }
    }

    fn waiting(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| {
            let text = String::from_utf8_lossy(&outbox.next_waiting()?.payload).into_owned();
            outbox.handed_over();
            Some(text)
        })
        .collect()
    }

    #[test]
    fn what_was_not_acknowledged_waits_again_in_its_order() {
        let mut outbox = Outbox::new(10, 1 << 20);
        outbox.push_first(message("birth", Qos::AtLeastOnce));
        for text in ["a", "b", "c", "d"] {
            outbox.push(message(text, Qos::AtLeastOnce), None);
        }
        outbox.push(message("zero", Qos::AtMostOnce), None);
        outbox.push(message("e", Qos::AtLeastOnce), None);
        for _ in 0..6 {
            outbox.handed_over();
        }
        // Packet ids wrap around: the order is that of the messages, not of the ids.
        for packet_id in [65_534, 65_535, 1, 2] {
            outbox.written(packet_id);
        }
        outbox.acknowledged(65_535, Ok(()));
        assert_eq!(outbox.in_flight(), 4);
        assert_eq!(outbox.requeue(), 1);
        assert_eq!(outbox.waiting_bytes, 4);
        assert_eq!(waiting(&mut outbox), ["b", "c", "d", "e"]);
    }

    #[test]
    fn it_is_bounded_by_messages_and_bytes() {
        let mut outbox = Outbox::new(2, 10);
        assert!(outbox.has_room(100), "one message always fits");
        outbox.push(message("12345678", Qos::AtLeastOnce), None);
        assert!(outbox.has_room(2) && !outbox.has_room(3));
        outbox.push(message("9", Qos::AtLeastOnce), None);
        assert!(!outbox.has_room(0));
    }
}
