//! What is said of moves, in words.

use domain::{By, Move, Origin, Position, Source, Timestamp, Wisher};

use super::window::Holder;

/// Who it was.
pub(super) fn who(by: &By) -> String {
    let hand = match by.source {
        Source::Page => "on the page",
        Source::Api => "by the API",
        Source::Mqtt => "by MQTT",
        Source::HomeAssistant => "by Home Assistant",
        Source::Window => "at the window",
    };
    if by.name.is_empty() {
        format!("a person {hand}")
    } else {
        format!("{} {hand}", by.name)
    }
}

/// A position, and how long it lasts.
pub(super) fn lasting(position: Position, until: Option<Timestamp>) -> String {
    let percent = position.percent();
    match until {
        Some(until) => format!("{percent:.0} % until {until}"),
        None => format!("{percent:.0} %"),
    }
}

/// Who wants a window somewhere by a command of this origin.
pub(super) const fn wisher(origin: &Origin) -> Wisher {
    match origin {
        Origin::Person => Wisher::Person,
        Origin::Schedule => Wisher::Schedule,
        Origin::Model(_) | Origin::Interlock | Origin::Unstated => Wisher::Model,
    }
}

/// A schedule's name, and why it wants the window somewhere, in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scheduled<'a> {
    pub(crate) name: &'a str,
    pub(crate) reason: &'a str,
}

/// Whose command a move is, why in words, and which interlock or schedule it is.
pub(super) fn of(
    why: Move,
    holder: Option<&Holder>,
    scheduled: Option<Scheduled<'_>>,
) -> (Origin, String, Option<String>) {
    let who = holder.map_or_else(
        || "a person".to_owned(),
        |holder| who(&By::new(&holder.by, holder.source)),
    );
    match why {
        Move::Wish(Wisher::Person) => (Origin::Person, format!("moved by {who}"), None),
        Move::Resumed => (Origin::Person, format!("back to where it was put by {who}"), None),
        Move::Interlock(cause) => (Origin::Interlock, cause.to_string(), Some(cause.as_str().into())),
        Move::Wish(Wisher::Schedule | Wisher::Model) => {
            let reason = scheduled.map_or("a schedule", |scheduled| scheduled.reason);
            let name = scheduled.map(|scheduled| scheduled.name.to_owned());
            (Origin::Schedule, reason.to_owned(), name)
        }
    }
}
