//! What limits a window whatever anybody wants: rain, wind, frost, an alarm, a lock.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ContextInterlock;
use crate::{Position, Timestamp};

/// Why a window may not open further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An alarm: smoke, burglary.
    Alarm,
    /// It rains.
    Rain,
    /// It blows too hard.
    Wind,
    /// It freezes.
    Frost,
    /// The window is locked.
    Locked,
    /// A lock for children or pets.
    ChildLock,
    /// Its own settings: always, at these hours, in this season.
    Limit,
}

impl Cause {
    /// Every cause that is told from outside, in the order in which they are named where several apply.
    const TOLD: [Self; 6] = [
        Self::Alarm,
        Self::Rain,
        Self::Wind,
        Self::Frost,
        Self::Locked,
        Self::ChildLock,
    ];

    /// Returns the cause that these words tell of, as [`fmt::Display`] writes them.
    pub fn told(words: &str) -> Option<Self> {
        Self::TOLD
            .into_iter()
            .chain([Self::Limit])
            .find(|cause| cause.to_string() == words)
    }

    /// Returns the name used in payloads and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Rain => "rain",
            Self::Wind => "wind",
            Self::Frost => "frost",
            Self::Locked => "locked",
            Self::ChildLock => "child_lock",
            Self::Limit => "limit",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alarm => "there is an alarm",
            Self::Rain => "it rains",
            Self::Wind => "it blows too hard",
            Self::Frost => "it freezes outside",
            Self::Locked => "the window is locked",
            Self::ChildLock => "the child lock is on",
            Self::Limit => "its settings limit it now",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Interlock {
    most: Position,
    /// When it ends; `None` while its cause is there.
    until: Option<Timestamp>,
}

/// The interlocks of one window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interlocks([Option<Interlock>; Cause::TOLD.len()]);

impl Interlocks {
    /// Sets an interlock: while `cause` is there, the window is open by `most` at the most. [`Cause::Limit`] follows from
    /// settings and is not set here.
    pub fn set(&mut self, cause: Cause, most: Position) {
        if let Some(place) = place(cause) {
            self.0[place] = Some(Interlock { most, until: None });
        }
    }

    /// Notes that a cause is gone; its interlock ends at `until`, unless the cause comes back before.
    pub fn clear(&mut self, cause: Cause, until: Timestamp) {
        if let Some(place) = place(cause)
            && let Some(interlock) = &mut self.0[place]
        {
            // A cause that is gone already does not begin to be gone again.
            interlock.until.get_or_insert(until);
        }
    }

    /// Those in force at `now`, with when each ends.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = ContextInterlock> {
        let known = self.0.iter().zip(Cause::TOLD);
        known.filter_map(move |(interlock, cause)| {
            let interlock = interlock.filter(|interlock| interlock.until.is_none_or(|until| now < until))?;
            Some(ContextInterlock {
                cause,
                most: interlock.most,
                until: interlock.until,
            })
        })
    }

    /// All that are known, with when each ends.
    pub fn all(&self) -> impl Iterator<Item = ContextInterlock> {
        let known = self.0.iter().zip(Cause::TOLD);
        known.filter_map(|(interlock, cause)| {
            let interlock = (*interlock)?;
            Some(ContextInterlock {
                cause,
                most: interlock.most,
                until: interlock.until,
            })
        })
    }

    /// Takes that the clock was set forwards by `ms`: what ends after a span of time ends so much later.
    pub fn shift(&mut self, ms: i64) {
        for interlock in self.0.iter_mut().flatten() {
            interlock.until = interlock.until.map(|until| until.shifted(ms));
        }
    }

    /// Those in force at `now`.
    pub(super) fn active(&self, now: Timestamp) -> impl Iterator<Item = (Position, Cause)> {
        self.in_force(now)
            .map(|interlock| (interlock.most, interlock.cause))
    }
}

fn place(cause: Cause) -> Option<usize> {
    Cause::TOLD.iter().position(|known| *known == cause)
}
