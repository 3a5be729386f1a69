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
    /// How it came.
    pub passage: Passage,
}

/// How a message came: live and for the first time, unless stated otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts of the protocol, each independent of the others"
)]
pub struct Passage {
    /// The number of the connection that carried it; the same for all where the door cannot tell them apart.
    pub connection: u64,
    /// Whether it is marked as sent again (DUP).
    pub is_marked: bool,
    /// Whether its connection has only just begun, so that messages of an earlier one may be sent again.
    pub may_be_resent: bool,
    /// Whether it may have waited at the broker: its connection has just resumed a session.
    pub has_waited: bool,
    /// Whether the broker kept it from before the subscription (retained): it is history, whoever sends it now.
    pub is_history: bool,
    /// Whether its broker hands it on only after it was taken: what answers it must not overtake it.
    pub is_taken_first: bool,
    /// Whether it makes a broker forget what it retained, if it is empty: it was sent to be retained, or that is unknown.
    pub may_clear: bool,
}

/// Something that happened to a client of the embedded broker.
#[derive(Debug, Clone)]
pub struct DoorEvent {
    /// What kind of thing.
    pub kind: &'static str,
    /// Who, why and what helps, in words.
    pub detail: String,
}

/// Something for the audit log. Events of one time, kind, account and number are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What kind of thing, of a fixed set.
    pub kind: String,
    /// Whom it happened to.
    pub account: String,
    /// Who did it.
    pub actor: String,
    /// Where it came from.
    pub address: String,
    /// More, in words.
    pub detail: String,
    /// Tells it from others of the same time.
    pub number: u64,
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
