//! Whether a device is well: is it there, do its data come, may they be believed.
//!
//! In: what was heard of it, and when. Out: a state with its reason, and a list of problems. Pure: it reads no clock, knows no
//! broker and keeps nothing beyond a few numbers a device.

mod arrivals;
mod presence;
mod values;
mod watch;

use domain::{Quantity, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use presence::{Left, told};
pub(super) use watch::{Watch, Whereabouts};

/// Whether a device is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Its data come.
    Online,
    /// It has not left, but its data are older than three of its intervals.
    Stale,
    /// It left, was lost, or has been silent for long.
    Offline,
    /// Somebody has set it up, and nothing was ever heard of it.
    #[default]
    NeverSeen,
}

impl Presence {
    /// Whether it may send at any moment.
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Online | Self::Stale)
    }
}

/// What may be wrong with a device that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A value has been the same to the last digit for hours.
    Stuck,
    /// A value changed faster than what is measured can.
    Jump,
    /// Its clock is wrong.
    Clock,
    /// It sends much of what it says more than once.
    Duplicates,
    /// Its window did not go where it was told to, again and again.
    WindowStuck,
}

impl ProblemKind {
    /// The word for it in `device_events`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::Jump => "jump",
            Self::Clock => "clock",
            Self::Duplicates => "duplicates",
            Self::WindowStuck => "window_stuck",
        }
    }
}

/// Something that is wrong with a device.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// The quantity that it concerns, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// What was noticed, and what may help, in words.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

/// How a device does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Health {
    /// Whether it is there.
    pub state: Presence,
    /// Since when it is in this state; `null` where it was never heard of.
    pub since: Option<Timestamp>,
    /// Why it is not online, in words; empty where it is.
    pub reason: String,
    /// What else is wrong, the oldest first.
    pub problems: Vec<Problem>,
    /// How often its data are expected, s: as it was set up, or as it was learned; `null` where neither is known.
    pub interval_s: Option<f64>,
    /// Messages a minute, over the last five minutes.
    pub messages_per_minute: f64,
    /// Messages that it sent once more, since the backend's start.
    pub duplicates: u64,
    /// How far its clock is ahead of ours, s, by its last message; negative where it is behind or the message was late.
    /// `null` before its first message with a time.
    pub clock_ahead_s: Option<f64>,
}
