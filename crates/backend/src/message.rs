//! A message as it came in, and what became of it.

use bytes::Bytes;
use domain::{RefusalReason, Timestamp};

/// A message as it came in.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
    /// When it was received.
    pub received_at: Timestamp,
}

/// Something that happened to a client of the embedded broker.
#[derive(Debug, Clone)]
pub struct DoorEvent {
    /// What kind of thing.
    pub kind: &'static str,
    /// Who, why and what helps, in words.
    pub detail: String,
}

/// What became of a message. All but `Withheld` may be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Its rows are on disk.
    Stored,
    /// It repeats a message that is on disk.
    Duplicate,
    /// It is not a message we understand; that fact is on disk or counted.
    Refused(RefusalReason),
    /// It is none of ours.
    Ignored,
    /// It could not be made durable: it must not be acknowledged.
    Withheld,
}
