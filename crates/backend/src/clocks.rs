//! What is believed of the times that messages state: one judgement for every kind of message.
//!
//! In: claims with their time of receipt. Out: the time to store, whether a decision may be based on it, and whether a
//! message that the log knows is a repeat. Probable repeats are held in memory until the clock moves, or is known to
//! stand still; see [`domain::SeriesClock`]. It never waits.

use std::{collections::HashMap, time::Duration};

use domain::{Belief, ClockPolicy, ClockState, DeviceId, Lateness, Repeat, SeriesClock, Sighting, Timestamp};
use mqtt::TopicKind;
use parking_lot::Mutex;
use store::Row;
use tracing::warn;

use crate::{devices::WrongClock, log::RepeatKey, message::Passage, rows};

/// The most probable repeats of a series that are held.
const MOST_HELD: usize = 4;
/// The most of all series: each may have a clip's features.
const MOST_HELD_IN_ALL: usize = 2_000;
/// Lines in the log a minute; what is beyond them is an event all the same.
const LINES_A_MINUTE: u32 = 20;
/// A wrong clock is told of at most this often, and again after a longer time.
const TOLD_MS: i64 = 60_000;
const TOLD_AGAIN_MS: i64 = 3_600_000;

/// What makes messages of a kind repeats of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepeatRule {
    /// An id of the sender's.
    Id,
    /// Time and content.
    Content,
    /// Time and content, of the latest only: a state changes back.
    Latest,
}

/// What a message claims about its time.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) kind: TopicKind,
    pub(crate) device_id: DeviceId,
    pub(crate) claimed: Timestamp,
    pub(crate) key: RepeatKey,
    pub(crate) rule: RepeatRule,
}

/// What is made of a claim.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) timestamp: Timestamp,
    pub(crate) clock: ClockState,
    /// Whether the message waited somewhere: no decision may be based on it.
    pub(crate) is_late: bool,
    /// Whether it is sent again, so that it says nothing about now.
    pub(crate) is_resent: bool,
    /// The event to store, where a clock turns out to be wrong.
    pub(crate) event: Option<Row>,
    /// By what a message of a known key is judged again; `None` where it states no time.
    pub(crate) seen: Option<Seen>,
}

impl Judgement {
    /// That of a message that states no time: its time is that of its receipt, and what waited is not of now.
    pub(crate) const fn undated(received_at: Timestamp, passage: Passage) -> Self {
        Self {
            timestamp: received_at,
            clock: ClockState::Right,
            is_late: passage.has_waited,
            // What is sent again says nothing about now, and nobody knows when it was said.
            is_resent: passage.is_marked,
            event: None,
            seen: None,
        }
    }

    /// How far the stated time is ahead of ours, ms.
    pub(crate) fn ahead_ms(&self, at: Timestamp) -> Option<i64> {
        let seen = self.seen.as_ref()?;
        Some(seen.sighting.claimed.millis_since(at))
    }

    /// Whether the message is of now although its time is not: its clock is behind, steadily.
    pub(crate) fn is_behind(&self) -> bool {
        self.clock == ClockState::Late && !self.is_late
    }

    /// The device's clock as the API shows it; `None` where it is right, or behind.
    pub(crate) fn wrong_clock(&self, at: Timestamp) -> Option<WrongClock> {
        let seen = self.seen.as_ref().filter(|_| self.clock.is_replaced())?;
        Some(WrongClock {
            state: self.clock.as_str(),
            stamp: seen.sighting.claimed,
            since: at,
        })
    }
}

/// A claim as it was judged, for the question whether it is a repeat.
#[derive(Debug)]
pub(crate) struct Seen {
    claim: Claim,
    sighting: Sighting,
    belief: Belief,
}

/// The clocks of all devices.
#[derive(Debug)]
pub(crate) struct Clocks {
    policy: ClockPolicy,
    max_devices: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    devices: HashMap<DeviceId, Device>,
    /// Whether devices that were not heard of since the start may have been known before.
    assumes_known: bool,
    /// Probable repeats that are held, of all series.
    held: usize,
    lines: Lines,
}

/// The lines of the present minute.
#[derive(Debug, Default)]
struct Lines {
    since: Option<Timestamp>,
    spent: u32,
}

#[derive(Debug, Default)]
struct Device {
    lateness: Lateness,
    series: Vec<(TopicKind, Series)>,
}

#[derive(Debug, Default)]
struct Series {
    clock: SeriesClock,
    /// Probable repeats with their times of receipt.
    held: Vec<(Timestamp, Vec<Row>)>,
    told: Option<(ClockState, Timestamp)>,
}

impl Clocks {
    /// Knows no clock. Until [`Clocks::know`], every device is taken for one that was known before.
    pub(crate) fn new(policy: ClockPolicy, max_devices: usize) -> Self {
        let state = State {
            devices: HashMap::new(),
            assumes_known: true,
            held: 0,
            lines: Lines::default(),
        };
        Self {
            policy,
            max_devices,
            state: Mutex::new(state),
        }
    }

    /// These devices were known before, and no others.
    pub(crate) fn know<'a>(&self, devices: impl IntoIterator<Item = &'a DeviceId>) {
        let mut state = self.state.lock();
        for device_id in devices {
            if state.devices.len() >= self.max_devices {
                break;
            }
            let device = state.devices.entry(device_id.clone());
            device.or_insert_with(Device::known);
        }
        state.assumes_known = false;
    }

    /// The verdict on a time alone, for messages that say nothing about their sender's clock now.
    pub(crate) fn judge(&self, claimed: Timestamp, received_at: Timestamp) -> ClockState {
        self.policy.judge(claimed, received_at).clock
    }

    /// Judges the next message.
    pub(crate) fn believe(&self, claim: Claim, received_at: Timestamp, passage: Passage) -> Judgement {
        let Passage {
            connection,
            is_marked,
            may_be_resent,
            has_waited,
            ..
        } = passage;
        let RepeatKey(key) = claim.key;
        let sighting = Sighting {
            key: u128::from_be_bytes(key),
            claimed: claim.claimed,
            received_at,
            connection,
            is_marked,
            may_be_resent,
        };
        let mut state = self.state.lock();
        let state = &mut *state;
        let is_known = state.devices.contains_key(&claim.device_id) || state.devices.len() < self.max_devices;
        let mut stranger = Device::known();
        let device = if is_known {
            let was_known = state.assumes_known || has_waited;
            let device = state.devices.entry(claim.device_id.clone());
            device.or_insert_with(|| {
                if was_known {
                    Device::known()
                } else {
                    Device::default()
                }
            })
        } else {
            &mut stranger
        };
        let series = device.series(claim.kind);
        let belief = series.clock.believe(&sighting, &self.policy);
        if belief.has_moved {
            state.held -= std::mem::take(&mut series.held).len();
        }
        let is_told = is_known && series.is_to_be_told(belief.clock, received_at);
        let event = is_told.then(|| tell(&claim, belief.clock, received_at, &mut state.lines));
        let is_measured = matches!(claim.kind, TopicKind::Reading(_) | TopicKind::Audio);
        let is_late = if belief.clock.is_replaced() {
            // When it was said is unknown, and it was not now.
            has_waited
        } else if is_measured {
            !device.lateness.is_timely(belief.timestamp, received_at)
        } else {
            belief.clock == ClockState::Late
        };
        Judgement {
            timestamp: belief.timestamp,
            clock: belief.clock,
            is_late,
            is_resent: belief.is_resent,
            event,
            seen: Some(Seen {
                claim,
                sighting,
                belief,
            }),
        }
    }

    /// The log knows the key of this message. Returns the rows to store all the same, with those that were held before;
    /// `None` where it is a repeat, or may be one.
    pub(crate) fn repeated(&self, seen: &Seen, rows: &[Row]) -> Option<Vec<Row>> {
        let Seen {
            claim,
            sighting,
            belief,
        } = seen;
        if claim.rule == RepeatRule::Id {
            return None;
        }
        let mut state = self.state.lock();
        let state = &mut *state;
        let series = state.devices.get_mut(&claim.device_id)?.series(claim.kind);
        let only_latest = claim.rule == RepeatRule::Latest;
        match series.clock.judge_repeat(sighting, belief, only_latest) {
            Repeat::Certain => None,
            Repeat::Probable => {
                if series.held.len() < MOST_HELD && state.held < MOST_HELD_IN_ALL {
                    series.held.push((sighting.received_at, rows.to_vec()));
                    state.held += 1;
                }
                None
            }
            Repeat::No { timestamp } => {
                let mut held = std::mem::take(&mut series.held);
                state.held -= held.len();
                held.push((timestamp, rows.to_vec()));
                let mut restamped = Vec::new();
                let mut earliest = Timestamp::from_millis(i64::MIN);
                for (at, rows) in held {
                    // What came in one millisecond is kept apart, also from what comes next.
                    let at = at.max(earliest);
                    earliest = at.plus(Duration::from_millis(1));
                    series.clock.stored_at(at);
                    restamped.extend(rows.into_iter().map(|row| rows::at(row, at)));
                }
                Some(restamped)
            }
        }
    }
}

impl Device {
    fn known() -> Self {
        Self {
            lateness: Lateness::known(),
            series: Vec::new(),
        }
    }

    fn series(&mut self, kind: TopicKind) -> &mut Series {
        let place = self.series.iter().position(|(known, _)| *known == kind);
        let place = place.unwrap_or_else(|| {
            self.series.push((kind, Series::default()));
            self.series.len() - 1
        });
        &mut self.series[place].1
    }
}

impl Series {
    /// Whether a wrong clock is worth an event: at once, and again after an hour.
    fn is_to_be_told(&mut self, clock: ClockState, at: Timestamp) -> bool {
        let is_due = self.told.is_none_or(|(told, since)| {
            let pause = at.millis_since(since);
            pause >= TOLD_AGAIN_MS || told != clock && pause >= TOLD_MS
        });
        if !clock.is_replaced() || !is_due {
            return false;
        }
        self.told = Some((clock, at));
        true
    }
}

impl Lines {
    fn spend(&mut self, at: Timestamp) -> bool {
        if self
            .since
            .is_none_or(|since| at.millis_since(since).abs() >= TOLD_MS)
        {
            (self.since, self.spent) = (Some(at), 0);
        }
        self.spent += 1;
        self.spent <= LINES_A_MINUTE
    }
}

/// What to do about a wrong clock.
pub(crate) const fn remedy(clock: ClockState) -> &'static str {
    match clock {
        ClockState::Standing => "its clock stands still: look at its battery and at where it gets its time",
        ClockState::Unset => "its clock was never set: let it ask a time server (SNTP)",
        _ => "its clock is ahead: look at its time server and its time zone",
    }
}

/// The event and the line in the log that a wrong clock is worth.
fn tell(claim: &Claim, clock: ClockState, at: Timestamp, lines: &mut Lines) -> Row {
    let (device_id, kind, claimed) = (&claim.device_id, claim.kind.as_str(), claim.claimed);
    let remedy = remedy(clock);
    if lines.spend(at) {
        warn!(%device_id, kind, stamp = %claimed, remedy, "messages are stored with the time of receipt");
    }
    let detail = format!("{kind} is stamped {claimed}: {remedy}");
    rows::told_event(device_id, &format!("clock_{}", clock.as_str()), detail, at)
}

#[cfg(test)]
mod tests;
