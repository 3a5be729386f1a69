//! One change of what is kept.
//!
//! Values are made by the keeper's thread, so that those who route only note what is to be written.

use std::sync::Arc;

use super::stored::{Key, Space, StoredDelivery, StoredSession, StoredSubscription, encode};
use crate::message::Message;

#[derive(Debug)]
pub(crate) enum Op {
    Session(u64, Box<StoredSession>),
    /// Session, number, subscription.
    Subscription(u64, u64, StoredSubscription),
    /// Session, place in its queue, delivery.
    Delivery(u64, u64, StoredDelivery),
    /// Session, packet id.
    Taken(u64, u16),
    /// Session, place of the last delivery that was sent.
    Sent(u64, u64),
    Message(u64, Arc<Message>),
    Retained(u64, Arc<Message>),
    Remove(Key),
}

impl Op {
    /// The key, and the value; `None` where the record goes.
    pub(crate) fn encode(&self) -> (Key, Option<Vec<u8>>) {
        let (key, value) = match self {
            Self::Session(number, session) => (Key(Space::Session, *number, 0), encode(session, b"")),
            Self::Subscription(session, number, subscription) => (
                Key(Space::Subscription, *session, *number),
                encode(subscription, b""),
            ),
            Self::Delivery(session, place, delivery) => {
                (Key(Space::Delivery, *session, *place), encode(delivery, b""))
            }
            Self::Taken(session, id) => (Key(Space::Taken, *session, u64::from(*id)), encode(&(), b"")),
            Self::Sent(session, place) => (Key(Space::Sent, *session, 0), encode(place, b"")),
            Self::Message(number, message) => (
                Key(Space::Message, 0, *number),
                encode(&message.stored(), &message.payload),
            ),
            Self::Retained(number, message) => (
                Key(Space::Retained, 0, *number),
                encode(&message.stored(), &message.payload),
            ),
            Self::Remove(key) => return (*key, None),
        };
        (key, Some(value))
    }
}
