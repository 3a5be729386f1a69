//! A device as Home Assistant is told of it: which entities it has, and what they show.
//!
//! In: what page and API show of a device and its window. Out: a room and its state. Pure.

use std::collections::BTreeSet;

use mqtt::homeassistant::{
    Decision, Entity, Override, Room, RoomState, SoundState, TelemetryState, WindowState, hold_for,
};

use crate::{ControlView, DeviceView, MotionView};

/// The room of a device. `before` are entities that it had: one that is silent for long keeps them.
pub(super) fn room(view: &DeviceView, control: Option<&ControlView>, before: &BTreeSet<Entity>) -> Room {
    let mut entities = before.clone();
    entities.extend(view.readings.keys().copied().map(Entity::Reading));
    if view.clip.is_some() {
        entities.insert(Entity::SoundLevel);
    }
    if control.is_some() || view.window.is_some() || view.command.is_some() {
        entities.extend(Entity::OF_WINDOW);
    }
    let telemetry = view.telemetry.as_ref();
    let says = [
        (Entity::Signal, telemetry.and_then(|said| said.rssi_dbm)),
        (Entity::Battery, telemetry.and_then(|said| said.battery_percent)),
        (Entity::Voltage, telemetry.and_then(|said| said.battery_v)),
    ];
    entities.extend(
        says.into_iter()
            .filter_map(|(entity, value)| value.map(|_| entity)),
    );
    Room {
        device_id: view.device_id.clone(),
        name: view.name.clone(),
        location: view.location.clone(),
        firmware: telemetry.and_then(|said| said.firmware.clone()),
        entities,
    }
}

/// What its entities show.
pub(super) fn state(view: &DeviceView, control: Option<&ControlView>) -> RoomState {
    let readings = view
        .readings
        .iter()
        .map(|(quantity, latest)| (*quantity, latest.value));
    let telemetry = view.telemetry.as_ref();
    RoomState {
        device_id: view.device_id.clone(),
        available: if view.is_active { "online" } else { "offline" },
        readings: readings.collect(),
        sound: SoundState {
            level_dbfs: view.clip.as_ref().and_then(|clip| clip.level_dbfs),
        },
        decision: decision(view),
        window: control.map_or_else(|| reported(view), window),
        r#override: control.map_or_else(nobodys, hold),
        telemetry: TelemetryState {
            rssi_dbm: telemetry.and_then(|said| said.rssi_dbm),
            battery_percent: telemetry.and_then(|said| said.battery_percent),
            battery_v: telemetry.and_then(|said| said.battery_v),
        },
    }
}

/// The model's newest decision: a command, or one that was not carried out.
fn decision(view: &DeviceView) -> Decision {
    let command = view
        .command
        .as_ref()
        .filter(|command| command.model_version.is_some());
    let command = command.map(|command| Decision {
        wish: Some(command.wish.unwrap_or(command.position)),
        confidence: Some(command.confidence),
        reason: command.reason.clone(),
        model_version: command.model_version.clone(),
        timestamp: Some(command.timestamp),
    });
    let held = view.held.as_ref().map(|held| Decision {
        wish: Some(held.position),
        confidence: Some(held.confidence),
        reason: held.reason.clone(),
        model_version: Some(held.model_version.clone()),
        timestamp: Some(held.timestamp),
    });
    let newest = command.into_iter().chain(held).max_by_key(|one| one.timestamp);
    newest.unwrap_or_default()
}

/// A window of which only reports or commands are known.
fn reported(view: &DeviceView) -> WindowState {
    let target = view.command.as_ref().map(|command| command.position);
    let position = view.window.map(|latest| latest.value).or(target);
    WindowState {
        position,
        target,
        state: position.map(|position| WindowState::word(position, target, false)),
        reason: view.command.as_ref().and_then(|command| command.reason.clone()),
        ..WindowState::default()
    }
}

fn window(control: &ControlView) -> WindowState {
    let target = control.target.map(domain::Position::percent);
    let position = control.position.map(domain::Position::percent);
    // A window that never says where it stands is where it was told to go.
    let position = match control.motion {
        MotionView::Unreported => position.or(target),
        // One that began anew may be open, whatever it begins with.
        MotionView::Unknown => None,
        _ => position,
    };
    let moves = control.motion == MotionView::Moving;
    WindowState {
        position,
        target,
        state: position.map(|position| WindowState::word(position, target, moves)),
        motion: Some(motion(control.motion)),
        reason: reason(control),
        interlocks: control
            .interlocks
            .iter()
            .map(|interlock| interlock.text.clone())
            .collect(),
    }
}

/// Why the window is where it is: why it was told to go there, or why it stays.
fn reason(control: &ControlView) -> Option<String> {
    let command = control
        .command
        .as_ref()
        .and_then(|command| command.reason.clone());
    match &control.verdict {
        Some(verdict) if verdict.moved => command.or_else(|| Some(verdict.text.clone())),
        Some(verdict) => Some(verdict.text.clone()),
        None => command,
    }
}

fn hold(control: &ControlView) -> Override {
    let Some(hold) = &control.hold else {
        return nobodys();
    };
    Override {
        active: true,
        position: Some(hold.position.percent()),
        until: hold.until,
        by: Some(hold.by.clone()).filter(|by| !by.is_empty()),
        source: Some(hold.source.as_str().to_owned()),
        hold_for: hold_for(true, hold.since, hold.until),
    }
}

fn nobodys() -> Override {
    Override {
        hold_for: hold_for(false, domain::Timestamp::from_millis(0), None),
        ..Override::default()
    }
}

const fn motion(motion: MotionView) -> &'static str {
    match motion {
        MotionView::Still => "still",
        MotionView::Moving => "moving",
        MotionView::Stuck => "stuck",
        MotionView::Unknown => "unknown",
        MotionView::Unreported => "unreported",
    }
}
