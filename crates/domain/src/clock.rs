//! The clock of one series of messages: which time is believed, and which messages are sent again.
//!
//! In: each message's stated time, content and way here. Out: the time to store, and whether a message that was seen
//! before is a repeat. A clock that was never set or that stands still is replaced by the time of receipt, and its
//! messages are not taken for repeats only because their times are equal.

use std::{collections::VecDeque, time::Duration};

use crate::{ClockPolicy, ClockState, Timestamp};

/// Number of recent messages that a clock is compared with.
const RECENT: usize = 16;
/// Resolution of the coarsest clock that is believed: messages further apart must have different times.
const RESOLUTION: Duration = Duration::from_secs(1);
/// Evidence at which a clock is known to stand still: a message that repeats another counts 1, another value at a time
/// that was used more than [`RESOLUTION`] ago counts 2.
const ENOUGH: u32 = 3;
/// Most by which replaced times may run ahead of the time of receipt, to keep them apart.
const SPREAD: Duration = Duration::from_secs(1);

/// One message of a series as its clock sees it.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// A digest of the stated time and the content.
    pub key: u128,
    /// The time that the message states.
    pub claimed: Timestamp,
    /// The time of receipt.
    pub received_at: Timestamp,
    /// The connection that carried it.
    pub connection: u64,
    /// Whether it is marked as sent again.
    pub is_marked: bool,
    /// Whether its connection is so new that messages of an earlier one may be sent again.
    pub may_be_resent: bool,
}

/// What is believed of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belief {
    /// The time to store.
    pub timestamp: Timestamp,
    /// The verdict on the stated time.
    pub clock: ClockState,
    /// Whether the clock shows a time that it has not shown before: earlier suspicions are settled.
    pub has_moved: bool,
    /// Whether the message came before and is sent again: it says nothing about now.
    pub is_resent: bool,
    trace: Trace,
}

/// What the series knew when the message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trace {
    generation: u32,
    /// Whether the same message came before.
    known: Known,
    /// Whether the message before stated the same time and said something else.
    is_changed: bool,
    is_paced: bool,
    /// The stated time and what has passed since the clock first showed it.
    finer: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    No,
    OnAnotherConnection,
    OnThisConnection,
}

impl Trace {
    fn is_known(self) -> bool {
        self.known != Known::No
    }

    fn is_known_here(self) -> bool {
        self.known == Known::OnThisConnection
    }
}

/// Whether a message is a repeat of one that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It is.
    Certain,
    /// It probably is. If not, a later message shows it.
    Probable,
    /// It is new, and so are the probable repeats since the clock last moved, at their times of receipt.
    No {
        /// The time to store.
        timestamp: Timestamp,
    },
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    key: u128,
    claimed: Timestamp,
    received_at: Timestamp,
    connection: u64,
}

/// The clock of one series: the messages of one kind about one device.
#[derive(Debug, Clone, Default)]
pub struct SeriesClock {
    /// Different messages, the newest last.
    recent: VecDeque<Seen>,
    /// The newest message that was not sent again, as far as is known.
    last: Option<Seen>,
    /// The time that the clock shows, and when it was first seen.
    shown: Option<(Timestamp, Timestamp)>,
    /// When the newest message came that is not marked as sent again.
    last_arrival: Option<Timestamp>,
    /// Evidence that the clock stands at the time of `last`.
    same: u32,
    /// Evidence that the clock shows times again that it showed before, such as after each boot.
    again: u32,
    is_standing: bool,
    generation: u32,
    last_replaced: Option<Timestamp>,
}

impl SeriesClock {
    /// Takes the next message and returns what to believe of it.
    pub fn believe(&mut self, sighting: &Sighting, policy: &ClockPolicy) -> Belief {
        let shown_since = self.shown_since(sighting.claimed);
        let has_moved = shown_since.is_none() && !sighting.is_marked;
        let since = shown_since.unwrap_or(sighting.received_at);
        let elapsed = Duration::from_millis(sighting.received_at.millis_since(since).max(0) as u64);
        let trace = self.trace(sighting, has_moved, elapsed);
        if has_moved {
            self.move_on(sighting);
        } else if !sighting.is_marked && !trace.is_known() && elapsed > RESOLUTION {
            self.add_evidence(sighting.claimed, 2);
        }
        self.remember(sighting, trace.is_known());
        let judged = policy.judge(sighting.claimed, sighting.received_at);
        let (timestamp, clock) = if judged.is_replaced() {
            (self.replacement(sighting.received_at), judged.clock)
        } else if self.is_standing && !has_moved {
            (self.replacement(sighting.received_at), ClockState::Standing)
        } else if sighting.is_marked || trace.is_known() && !(trace.is_changed && trace.is_known_here()) {
            (sighting.claimed, judged.clock)
        } else {
            (trace.finer, judged.clock)
        };
        Belief {
            timestamp,
            clock,
            has_moved,
            is_resent: trace.is_known()
                && (sighting.is_marked || sighting.may_be_resent && !trace.is_known_here()),
            trace,
        }
    }

    /// Returns whether the message is a repeat, given that one of the same key is stored. With `only_latest`, a message
    /// that says something else than the one before it is new: the series is a state that may change back.
    pub fn judge_repeat(&mut self, sighting: &Sighting, belief: &Belief, only_latest: bool) -> Repeat {
        let trace = belief.trace;
        if sighting.is_marked || trace.generation != self.generation {
            return Repeat::Certain;
        }
        if sighting.may_be_resent && !trace.is_known_here() {
            return Repeat::Probable;
        }
        if belief.clock.is_replaced() {
            let timestamp = belief.timestamp;
            return Repeat::No { timestamp };
        }
        if only_latest && trace.is_changed {
            let timestamp = trace.finer;
            return Repeat::No { timestamp };
        }
        if trace.is_known() && trace.is_paced {
            self.add_evidence(sighting.claimed, 1);
        }
        if self.is_standing {
            let timestamp = self.replacement(sighting.received_at);
            Repeat::No { timestamp }
        } else {
            Repeat::Probable
        }
    }

    /// Takes notice that a message of the series is stored at `timestamp`: what comes next gets a later time.
    pub fn stored_at(&mut self, timestamp: Timestamp) {
        self.last_replaced = self.last_replaced.max(Some(timestamp));
    }

    /// Returns when `claimed` was first seen, if it was seen recently.
    fn shown_since(&self, claimed: Timestamp) -> Option<Timestamp> {
        let shown = self.shown.filter(|(shown, _)| *shown == claimed);
        let recent = || self.recent.iter().find(|seen| seen.claimed == claimed);
        shown
            .map(|(_, since)| since)
            .or_else(|| recent().map(|seen| seen.received_at))
    }

    fn trace(&self, sighting: &Sighting, has_moved: bool, elapsed: Duration) -> Trace {
        let known = self.recent.iter().find(|seen| seen.key == sighting.key);
        let is_same_time = self.last.is_some_and(|last| last.claimed == sighting.claimed);
        let pause = self
            .last_arrival
            .map_or(0, |last| sighting.received_at.millis_since(last));
        Trace {
            generation: self.generation.wrapping_add(u32::from(has_moved)),
            known: match known {
                None => Known::No,
                Some(seen) if seen.connection == sighting.connection => Known::OnThisConnection,
                Some(_) => Known::OnAnotherConnection,
            },
            is_changed: is_same_time && self.last.is_some_and(|last| last.key != sighting.key),
            is_paced: is_same_time || pause >= RESOLUTION.as_millis() as i64,
            finer: sighting.claimed.plus(elapsed),
        }
    }

    fn move_on(&mut self, sighting: &Sighting) {
        self.generation = self.generation.wrapping_add(1);
        (self.same, self.again) = (0, 0);
        self.is_standing = false;
        self.shown = Some((sighting.claimed, sighting.received_at));
    }

    fn add_evidence(&mut self, claimed: Timestamp, amount: u32) {
        let is_same_time = self.last.is_some_and(|last| last.claimed == claimed);
        if is_same_time {
            self.same += amount;
        } else {
            self.again += amount;
        }
        self.is_standing |= self.same >= ENOUGH || self.again >= ENOUGH;
    }

    fn remember(&mut self, sighting: &Sighting, is_known: bool) {
        let seen = Seen {
            key: sighting.key,
            claimed: sighting.claimed,
            received_at: sighting.received_at,
            connection: sighting.connection,
        };
        if let Some(known) = self.recent.iter_mut().find(|known| known.key == sighting.key) {
            known.connection = sighting.connection;
        } else {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(seen);
        }
        if sighting.is_marked {
            return;
        }
        self.last_arrival = Some(sighting.received_at);
        let is_same_time = self.last.is_some_and(|last| last.claimed == sighting.claimed);
        if !is_same_time {
            self.same = 0;
        }
        // What is sent again from further back does not change what was said last.
        if !is_known || is_same_time || self.is_standing {
            self.last = Some(seen);
        }
    }

    /// Returns the time of receipt, or the next free millisecond, so that messages keep their order.
    fn replacement(&mut self, received_at: Timestamp) -> Timestamp {
        let next = self.last_replaced.map(|last| last.plus(Duration::from_millis(1)));
        let free = next.filter(|next| *next > received_at && *next <= received_at.plus(SPREAD));
        let replacement = free.unwrap_or(received_at);
        self.last_replaced = Some(replacement);
        replacement
    }
}

#[cfg(test)]
mod tests;
