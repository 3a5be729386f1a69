//! A message between its meaning and its rows on disk.
//!
//! In: what was made of it. Out: rows and their key; what becomes of it where the key is known, and what counts once it is
//! durable. Data alone.

use domain::{DeviceId, SettingsAck, Timestamp};
use mqtt::TopicKind;
use store::Row;
use tokio::time::Instant;

use crate::{clocks::Seen, log::RepeatKey, message::Acceptance};

/// A message that was decoded and decided on; what remains is to make its rows durable.
#[derive(Debug)]
pub struct Interpreted {
    /// What becomes of it once its rows are durable.
    pub(crate) outcome: Acceptance,
    pub(crate) key: Option<RepeatKey>,
    /// What becomes of it where its key is known already.
    pub(crate) again: Again,
    /// Whose it is; `None` where that is not counted.
    pub(crate) sender: Option<DeviceId>,
    pub(crate) rows: Vec<Row>,
    /// What is told of the sender's clock. It is stored once, whether or not the message turns out to be a repeat.
    pub(crate) told: Option<Row>,
    /// What counts when its event is durable.
    pub(crate) after: Option<After>,
    pub(crate) accepted: Option<(TopicKind, Instant)>,
    pub(crate) goes_ahead: bool,
    /// The number of the change of a window that has to be on disk before it is acknowledged.
    pub(crate) window_change: Option<u64>,
    /// The number of the change of what rules know that has to be on disk before it is acknowledged.
    pub(crate) rules_change: Option<u64>,
    /// Whose window is told nothing until this message was handed on.
    pub(crate) holds_back: Option<DeviceId>,
}

/// What becomes of a message whose key is known already.
#[derive(Debug)]
pub(crate) enum Again {
    /// It is a repeat.
    Repeat,
    /// It is judged by its sender's clock.
    Judge(Seen),
    /// It is new all the same.
    Store,
}

/// What counts when its event is durable.
#[derive(Debug)]
pub(crate) enum After {
    /// A birth or a last will.
    Status(DeviceId, bool, Timestamp),
    /// An answer to settings.
    Ack(SettingsAck, Timestamp),
}

impl Interpreted {
    /// What becomes a row unless one of its key is stored.
    pub(crate) fn keyed(key: RepeatKey, row: Row) -> Self {
        Self {
            key: Some(key),
            rows: vec![row],
            ..Self::nothing(Acceptance::Stored)
        }
    }

    pub(crate) const fn nothing(outcome: Acceptance) -> Self {
        Self {
            outcome,
            key: None,
            again: Again::Repeat,
            sender: None,
            rows: Vec::new(),
            told: None,
            after: None,
            accepted: None,
            goes_ahead: false,
            window_change: None,
            rules_change: None,
            holds_back: None,
        }
    }

    /// Whether it is a command: its window does not wait until the rows are durable.
    pub const fn goes_ahead(&self) -> bool {
        self.goes_ahead
    }

    /// The key of the event's repeats; `None` where it has none.
    pub const fn key(&self) -> Option<RepeatKey> {
        self.key
    }

    /// The rows that it becomes.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}
