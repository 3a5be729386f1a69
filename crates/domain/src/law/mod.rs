//! The law of moves: whether a window moves, where to, and why.
//!
//! In: a wish of a person, a schedule or a model, what is known of the window, its limits, interlocks, a time. Out: a verdict,
//! and what is known of the window after it. Every move goes through here, whoever wants it. Pure: nothing here reads a clock.
//!
//! Interlocks come before people, people before schedules, schedules before the model.

mod context;
mod interlocks;
#[cfg(test)]
mod tests;
mod verdict;

pub use context::{ContextInterlock, ContextLimits, WindowContext};
pub use interlocks::{Cause, Interlocks};
pub use verdict::{Keep, Move, Verdict};

use crate::{Limits, Position, Timestamp};

/// Who wants a window somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wisher {
    /// The model, by its decisions.
    Model,
    /// A schedule.
    Schedule,
    /// A person, by whatever hand: page, API, home automation, wall switch.
    Person,
}

impl Wisher {
    /// Returns the name used in payloads and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Schedule => "schedule",
            Self::Person => "person",
        }
    }
}

/// A position that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Where to.
    pub position: Position,
    /// Whose wish it is.
    pub of: Wisher,
}

impl Wish {
    /// Where the window is to go: who is no person and wants it open by less than the least move wants it shut.
    fn wanted(self, c: &Circumstances) -> Position {
        if self.of != Wisher::Person && self.position.percent() < c.options.min_move {
            Position::SHUT
        } else {
            self.position
        }
    }
}

/// How often and how little a window moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LawOptions {
    /// The least time between two commands, ms. Neither people nor interlocks wait for it.
    pub min_interval_ms: i64,
    /// The least change of position that is worth the motor, in points. People may ask for less, and shutting is always worth
    /// it.
    pub min_move: f64,
}

impl Default for LawOptions {
    /// A minute, and five points.
    fn default() -> Self {
        Self {
            min_interval_ms: 60_000,
            min_move: 5.0,
        }
    }
}

/// A person's wish that lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Override {
    /// Where the window is to be.
    pub position: Position,
    /// When it ends; `None` when a person ends it.
    pub until: Option<Timestamp>,
}

impl Override {
    /// Returns whether it is in force at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What is known of a window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowRecord {
    /// Where it was told to go last, and when.
    pub commanded: Option<(Position, Timestamp)>,
    /// Where it said that it was, which counts while it was never told anything.
    pub reported: Option<Position>,
    /// Whether it began anew since and does not say where it stands.
    pub is_lost: bool,
    /// A person's wish that lasts.
    pub hold: Option<Override>,
    /// What limits it whatever anybody wants.
    pub interlocks: Interlocks,
    /// Until when a schedule decides, and not the model.
    pub schedule_until: Option<Timestamp>,
}

/// What the law looks at beside wish and window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circumstances {
    /// The time.
    pub now: Timestamp,
    /// How far the window may open now, by its settings.
    pub limits: Limits,
    /// Whether it is to keep still now, by its settings.
    pub is_quiet: bool,
    /// How often and how little it moves.
    pub options: LawOptions,
}

impl WindowRecord {
    /// Judges a wish, or, without one, whether anything has to happen by itself: an interlock limits the window, or what a
    /// person wanted is possible again. The end of an override is no reason to move.
    pub fn judge(&self, wish: Option<Wish>, c: &Circumstances) -> Verdict {
        let cap = self.cap(c);
        let present = self.present();
        // Before anybody's wish.
        if let (Some((most, cause)), Some(present)) = (cap, present)
            && present > most
        {
            return Verdict::Move(most, Move::Interlock(cause));
        }
        let hold = self.hold.filter(|hold| hold.is_active(c.now));
        let by_person = wish.is_some_and(|wish| wish.of == Wisher::Person);
        // A window of unknown position may be open: it is shut, unless a person wants it somewhere.
        if present.is_none()
            && !by_person
            && hold.is_none()
            && let Some((_, cause)) = self.interlocks.active(c.now).next()
        {
            return Verdict::Move(Position::SHUT, Move::Interlock(cause));
        }
        let Some(wish) = wish else {
            return self.resume(hold, cap, c);
        };
        let (target, cause) = within(wish.wanted(c), c.limits, cap);
        if present == Some(target) {
            return Verdict::Keep(cause.map_or(Keep::There, Keep::Interlock));
        }
        if wish.of == Wisher::Person {
            return Verdict::Move(target, Move::Wish(Wisher::Person));
        }
        if let Some(hold) = hold {
            return Verdict::Keep(Keep::Override(hold.until));
        }
        if wish.of == Wisher::Model
            && let Some(until) = self.schedule_until.filter(|until| c.now < *until)
        {
            return Verdict::Keep(Keep::Schedule(until));
        }
        if c.is_quiet {
            return Verdict::Keep(Keep::Quiet);
        }
        // Rain comes through the smallest gap: shutting is always worth the motor.
        let shuts = target.percent() <= c.limits.min;
        if let Some(present) = present
            && !shuts
            && (target.percent() - present.percent()).abs() < c.options.min_move
        {
            return Verdict::Keep(cause.map_or(Keep::TooSmall, Keep::Interlock));
        }
        match self.waits_until(c) {
            Some(until) => Verdict::Keep(Keep::TooSoon(until)),
            None => Verdict::Move(target, Move::Wish(wish.of)),
        }
    }

    /// Notes that a command was given.
    pub fn command(&mut self, position: Position, now: Timestamp) {
        self.commanded = Some((position, now));
        self.is_lost = false;
    }

    /// Notes that it stands there, whatever it was told.
    pub fn stand(&mut self, position: Position) {
        self.reported = Some(position);
        if let Some((commanded, _)) = &mut self.commanded {
            *commanded = position;
        }
        self.is_lost = false;
    }

    /// Notes that it began anew and that nobody knows where it stands.
    pub const fn lose(&mut self) {
        self.is_lost = true;
    }

    /// Notes a person's wish that lasts. Their next one takes its place.
    pub fn begin_override(&mut self, hold: Override) {
        self.hold = Some(hold);
    }

    /// Ends a person's wish. The window stays where it is: the next decision moves it, by the same law.
    pub const fn end_override(&mut self) {
        self.hold = None;
    }

    /// Where the window is or is going to be.
    fn present(&self) -> Option<Position> {
        if self.is_lost {
            return None;
        }
        self.commanded.map(|(position, _)| position).or(self.reported)
    }

    /// The most that it may be open now, and why.
    fn cap(&self, c: &Circumstances) -> Option<(Position, Cause)> {
        let by_settings = Position::new(c.limits.max).ok().map(|most| (most, Cause::Limit));
        let all = self.interlocks.active(c.now).chain(by_settings);
        all.reduce(|least, other| if other.0 < least.0 { other } else { least })
    }

    /// After an interlock, a person's wish that lasts is carried out again.
    fn resume(&self, hold: Option<Override>, cap: Option<(Position, Cause)>, c: &Circumstances) -> Verdict {
        let Some(hold) = hold else {
            return Verdict::Keep(Keep::Unasked);
        };
        let (target, cause) = within(hold.position, c.limits, cap);
        if self.present() == Some(target) {
            return Verdict::Keep(cause.map_or(Keep::Override(hold.until), Keep::Interlock));
        }
        Verdict::Move(target, Move::Resumed)
    }

    /// When the next command may be given, if that is later than now.
    fn waits_until(&self, c: &Circumstances) -> Option<Timestamp> {
        let (_, at) = self.commanded?;
        let elapsed = c.now.millis_since(at);
        let interval = c.options.min_interval_ms;
        // A command further ahead than that was given by a clock that has been put back since.
        let waits = elapsed < interval && elapsed > -interval;
        waits.then(|| Timestamp::from_millis(at.as_millis() + interval))
    }
}

/// The position nearest to `wanted` that is allowed, and what keeps the window from opening so far, if something does.
fn within(wanted: Position, limits: Limits, cap: Option<(Position, Cause)>) -> (Position, Option<Cause>) {
    let raised = wanted.percent().max(limits.min.clamp(0.0, 100.0));
    let raised = Position::new(raised).unwrap_or(wanted);
    match cap {
        Some((most, cause)) if raised > most => (most, Some(cause)),
        _ => (raised, None),
    }
}
