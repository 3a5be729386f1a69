//! What people want of a window, whatever hand they use.
//!
//! In: a position and how long it lasts, or that it is over. Out: the override that it begins.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeviceId, Override, Position, Timestamp};

/// The hand by which a person moved a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The page.
    Page,
    /// A program at the HTTP API.
    Api,
    /// A message on `window/{device_id}/set`, or a command of a person's on `window/{device_id}/control`.
    Mqtt,
    /// Home Assistant.
    HomeAssistant,
    /// The window itself: a wall switch, or a hand on the sash. It is found by what the window reports.
    Window,
}

impl Source {
    /// Returns the name used in payloads and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api => "api",
            Self::Mqtt => "mqtt",
            Self::HomeAssistant => "home_assistant",
            Self::Window => "window",
        }
    }
}

/// Who moved a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Their name, as far as it is known; empty where it is not.
    pub name: String,
    /// Their hand.
    pub source: Source,
}

impl By {
    /// Characters of a name at most.
    pub const MAX_NAME: usize = 64;

    /// Somebody of that name; what is too long or no text is left out.
    pub fn new(name: &str, source: Source) -> Self {
        let clean = name.trim().chars().filter(|c| !c.is_control());
        Self {
            name: clean.take(Self::MAX_NAME).collect(),
            source,
        }
    }
}

/// How long a person's wish lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// As long as the window's settings say.
    Usual,
    /// So long.
    For(Duration),
    /// Until then.
    Until(Timestamp),
    /// Until somebody ends it.
    Forever,
}

impl Lasting {
    /// The longest time that can be said, which is a year.
    pub const LONGEST: Duration = Duration::from_hours(366 * 24);
}

/// A position that a person wants, for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// Where to.
    pub position: Position,
    /// How long.
    pub lasting: Lasting,
}

impl Hold {
    /// Returns the override that begins at `now`; `usual` is how long one lasts of which nothing is said.
    pub fn begin(self, now: Timestamp, usual: Duration) -> Override {
        let until = match self.lasting {
            Lasting::Usual => Some(now.plus(usual)),
            Lasting::For(span) => Some(now.plus(span.min(Lasting::LONGEST))),
            Lasting::Until(until) => Some(until.min(now.plus(Lasting::LONGEST))),
            Lasting::Forever => None,
        };
        Override {
            position: self.position,
            until,
        }
    }
}

/// What a message on `window/{device_id}/set` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSet {
    /// The device whose window it concerns.
    pub device_id: DeviceId,
    /// A position for a while; `None` ends what a person wanted.
    pub hold: Option<Hold>,
    /// Who, and by which hand.
    pub by: By,
}
