//! What the law says of a wish.

use std::fmt;

use super::{Cause, Wisher};
use crate::{Position, Timestamp};

/// Whether a window moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is told to go there.
    Move(Position, Move),
    /// It stays.
    Keep(Keep),
}

/// Why a window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Somebody wants it to.
    Wish(Wisher),
    /// Something limits it.
    Interlock(Cause),
    /// What a person wanted is possible again.
    Resumed,
}

/// Why a window stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nobody wants anything.
    Unasked,
    /// It is there already.
    There,
    /// Something limits it to where it is.
    Interlock(Cause),
    /// A person decides until then; without a time, until they say otherwise.
    Override(Option<Timestamp>),
    /// A schedule decides until then.
    Schedule(Timestamp),
    /// These are its quiet hours.
    Quiet,
    /// It was told something a moment ago.
    TooSoon(Timestamp),
    /// The change is not worth the motor.
    TooSmall,
}

impl Keep {
    /// Returns the name used in payloads and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unasked => "unasked",
            Self::There => "there",
            Self::Interlock(_) => "interlock",
            Self::Override(_) => "override",
            Self::Schedule(_) => "schedule",
            Self::Quiet => "quiet",
            Self::TooSoon(_) => "too_soon",
            Self::TooSmall => "too_small",
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("nobody asked for a move"),
            Self::There => f.write_str("it is there already"),
            Self::Interlock(cause) => write!(f, "{cause}"),
            Self::Override(Some(until)) => write!(f, "a person decides until {until}"),
            Self::Override(None) => f.write_str("a person decides until they say otherwise"),
            Self::Schedule(until) => write!(f, "a schedule decides until {until}"),
            Self::Quiet => f.write_str("these are its quiet hours"),
            Self::TooSoon(until) => write!(f, "it moved a moment ago; again from {until}"),
            Self::TooSmall => f.write_str("the change is too small to be worth the motor"),
        }
    }
}
