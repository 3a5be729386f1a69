//! What Home Assistant is told of a device.
#![allow(
    clippy::float_cmp,
    reason = "values that pass through unchanged are equal to the bit"
)]

use std::collections::BTreeSet;

use domain::{DeviceId, Position, Quantity, Source, Timestamp};
use mqtt::homeassistant::{Discovery, Entity};

use super::{
    found::At,
    room::{room, state},
};
use crate::{
    CommandState, CommandView, ControlView, DeviceView, InterlockView, Latest, LatestCommand, LatestHeld,
    LimitsView, MotionView, OverrideView, VerdictView,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + second * 1000)
}

fn view() -> DeviceView {
    DeviceView::never_seen(&DeviceId::parse("room-1").unwrap(), 0)
}

fn control() -> ControlView {
    let position = Position::new(40.0).unwrap();
    ControlView {
        motion: MotionView::Still,
        position: Some(position),
        target: Some(position),
        hold: None,
        limits: LimitsView { min: 0.0, max: 100.0 },
        interlocks: Vec::new(),
        quiet: false,
        verdict: None,
        command: None,
    }
}

fn command(second: i64, position: f64, model: Option<&str>) -> LatestCommand {
    LatestCommand {
        timestamp: at(second),
        position,
        confidence: 0.9,
        origin: if model.is_some() { "model" } else { "" }.into(),
        cause: None,
        model_version: model.map(str::to_owned),
        reason: Some("warm".into()),
        contributions: None,
        verdict: "moved".into(),
        wish: None,
    }
}

#[test]
fn a_room_has_what_its_device_has_sent_and_keeps_it() {
    let mut device = view();
    assert!(room(&device, None, &BTreeSet::new()).entities.is_empty());
    let reading = Latest {
        value: 21.5,
        timestamp: at(0),
    };
    device.readings.insert(Quantity::Temperature, reading);
    let before = BTreeSet::from([Entity::Reading(Quantity::Co2)]);
    let shown = room(&device, None, &before);
    let both = [Quantity::Temperature, Quantity::Co2].map(Entity::Reading);
    assert_eq!(shown.entities, BTreeSet::from(both));
    assert_eq!((shown.name.as_str(), shown.firmware), ("room-1", None));
    let with_window = room(&device, Some(&control()), &before).entities;
    assert!(
        Entity::OF_WINDOW
            .iter()
            .all(|entity| with_window.contains(entity))
    );
    assert_eq!(with_window.len(), 2 + Entity::OF_WINDOW.len());
}

#[test]
fn the_newest_decision_of_the_model_is_its_wish_whether_it_was_carried_out_or_not() {
    let mut device = view();
    device.command = Some(command(10, 70.0, Some("v1")));
    assert_eq!(state(&device, None).decision.wish, Some(70.0));
    device.command.as_mut().unwrap().wish = Some(95.0);
    assert_eq!(state(&device, None).decision.wish, Some(95.0));
    device.held = Some(LatestHeld {
        timestamp: at(20),
        position: 55.0,
        confidence: 0.1,
        model_version: "v1".into(),
        reason: Some("too unsure".into()),
        contributions: None,
        verdict: "unsure".into(),
    });
    let decision = state(&device, None).decision;
    assert_eq!((decision.wish, decision.confidence), (Some(55.0), Some(0.1)));
    // A person's command is no wish of the model's.
    device.command = Some(command(30, 5.0, None));
    assert_eq!(state(&device, None).decision.wish, Some(55.0));
}

#[test]
fn a_window_shows_where_it_goes_why_and_who_holds_it() {
    let mut control = control();
    let shown = |control: &ControlView| state(&view(), Some(control));
    assert_eq!(shown(&control).window.state, Some("open"));
    control.motion = MotionView::Moving;
    control.target = Some(Position::new(80.0).unwrap());
    assert_eq!(shown(&control).window.state, Some("opening"));
    control.target = Some(Position::SHUT);
    assert_eq!(shown(&control).window.state, Some("closing"));
    control.motion = MotionView::Unreported;
    control.position = None;
    let window = shown(&control).window;
    assert_eq!((window.position, window.state), (Some(0.0), Some("closed")));
    assert_eq!(shown(&control).r#override.hold_for, Some("Automatic"));
    // It began anew and says nothing but 0: it may be open, and nothing is said of where it stands.
    control.motion = MotionView::Unknown;
    control.position = Some(Position::SHUT);
    control.target = Some(Position::new(60.0).unwrap());
    let window = shown(&control).window;
    assert_eq!(
        (window.position, window.state, window.motion),
        (None, None, Some("unknown"))
    );
    let mut reporting = view();
    reporting.window = Some(Latest {
        value: 0.0,
        timestamp: at(0),
    });
    let window = state(&reporting, Some(&control)).window;
    assert_eq!(
        (window.position, window.state, window.target),
        (None, None, Some(60.0))
    );
    control.motion = MotionView::Unreported;
    (control.position, control.target) = (None, Some(Position::SHUT));

    control.command = Some(CommandView {
        command_id: "c".into(),
        position: Position::SHUT,
        origin: "interlock",
        state: CommandState::Reached,
        at: at(0),
        reason: Some("it rains".into()),
        cause: Some("rain".into()),
    });
    let verdict = |moved| VerdictView {
        at: at(0),
        moved,
        why: "override".into(),
        text: "a person decides".into(),
    };
    control.verdict = Some(verdict(true));
    assert_eq!(shown(&control).window.reason.as_deref(), Some("it rains"));
    control.verdict = Some(verdict(false));
    assert_eq!(shown(&control).window.reason.as_deref(), Some("a person decides"));
    control.interlocks.push(InterlockView {
        cause: "rain",
        most: Position::SHUT,
        until: None,
        text: "it rains".into(),
    });
    assert_eq!(shown(&control).window.interlocks, ["it rains"]);

    control.hold = Some(OverrideView {
        position: Position::SHUT,
        until: Some(at(7_200)),
        since: at(0),
        by: String::new(),
        source: Source::HomeAssistant,
    });
    let hold = shown(&control).r#override;
    assert!(hold.active && hold.by.is_none());
    assert_eq!(hold.source.as_deref(), Some("home_assistant"));
    assert_eq!(hold.hold_for, Some("2 hours"));
}

#[test]
fn a_device_is_available_while_it_is_there() {
    let mut device = view();
    assert_eq!(state(&device, None).available, "offline");
    device.is_active = true;
    assert_eq!(state(&device, None).available, "online");
}

/// Anybody may retain large messages below our node, as many as are remembered.
#[test]
fn of_what_is_found_at_the_broker_little_is_remembered() {
    const TOPIC: &str = "homeassistant/device/casement/room-1/config";
    let find = || Discovery::find_below("homeassistant", TOPIC).unwrap();
    let mut components: serde_json::Map<String, serde_json::Value> = (0..800)
        .map(|number| {
            (
                format!("other-{number}"),
                serde_json::json!({"platform": "sensor"}),
            )
        })
        .collect();
    let long = "x".repeat(5_000);
    components.insert("wish".into(), serde_json::json!({"platform": long, "name": long}));
    let device = serde_json::json!({"identifiers": [long], "name": long});
    let message = serde_json::json!({"device": device, "components": components}).to_string();
    let at = At::of(find(), message.as_bytes(), true);
    assert_eq!(at.entities, [Entity::Wish]);
    assert!(at.entities.capacity() <= 64);
    let removal = at.removal().unwrap();
    assert!(removal.len() < 1_024, "{}", removal.len());
    // What holds none of ours is emptied alone, and so is the message for one entity.
    assert_eq!(At::of(find(), b"{}", true).removal(), None);
    let one = "homeassistant/sensor/casement/wish_room-1/config";
    let one = Discovery::find_below("homeassistant", one).unwrap();
    let at = At::of(one, message.as_bytes(), true);
    assert_eq!(
        (at.entities.as_slice(), at.removal()),
        (&[Entity::Wish][..], None)
    );
}
