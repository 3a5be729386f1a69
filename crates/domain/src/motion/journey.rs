//! A window on its way from where it stood to where it was told to go.

use super::{MotionOptions, distance};
use crate::Position;

/// What a motor's time is exceeded by before a window is judged, ms: messages take a while, too.
const GRACE_MS: i64 = 2_000;
/// The pauses before a window that is stuck is told again, in thirds of its motor's time: 10, 30 and 90 s of the usual one.
const PAUSES_IN_THIRDS: [i64; 3] = [1, 3, 9];

/// On the way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Journey {
    /// Where it began; `None` where that is unknown.
    start: Option<Position>,
    pub(super) target: Position,
    /// When the window was told last, ms.
    since: i64,
    /// How near the target it has been, in points.
    nearest: Option<f64>,
    pub(super) is_reached: bool,
    /// How often it was told again.
    attempts: u8,
    /// When it is told again, ms, while it is stuck.
    retry_at: Option<i64>,
}

/// How a journey ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// It has not yet: the window is stuck, and will be told again.
    Waiting,
    /// Where it was to.
    Reached,
    /// Short of it. It will be told again.
    Stuck,
    /// Short of it, after every attempt.
    GaveUp,
    /// Where a person wanted it.
    ByPerson(Position),
}

impl Journey {
    pub(super) const fn new(start: Option<Position>, target: Position, now: i64) -> Self {
        Self {
            start,
            target,
            since: now,
            nearest: None,
            is_reached: false,
            attempts: 0,
            retry_at: None,
        }
    }

    /// It begins again from where the window stands.
    pub(super) const fn again(&mut self, now: i64) {
        self.since = now;
        self.retry_at = None;
        self.nearest = None;
    }

    /// The attempt that was due is made later.
    pub(super) const fn postpone(&mut self, until: i64) {
        self.attempts = self.attempts.saturating_sub(1);
        self.retry_at = Some(until);
    }

    /// The window says that it is there.
    pub(super) fn passes(&mut self, position: Position) {
        let away = distance(position, self.target);
        self.nearest = Some(self.nearest.map_or(away, |nearest| nearest.min(away)));
    }

    /// The attempt that is due, from 1.
    pub(super) fn retry_due(&mut self, now: i64) -> Option<u8> {
        if self.retry_at? > now {
            return None;
        }
        self.retry_at = None;
        self.attempts += 1;
        Some(self.attempts)
    }

    /// Whether the motor's time is over.
    pub(super) const fn is_over(&self, now: i64, options: &MotionOptions) -> bool {
        now - self.since >= options.travel_ms + GRACE_MS
    }

    /// What it is that the window `stands` there when the motor's time is over.
    pub(super) fn end(&mut self, stands: Option<Position>, now: i64, options: &MotionOptions) -> End {
        if let Some(position) = stands {
            let away = distance(position, self.target);
            if away <= options.tolerance {
                return End::Reached;
            }
            // A motor that fails stops; it neither leaves what it has reached nor turns round.
            let has_turned = self
                .nearest
                .is_some_and(|nearest| away - nearest > 2.0 * options.tolerance);
            if self.is_reached || has_turned || !self.is_between(position, options.tolerance) {
                return End::ByPerson(position);
            }
        }
        if self.retry_at.is_some() {
            return End::Waiting;
        }
        let Some(thirds) = PAUSES_IN_THIRDS.get(usize::from(self.attempts)) else {
            return End::GaveUp;
        };
        self.retry_at = Some(now + thirds * options.travel_ms / 3);
        End::Stuck
    }

    /// Whether a position lies on the way; where the start is unknown, any may.
    fn is_between(&self, position: Position, tolerance: f64) -> bool {
        let Some(start) = self.start else { return true };
        let (low, high) = if start < self.target {
            (start, self.target)
        } else {
            (self.target, start)
        };
        (low.percent() - tolerance..=high.percent() + tolerance).contains(&position.percent())
    }
}
