//! The queue of events for the consumer: bounded, although the polling task never waits.
//!
//! At `QoS` 1 the polling task stops reading when too much is not acknowledged, and a resumed session replaces what
//! older connections left, because the broker delivers it again. At `QoS` 0, deliveries that do not fit are dropped.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Delivery, Event, Qos};

/// Most bytes of waiting `QoS` 0 payloads, whatever their number.
const MAX_QOS0_BYTES: usize = 64 << 20;

#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    qos0_count: usize,
    qos0_bytes: usize,
    closed: bool,
}

/// The queue from the polling task to one consumer.
pub(super) struct EventQueue {
    waiting: Mutex<Waiting>,
    ready: Notify,
    max_qos0: usize,
}

impl EventQueue {
    pub(super) fn new(max_qos0: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            ready: Notify::new(),
            max_qos0,
        }
    }

    pub(super) fn push(&self, event: Event) {
        self.waiting.lock().events.push_back(event);
        self.ready.notify_one();
    }

    /// Appends deliveries. Returns how many of them were dropped.
    pub(super) fn push_deliveries(&self, deliveries: impl Iterator<Item = Delivery>) -> u64 {
        let mut dropped = 0;
        {
            let mut waiting = self.waiting.lock();
            for delivery in deliveries {
                if delivery.qos == Qos::AtMostOnce {
                    let bytes = waiting.qos0_bytes + delivery.payload.len();
                    if waiting.qos0_count >= self.max_qos0 || bytes > MAX_QOS0_BYTES {
                        dropped += 1;
                        continue;
                    }
                    waiting.qos0_count += 1;
                    waiting.qos0_bytes = bytes;
                }
                waiting.events.push_back(Event::Message(delivery));
            }
        }
        self.ready.notify_one();
        dropped
    }

    /// Begins a new connection. Of the `QoS` 1 deliveries of older ones, the newest `keep_bytes` stay.
    pub(super) fn discard_older(&self, epoch: u64, keep_bytes: usize) {
        let mut waiting = self.waiting.lock();
        let mut older: Vec<_> = waiting
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Message(Delivery { token, payload, .. })
                    if token.place.is_some() && token.epoch < epoch =>
                {
                    Some((*token, payload.len()))
                }
                _ => None,
            })
            .collect();
        let mut bytes = 0;
        let kept = older.iter().rev().take_while(|(_, size)| {
            bytes += size;
            bytes <= keep_bytes
        });
        let surplus = older.len() - kept.count();
        older.truncate(surplus);
        let mut discarded = older.into_iter().map(|(token, _)| token).peekable();
        waiting.events.retain(|event| match event {
            Event::Message(delivery) => discarded.next_if_eq(&delivery.token).is_none(),
            _ => true,
        });
    }

    /// Closes the queue: there are no more events.
    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.ready.notify_one();
    }

    /// Returns the next event; `None` when closed and empty. For one consumer at a time.
    pub(super) async fn next(&self) -> Option<Event> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                if let Some(event) = waiting.pop() {
                    return Some(event);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.ready.notified().await;
        }
    }

    /// Appends up to `limit` events to `events`; none when closed and empty. For one consumer at a time.
    pub(super) async fn next_many(&self, events: &mut Vec<Event>, limit: usize) {
        loop {
            {
                let mut waiting = self.waiting.lock();
                if !waiting.events.is_empty() {
                    events.extend(std::iter::from_fn(|| waiting.pop()).take(limit));
                    return;
                }
                if waiting.closed {
                    return;
                }
            }
            self.ready.notified().await;
        }
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::Message(delivery) = &event
            && delivery.qos == Qos::AtMostOnce
        {
            self.qos0_count -= 1;
            self.qos0_bytes -= delivery.payload.len();
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{super::AckToken, *};

    fn delivery(epoch: u64, place: Option<u64>, bytes: usize) -> Delivery {
        Delivery {
            topic: "t".into(),
            payload: Bytes::from(vec![0; bytes]),
            qos: if place.is_some() {
                Qos::AtLeastOnce
            } else {
                Qos::AtMostOnce
            },
            retain: false,
            dup: false,
            token: AckToken { epoch, place },
        }
    }

    impl EventQueue {
        /// Returns whether the delivery was kept.
        fn push_delivery(&self, delivery: Delivery) -> bool {
            self.push_deliveries(std::iter::once(delivery)) == 0
        }
    }

    async fn drain(queue: &EventQueue) -> Vec<AckToken> {
        queue.close();
        let mut tokens = Vec::new();
        while let Some(event) = queue.next().await {
            if let Event::Message(delivery) = event {
                tokens.push(delivery.token);
            }
        }
        tokens
    }

    #[tokio::test]
    async fn a_resumed_session_replaces_what_is_delivered_again() {
        let queue = EventQueue::new(10);
        for place in 0..3 {
            assert!(queue.push_delivery(delivery(0, Some(place), 1)));
        }
        assert!(queue.push_delivery(delivery(0, None, 1)));
        assert!(queue.push_delivery(delivery(1, Some(0), 1)));
        queue.discard_older(1, 1);
        let tokens = drain(&queue).await;
        let places: Vec<_> = tokens.iter().map(|token| (token.epoch, token.place)).collect();
        assert_eq!(places, [(0, Some(2)), (0, None), (1, Some(0))]);
    }

    #[tokio::test]
    async fn qos_0_is_bounded_by_number_and_bytes() {
        let queue = EventQueue::new(2);
        assert!(!queue.push_delivery(delivery(0, None, MAX_QOS0_BYTES + 1)));
        assert!(queue.push_delivery(delivery(0, None, MAX_QOS0_BYTES)));
        assert!(!queue.push_delivery(delivery(0, None, 1)));
        assert!(queue.next().await.is_some());
        assert!(queue.push_delivery(delivery(0, None, 1)));
        assert!(queue.push_delivery(delivery(0, None, 1)));
        assert!(!queue.push_delivery(delivery(0, None, 1)));
        assert!(
            queue.push_delivery(delivery(0, Some(0), 1)),
            "QoS 1 is bounded elsewhere"
        );
    }
}
