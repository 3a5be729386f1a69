//! What happens, for those who watch it live.
//!
//! In: events as they are accepted. Out: the same, in their order, each with a number. The newest are kept for those who come
//! back; nobody waits for a watcher, and however many watch, an event is kept once.

use std::{collections::VecDeque, sync::Arc};

use domain::{DeviceId, Quantity, Refusal, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::{
    ControlView,
    decoder::Event,
    devices::{
        LatestClip, LatestCommand, LatestHeld, LatestSuspect, LatestTelemetry, SettingsState, Withheld,
    },
};

/// Events that are kept.
const KEPT: usize = 8_192;
/// Characters of a topic that are shown.
const SHOWN_CHARS: usize = 200;

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A reading was accepted.
    Reading {
        /// Whose.
        device_id: DeviceId,
        /// What was measured.
        quantity: Quantity,
        /// In the quantity's unit.
        value: f64,
        /// By the device's clock, where that is believed.
        timestamp: Timestamp,
    },
    /// A reading that is typical of a fault was set aside.
    Suspect {
        /// Whose.
        device_id: DeviceId,
        /// The reading and what is suspect about it.
        suspect: LatestSuspect,
    },
    /// A clip was accepted.
    Clip {
        /// Whose.
        device_id: DeviceId,
        /// What was heard.
        clip: LatestClip,
    },
    /// A window was told where to go.
    Command {
        /// Whose.
        device_id: DeviceId,
        /// Where to, and why.
        command: LatestCommand,
    },
    /// A decision was not carried out.
    Held {
        /// Whose.
        device_id: DeviceId,
        /// What was decided, and why it is held.
        held: LatestHeld,
    },
    /// A decision was due and not asked for, because what it would be based on is too old.
    Withheld {
        /// Whose.
        device_id: DeviceId,
        /// Which input, and how old it is.
        withheld: Withheld,
    },
    /// A device said how it does.
    Telemetry {
        /// Whose.
        device_id: DeviceId,
        /// What it said.
        telemetry: LatestTelemetry,
    },
    /// A device answered settings that were sent to it, or they are on their way.
    Settings {
        /// Whose.
        device_id: DeviceId,
        /// How far they have come.
        settings: SettingsState,
    },
    /// A window said where it stands.
    Window {
        /// Whose.
        device_id: DeviceId,
        /// Percent open.
        position: f64,
        /// By the window's clock.
        timestamp: Timestamp,
    },
    /// Who decides about a window, what limits it or how far its command has come has changed.
    Control {
        /// Whose.
        device_id: DeviceId,
        /// What is known of its window now.
        control: Box<ControlView>,
    },
    /// A device came, went, fell silent or changed otherwise: ask for it anew.
    Device {
        /// Which.
        device_id: DeviceId,
        /// What happened, as in `device_events`.
        change: &'static str,
        /// Explanation in words; empty where there is nothing to add.
        detail: String,
    },
    /// What people have set up was changed: names, places, settings. Or the devices of before the start are known now.
    Registry {
        /// The number of the change.
        revision: u64,
    },
    /// A message was refused.
    Refused {
        /// Its topic.
        topic: String,
        /// The kind of fault.
        reason: &'static str,
        /// What is wrong, in words.
        detail: String,
    },
}

impl Happening {
    /// What an accepted event is to those who watch; `None` where they hear of it otherwise.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Reading(reading) => Self::Reading {
                device_id: reading.device_id().clone(),
                quantity: reading.quantity(),
                value: reading.value(),
                timestamp: reading.timestamp(),
            },
            Event::Suspect(reading, reason) => Self::Suspect {
                device_id: reading.device_id().clone(),
                suspect: LatestSuspect::new(reading, reason),
            },
            Event::Clip(clip) => Self::Clip {
                device_id: clip.device_id.clone(),
                clip: clip.as_ref().into(),
            },
            Event::Action(action) => Self::Command {
                device_id: action.device_id.clone(),
                command: action.as_ref().into(),
            },
            Event::Held(decision) => Self::Held {
                device_id: decision.device_id.clone(),
                held: decision.as_ref().into(),
            },
            Event::State(state) => Self::Window {
                device_id: state.device_id.clone(),
                position: state.position.percent(),
                timestamp: state.timestamp,
            },
            // A birth counts when its row is durable; a candidate's prediction only might have been a decision.
            Event::Status(..)
            | Event::Alarm(..)
            | Event::Shadow(_)
            | Event::Telemetry(_)
            | Event::Ack(_)
            | Event::Set(_)
            | Event::TimeRequest(_) => return None,
        })
    }

    pub(crate) fn refused(topic: &str, refusal: &Refusal) -> Self {
        Self::Refused {
            topic: topic.chars().take(SHOWN_CHARS).collect(),
            reason: refusal.reason.as_str(),
            detail: refusal.detail.clone(),
        }
    }
}

/// An event with its number.
#[derive(Debug, Clone, Serialize)]
pub struct Numbered {
    /// One more than that of the event before; from 1.
    #[serde(skip)]
    pub number: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What there is after a number.
#[derive(Debug, Clone, Default)]
pub struct Since {
    /// The events, oldest first.
    pub events: Vec<Arc<Numbered>>,
    /// How many are no longer kept that came before them.
    pub missed: u64,
}

/// The newest events.
#[derive(Debug)]
pub struct Feed {
    /// When it began, ms: numbers of another start mean something else.
    epoch: i64,
    kept: Mutex<VecDeque<Arc<Numbered>>>,
    newest: watch::Sender<u64>,
}

impl Feed {
    /// An empty feed of a process that started at `epoch`.
    pub fn new(epoch: Timestamp) -> Self {
        Self {
            epoch: epoch.as_millis(),
            kept: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// When it began, ms.
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Tells the number of the newest event, 0 before the first.
    pub fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// At most `limit` events after the one of that number.
    pub fn since(&self, number: u64, limit: usize) -> Since {
        let kept = self.kept.lock();
        let Some(oldest) = kept.front().map(|event| event.number) else {
            return Since::default();
        };
        let first = (number + 1).max(oldest);
        let events = kept.iter().skip((first - oldest) as usize).take(limit);
        Since {
            events: events.cloned().collect(),
            missed: first - (number + 1),
        }
    }

    pub(crate) fn add(&self, at: Timestamp, happening: Happening) {
        let mut kept = self.kept.lock();
        let number = kept.back().map_or(0, |event| event.number) + 1;
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::new(Numbered {
            number,
            at,
            happening,
        }));
        // While the lock is held, so that numbers are told in their order.
        self.newest.send_replace(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(events: u64) -> Feed {
        let feed = Feed::new(Timestamp::from_millis(7));
        for revision in 1..=events {
            feed.add(Timestamp::from_millis(0), Happening::Registry { revision });
        }
        feed
    }

    fn numbers(since: &Since) -> Vec<u64> {
        since.events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn events_come_in_their_order_after_a_number() {
        let feed = feed(5);
        assert_eq!(numbers(&feed.since(0, 10)), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&feed.since(3, 1)), [4]);
        assert!(feed.since(5, 10).events.is_empty());
        assert_eq!(*feed.newest().borrow(), 5);
        assert_eq!(feed.since(3, 1).missed, 0);
    }

    #[test]
    fn who_was_away_too_long_learns_how_many_were_missed() {
        let feed = feed(KEPT as u64 + 10);
        let since = feed.since(4, 2);
        assert_eq!((numbers(&since), since.missed), (vec![11, 12], 6));
        assert_eq!(feed.since(0, KEPT + 1).events.len(), KEPT);
    }

    #[test]
    fn an_event_says_what_it_is() {
        let feed = feed(1);
        let event = &feed.since(0, 1).events[0];
        let text = serde_json::to_string(&**event).unwrap();
        assert_eq!(
            text,
            r#"{"at":"1970-01-01T00:00:00Z","event":"registry","revision":1}"#
        );
    }
}
