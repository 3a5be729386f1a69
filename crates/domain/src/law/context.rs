//! What the law of moves looks at, as a value that travels in requests.

use serde::{Deserialize, Serialize};

use super::{Cause, Circumstances, Interlocks, LawOptions, Override, Verdict, WindowRecord, Wish};
use crate::{Limits, Position, Timestamp};

/// A window and its circumstances at one moment. What a sender leaves out has its default: nothing limits, nobody holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowContext {
    /// Where it says that it stands, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Where it was told to go last, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commanded: Option<Position>,
    /// When it was told so; with no position, it began anew since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commanded_at: Option<Timestamp>,
    /// A person's wish that lasts, % open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Position>,
    /// When that ends; without it, when a person ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Timestamp>,
    /// Until when a schedule decides, and not the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_until: Option<Timestamp>,
    /// How far it may open now, by its settings.
    pub limits: ContextLimits,
    /// What limits it whatever anybody wants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interlocks: Vec<ContextInterlock>,
    /// Whether it is to keep still now.
    pub quiet: bool,
    /// The least time between two commands, s.
    pub min_interval_s: f64,
    /// The least change that is worth the motor, points.
    pub min_move: f64,
}

/// How far a window may open, %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ContextLimits {
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// An interlock in force.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ContextInterlock {
    /// Its cause.
    pub cause: Cause,
    /// How far the window may open meanwhile, %.
    pub most: Position,
    /// When it ends; absent while its cause is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Default for WindowContext {
    fn default() -> Self {
        let options = LawOptions::default();
        Self {
            position: None,
            commanded: None,
            commanded_at: None,
            hold: None,
            hold_until: None,
            schedule_until: None,
            limits: ContextLimits::default(),
            interlocks: Vec::new(),
            quiet: false,
            min_interval_s: options.min_interval_ms as f64 / 1e3,
            min_move: options.min_move,
        }
    }
}

impl Default for ContextLimits {
    fn default() -> Self {
        Self { min: 0.0, max: 100.0 }
    }
}

impl WindowContext {
    /// Returns what is known of `window` in these circumstances.
    pub fn of(window: &WindowRecord, c: &Circumstances) -> Self {
        let hold = window.hold.filter(|hold| hold.is_active(c.now));
        Self {
            position: window.reported.filter(|_| !window.is_lost),
            commanded: window
                .commanded
                .map(|(position, _)| position)
                .filter(|_| !window.is_lost),
            commanded_at: window.commanded.map(|(_, at)| at),
            hold: hold.map(|hold| hold.position),
            hold_until: hold.and_then(|hold| hold.until),
            schedule_until: window.schedule_until.filter(|until| c.now < *until),
            limits: ContextLimits {
                min: c.limits.min,
                max: c.limits.max,
            },
            interlocks: window.interlocks.in_force(c.now).collect(),
            quiet: c.is_quiet,
            min_interval_s: c.options.min_interval_ms as f64 / 1e3,
            min_move: c.options.min_move,
        }
    }

    /// Judges a wish at `now`, which is a little later than the context.
    pub fn judge(&self, wish: Wish, now: Timestamp) -> Verdict {
        let circumstances = Circumstances {
            now,
            limits: Limits {
                min: self.limits.min,
                max: self.limits.max,
            },
            is_quiet: self.quiet,
            options: LawOptions {
                min_interval_ms: (self.min_interval_s.clamp(0.0, 86_400.0) * 1e3).round() as i64,
                min_move: self.min_move,
            },
        };
        self.record().judge(Some(wish), &circumstances)
    }

    /// The window, as far as the law looks at it.
    pub(super) fn record(&self) -> WindowRecord {
        let mut interlocks = Interlocks::default();
        for interlock in &self.interlocks {
            interlocks.set(interlock.cause, interlock.most);
            if let Some(until) = interlock.until {
                interlocks.clear(interlock.cause, until);
            }
        }
        WindowRecord {
            commanded: self
                .commanded_at
                .map(|at| (self.commanded.or(self.position).unwrap_or(Position::SHUT), at)),
            reported: self.position,
            is_lost: self.commanded.or(self.position).is_none(),
            hold: self.hold.map(|position| Override {
                position,
                until: self.hold_until,
            }),
            interlocks,
            schedule_until: self.schedule_until,
        }
    }
}
