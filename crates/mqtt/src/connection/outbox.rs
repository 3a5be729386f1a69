//! The outbox: messages that are kept, across connections, until the broker has them.
//!
//! In: messages, acknowledgements. Out: the next message to send, with its packet id. A message at `QoS` 0 is kept until
//! it was handed to the socket.

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
    last_packet_id: u16,
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
            last_packet_id: 0,
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

    /// Returns the number of waiting messages.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns a packet id that is not in use.
    pub(super) fn packet_id(&mut self) -> u16 {
        loop {
            self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
            if !self.unacked.contains_key(&self.last_packet_id) {
                return self.last_packet_id;
            }
        }
    }

    /// Takes the first waiting message, which is sent now, with its packet id (0 at `QoS` 0).
    pub(super) fn send_waiting(&mut self) -> Option<(Message, u16)> {
        let entry = self.take_waiting()?;
        let message = entry.message.clone();
        let packet_id = match message.qos {
            Qos::AtMostOnce => {
                entry.resolve(Ok(()));
                0
            }
            Qos::AtLeastOnce => {
                let packet_id = self.packet_id();
                self.unacked.insert(packet_id, entry);
                packet_id
            }
        };
        Some((message, packet_id))
    }

    /// Removes the first waiting message, which can never be sent.
    pub(super) fn refuse_waiting(&mut self, error: PublishError) {
        if let Some(entry) = self.take_waiting() {
            entry.resolve(Err(error));
        }
    }

    /// Records the broker's acknowledgement of a packet id.
    pub(super) fn acknowledged(&mut self, packet_id: u16, outcome: Result<(), PublishError>) {
        if let Some(entry) = self.unacked.remove(&packet_id) {
            entry.resolve(outcome);
        }
    }

    /// Returns the number of `QoS` 1 messages that were sent and that the broker has not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.unacked.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.unacked.is_empty()
    }

    /// Handles the end of a connection: messages in flight wait again, before all others and in their order.
    pub(super) fn requeue(&mut self) {
        let mut again: Vec<Entry> = std::mem::take(&mut self.unacked).into_values().collect();
        again.sort_by_key(|entry| entry.number);
        for entry in again.into_iter().rev() {
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

    fn send_all(outbox: &mut Outbox) -> Vec<(String, u16)> {
        std::iter::from_fn(|| {
            let (message, packet_id) = outbox.send_waiting()?;
            Some((String::from_utf8_lossy(&message.payload).into_owned(), packet_id))
        })
        .collect()
    }

    #[test]
    fn what_was_not_acknowledged_waits_again_in_its_order() {
        let mut outbox = Outbox::new(10, 1 << 20);
        // Packet ids wrap around: the order is that of the messages, not of the ids.
        outbox.last_packet_id = 65_533;
        outbox.push_first(message("birth", Qos::AtLeastOnce));
        for text in ["a", "b", "c"] {
            outbox.push(message(text, Qos::AtLeastOnce), None);
        }
        outbox.push(message("zero", Qos::AtMostOnce), None);
        let sent = send_all(&mut outbox);
        assert_eq!(
            sent.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
            [65_534, 65_535, 1, 2, 0]
        );
        outbox.push(message("d", Qos::AtLeastOnce), None);
        outbox.acknowledged(65_535, Ok(()));
        assert_eq!(outbox.in_flight(), 3);
        outbox.requeue();
        assert_eq!((outbox.in_flight(), outbox.waiting_bytes), (0, 3));
        let again: Vec<_> = send_all(&mut outbox).into_iter().map(|(text, _)| text).collect();
        assert_eq!(again, ["b", "c", "d"]);
    }

    #[test]
    fn a_packet_id_in_use_is_skipped() {
        let mut outbox = Outbox::new(10, 1 << 20);
        outbox.push(message("a", Qos::AtLeastOnce), None);
        assert_eq!(send_all(&mut outbox), [("a".to_owned(), 1)]);
        outbox.last_packet_id = 65_535;
        assert_eq!(outbox.packet_id(), 2);
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
