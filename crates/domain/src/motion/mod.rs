//! What a window's reports mean: it is there, it is on its way, it is stuck, a person moved it.
//!
//! In: commands, reports, births, and the time by a clock that never jumps. Out: what was found. Pure: nothing here reads a
//! clock.
//!
//! A command begins a journey. Until the motor's time is over, nothing but the arrival is found. Then a window that stands
//! between start and target is stuck, since motors fail, and one that stands anywhere else was moved by a person. One that turned
//! round on its way was turned by a person, too.

mod journey;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::Position;
use journey::{End, Journey};

/// How a motor runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionOptions {
    /// How long it may be on its way, ms.
    pub travel_ms: i64,
    /// How far from its target a window may stop and be there all the same, in points.
    pub tolerance: f64,
}

impl Default for MotionOptions {
    /// Half a minute, and two points.
    fn default() -> Self {
        Self {
            travel_ms: 30_000,
            tolerance: 2.0,
        }
    }
}

/// What a window does, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// It has never said where it stands: it is taken to be where it was told to go.
    #[default]
    Unreported,
    /// It stands.
    Still,
    /// It is on its way.
    Moving,
    /// It stopped short of where it was told to go.
    Stuck,
    /// It began anew and does not say where it stands.
    Unknown,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// The window is where it was told to go.
    Reached,
    /// It is stuck: it is to be told again. Attempts count from 1.
    Retry(u8),
    /// It is stuck after every attempt, and is not told again.
    GaveUp,
    /// A person put it there.
    ByPerson(Position),
    /// It began anew, and where it stands is unknown.
    Lost,
    /// It began anew, and stands elsewhere: nobody knows why.
    Elsewhere(Position),
}

/// How long a window stands still before it counts as standing there, ms.
const SETTLE_MS: i64 = 3_000;
/// After a birth a window has so long to say where it stands, ms.
const BIRTH_MS: i64 = 10_000;

/// What is known of a window's motion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MotionRecord {
    state: Motion,
    /// Where it stood when it was last understood.
    settled: Option<Position>,
    /// Its newest report.
    reported: Option<Position>,
    /// The report that the newest one is near, and when it came, ms.
    anchor: Option<(Position, i64)>,
    journey: Option<Journey>,
    /// When it began anew, ms, while it has not said where it stands since.
    born: Option<i64>,
}

impl MotionRecord {
    /// A window that stood at `settled`, if it has ever said so, when it was kept.
    pub fn restored(state: Motion, settled: Option<Position>) -> Self {
        let state = match state {
            Motion::Moving if settled.is_some() => Motion::Still,
            Motion::Moving => Motion::Unreported,
            other => other,
        };
        Self {
            state,
            settled,
            ..Self::default()
        }
    }

    /// What it does.
    pub const fn state(&self) -> Motion {
        self.state
    }

    /// Where it stood when it was last understood.
    pub const fn settled(&self) -> Option<Position> {
        self.settled
    }

    /// Whether it has ever said where it stands.
    pub const fn has_reported(&self) -> bool {
        !matches!(self.state, Motion::Unreported) || self.settled.is_some() || self.reported.is_some()
    }

    /// Takes that it was told to go to `target` at `now`, ms.
    pub fn command(&mut self, target: Position, now: i64) {
        // What a window begins with is no place.
        let is_known = self.state != Motion::Unknown;
        let start = self.reported.or(self.settled).filter(|_| is_known);
        if self.has_reported() {
            self.state = Motion::Moving;
        }
        self.journey = Some(Journey::new(start, target, now));
    }

    /// Takes that it was told the same again at `now`, ms, because it is stuck.
    pub fn retried(&mut self, now: i64) {
        if let Some(journey) = &mut self.journey {
            journey.again(now);
            self.state = Motion::Moving;
        }
    }

    /// Takes that the attempt that is due is not made before `until`, ms.
    pub fn postpone(&mut self, until: i64) {
        if let Some(journey) = &mut self.journey {
            journey.postpone(until);
        }
    }

    /// Takes that it stays where it is, whatever it was told: nobody can tell it anything.
    pub fn abandon(&mut self) {
        self.journey = None;
        self.settled = self.reported.or(self.settled);
        if self.state == Motion::Moving {
            self.state = match self.settled {
                Some(_) => Motion::Still,
                None => Motion::Unknown,
            };
        }
    }

    /// Takes that it began anew at `now`, ms.
    pub const fn born(&mut self, now: i64) {
        self.born = Some(now);
    }

    /// Takes a report.
    pub fn report(&mut self, position: Position, now: i64, options: &MotionOptions) -> Option<Finding> {
        let near = |other: Position| distance(position, other) <= options.tolerance;
        self.reported = Some(position);
        if self
            .anchor
            .is_none_or(|(anchor, _)| distance(anchor, position) > options.tolerance / 2.0)
        {
            self.anchor = Some((position, now));
        }
        if let ControlFlow::Break(found) = self.reborn(position, options) {
            return found;
        }
        let Some(journey) = &mut self.journey else {
            // The first report of a window of which nothing is known.
            if self.settled.is_none() {
                self.settle(position);
            }
            return None;
        };
        journey.passes(position);
        if near(journey.target) {
            let is_news = !journey.is_reached;
            journey.is_reached = true;
            self.settle(position);
            return is_news.then_some(Finding::Reached);
        }
        if self.state != Motion::Stuck {
            self.state = Motion::Moving;
        }
        None
    }

    /// What a report says of a window that began anew; goes on where that changes nothing.
    fn reborn(&mut self, position: Position, options: &MotionOptions) -> ControlFlow<Option<Finding>> {
        let near = |other: Position| distance(position, other) <= options.tolerance;
        let is_nothing = position.percent() <= options.tolerance;
        if self.state == Motion::Unknown && self.journey.is_none() {
            // It says nothing until it says something else than what it begins with.
            if !is_nothing {
                self.settle(position);
            }
            self.born = None;
            return ControlFlow::Break(None);
        }
        if self.born.take().is_none() {
            return ControlFlow::Continue(());
        }
        let expected = self.expected();
        if expected.is_none_or(near) {
            return ControlFlow::Continue(());
        }
        if is_nothing {
            return ControlFlow::Break(Some(self.lose()));
        }
        if self.journey.is_some() {
            return ControlFlow::Continue(());
        }
        self.settle(position);
        ControlFlow::Break(Some(Finding::Elsewhere(position)))
    }

    /// Where it is or is going to be.
    fn expected(&self) -> Option<Position> {
        self.journey
            .as_ref()
            .map(|journey| journey.target)
            .or(self.settled)
    }

    fn lose(&mut self) -> Finding {
        *self = Self {
            state: Motion::Unknown,
            reported: self.reported,
            ..Self::default()
        };
        Finding::Lost
    }

    fn settle(&mut self, position: Position) {
        self.settled = Some(position);
        self.state = Motion::Still;
    }

    /// Looks at it at `now`, ms.
    pub fn examine(&mut self, now: i64, options: &MotionOptions) -> Option<Finding> {
        if self.born.is_some_and(|born| now - born >= BIRTH_MS) {
            self.born = None;
            if self.expected().is_some() {
                return Some(self.lose());
            }
        }
        let has_settled = self.anchor.is_none_or(|(_, since)| now - since >= SETTLE_MS);
        let has_reported = self.has_reported();
        let Some(journey) = &mut self.journey else {
            return if has_settled { self.wandered(options) } else { None };
        };
        if let Some(attempt) = journey.retry_due(now) {
            return Some(Finding::Retry(attempt));
        }
        if !journey.is_over(now, options) || !has_settled {
            return None;
        }
        // What says nothing is taken to do what it is told.
        if !has_reported {
            self.journey = None;
            return None;
        }
        let stands = self.reported.or(self.settled);
        match journey.end(stands, now, options) {
            End::Waiting => None,
            End::Reached => {
                self.journey = None;
                self.state = Motion::Still;
                self.settled = stands;
                None
            }
            End::Stuck => {
                self.state = Motion::Stuck;
                self.settled = stands;
                None
            }
            End::GaveUp => {
                self.state = Motion::Stuck;
                self.settled = stands;
                self.journey = None;
                Some(Finding::GaveUp)
            }
            End::ByPerson(position) => {
                self.journey = None;
                self.settle(position);
                Some(Finding::ByPerson(position))
            }
        }
    }

    /// What is found of a window that moved by itself and is to be told to move: whoever moved it came first.
    pub fn before_command(&mut self, options: &MotionOptions) -> Option<Finding> {
        if self.journey.is_some() {
            return None;
        }
        self.wandered(options)
    }

    /// A window that nobody told anything stands elsewhere.
    fn wandered(&mut self, options: &MotionOptions) -> Option<Finding> {
        let (settled, reported) = self.settled.zip(self.reported)?;
        if distance(settled, reported) <= options.tolerance {
            return None;
        }
        self.settle(reported);
        Some(Finding::ByPerson(reported))
    }
}

fn distance(a: Position, b: Position) -> f64 {
    (a.percent() - b.percent()).abs()
}
