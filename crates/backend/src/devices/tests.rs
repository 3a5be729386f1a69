//! Registration, presence and what the registry stores.
#![allow(
    clippy::float_cmp,
    reason = "values that pass through unchanged are equal to the bit"
)]

use std::time::Duration;

use domain::Quantity;
use store::DeviceRow;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + second * 1000)
}

fn id() -> DeviceId {
    DeviceId::parse("room-1").unwrap()
}

fn devices() -> Devices {
    Devices::new(Duration::from_mins(5), 2)
}

fn hear(devices: &Devices, second: i64) {
    devices.reading(
        &Reading::new(id(), Quantity::Temperature, 20.0, at(second)).unwrap(),
        &Heard::at(at(second)),
    );
}

/// What is due, as a log with room takes it, of devices that the registry was asked for.
fn due(devices: &Devices, second: i64) -> Vec<Row> {
    devices.looked_up(&devices.not_looked_up(100));
    let due = devices.due(at(second));
    let rows = due.rows.clone();
    devices.written(due);
    rows
}

/// A status as a log with room takes it.
fn status(devices: &Devices, online: bool, second: i64) -> Option<Row> {
    let event = devices.status_event(&id(), online, at(second));
    devices.status(&id(), online, at(second));
    event
}

fn device_rows(rows: &[Row]) -> Vec<&DeviceRow> {
    rows.iter()
        .filter_map(|row| {
            if let Row::Device(device) = row {
                Some(device)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn the_first_message_registers_and_the_next_ones_do_not_churn() {
    let devices = devices();
    hear(&devices, 0);
    assert_eq!(device_rows(&due(&devices, 1)).len(), 1);
    for second in 1..30 {
        hear(&devices, second);
        assert!(due(&devices, second).is_empty());
    }
    hear(&devices, 30);
    assert_eq!(device_rows(&due(&devices, 30))[0].last_seen, at(30).as_millis());
}

#[test]
fn silence_makes_inactive_once_and_a_message_revives() {
    let devices = devices();
    hear(&devices, 0);
    due(&devices, 0);
    let silent = due(&devices, 301);
    let row = device_rows(&silent)[0];
    assert!(!row.is_active && row.last_seen > at(0).as_millis() && silent.len() == 2);
    assert!(due(&devices, 302).is_empty());
    hear(&devices, 400);
    assert!(device_rows(&due(&devices, 400))[0].is_active);
}

#[test]
fn the_registry_keeps_its_names_and_first_date() {
    let devices = devices();
    hear(&devices, 100);
    let stored = DeviceRow {
        device_id: "room-1".into(),
        name: "Kitchen".into(),
        location: "Ground floor".into(),
        registered_at: at(-1000).as_millis(),
        last_seen: at(0).as_millis(),
        is_active: true,
        config: r#"{"temperature_threshold": 1}"#.into(),
        revision: 0,
    };
    let mut book = registry::Book::default();
    book.adopt(&id(), foreign_of(&id(), &stored)).unwrap();
    devices.restore(&[stored]);
    devices.set_up(&book);
    let rows = due(&devices, 101);
    let row = device_rows(&rows)[0];
    assert_eq!(
        (row.name.as_str(), row.registered_at, row.last_seen),
        ("Kitchen", at(-1000).as_millis(), at(100).as_millis())
    );
    assert_eq!(row.config, r#"{"temperature_threshold": 1}"#);
    // It is ours to say once it is changed here, whatever the table still has.
    let settings: domain::Settings = serde_json::from_str(r#"{"report_interval_s": 30}"#).unwrap();
    let patch = registry::Patch {
        settings: Some(settings),
        ..registry::Patch::default()
    };
    let revision = book.patch(&id(), patch, None).unwrap().revision;
    devices.set_up(&book);
    let table = DeviceRow { ..row.clone() };
    devices.restore(&[table]);
    let rows = due(&devices, 102);
    let row = device_rows(&rows)[0];
    assert_eq!(
        (row.config.as_str(), row.revision),
        (r#"{"report_interval_s":30.0}"#, revision)
    );
}

#[test]
fn late_data_does_not_become_the_latest() {
    let devices = devices();
    hear(&devices, 100);
    devices.reading(
        &Reading::new(id(), Quantity::Temperature, 99.0, at(50)).unwrap(),
        &Heard::at(at(101)),
    );
    assert_eq!(
        devices.snapshot()[&id()].readings[&Quantity::Temperature].value,
        20.0
    );
}

#[test]
fn a_last_will_is_an_event_once() {
    let devices = devices();
    assert!(status(&devices, true, 0).is_some());
    due(&devices, 0);
    assert!(status(&devices, true, 1).is_none());
    assert!(status(&devices, false, 2).is_some());
    assert!(status(&devices, false, 3).is_none());
}

#[test]
fn what_the_log_does_not_take_stays_due() {
    let devices = devices();
    hear(&devices, 0);
    assert!(
        devices.due(at(1)).rows.is_empty(),
        "the registry was not asked yet"
    );
    devices.looked_up(&[id()]);
    assert_eq!(devices.due(at(1)).rows.len(), 1);
    assert_eq!(due(&devices, 1).len(), 1);
    assert!(due(&devices, 2).is_empty());
    let lost = devices.due(at(301));
    hear(&devices, 302);
    let again = due(&devices, 302);
    assert_eq!(
        (lost.rows.len(), again.len()),
        (2, 3),
        "that it was gone, that it is back, and the row"
    );
    assert!(device_rows(&again)[0].is_active);
    assert!(due(&devices, 303).is_empty());
    let withheld = devices.status_event(&id(), false, at(304));
    assert!(withheld.is_some() && devices.status_event(&id(), false, at(305)).is_some());
}

#[test]
fn a_change_while_a_row_is_written_makes_another() {
    let devices = devices();
    hear(&devices, 0);
    devices.looked_up(&[id()]);
    let first = devices.due(at(0));
    status(&devices, false, 1);
    devices.written(first);
    assert!(!device_rows(&due(&devices, 2))[0].is_active);
}

#[test]
fn invented_ids_do_not_fill_the_memory() {
    let devices = devices();
    for name in ["a", "b", "c", "d"] {
        let reading = Reading::new(DeviceId::parse(name).unwrap(), Quantity::Humidity, 50.0, at(0));
        devices.reading(&reading.unwrap(), &Heard::at(at(0)));
    }
    assert_eq!(devices.snapshot().len(), 2);
}

#[test]
fn what_was_stored_is_shown_after_a_restart_unless_newer_is_known() {
    let devices = devices();
    let row = |name: &str| DeviceRow {
        device_id: name.into(),
        name: name.into(),
        location: String::new(),
        registered_at: 0,
        last_seen: at(0).as_millis(),
        is_active: true,
        config: "{}".into(),
        revision: 0,
    };
    devices.restore(&[row("room-1")]);
    hear(&devices, 100);
    let reading =
        |quantity, value, second| Reading::new(id(), quantity, value, at(second)).expect("a possible value");
    devices.restore_readings(&[
        reading(Quantity::Temperature, 5.0, 50),
        reading(Quantity::Humidity, 45.0, 50),
    ]);
    let action = store::LatestAction {
        device_id: "room-1".into(),
        timestamp: at(50).as_millis(),
        command_id: "c-1".into(),
        position: 40.0,
        confidence: 0.9,
        model_version: "v1".into(),
        reason: String::new(),
        contributions: (31.0, 8.0, 0.5, 0.5),
        verdict: "moved".into(),
        origin: "schedule".into(),
    };
    let stranger = store::LatestAction {
        device_id: "room-2".into(),
        ..action.clone()
    };
    let cause = |_: &domain::DeviceId, command_id: &str| (command_id == "c-1").then(|| "night".to_owned());
    devices.restore_actions(vec![action.clone(), stranger], cause);
    let view = &devices.snapshot()[&id()];
    assert_eq!(view.readings[&Quantity::Temperature].value, 20.0);
    assert_eq!(view.readings[&Quantity::Humidity].value, 45.0);
    let command = view.command.as_ref().unwrap();
    assert_eq!((command.position, command.reason.as_deref()), (40.0, None));
    let parts = command.contributions.expect("they were stored");
    assert_eq!((parts.temperature, command.verdict.as_str()), (8.0, "moved"));
    assert_eq!(
        (&command.origin[..], command.cause.as_deref()),
        ("schedule", Some("night"))
    );
    assert_eq!(devices.count(), (1, 1), "a command registers nobody");
    // What the last run left in the log comes later, and is newer.
    let rain = store::LatestAction {
        timestamp: at(60).as_millis(),
        command_id: String::new(),
        position: 0.0,
        reason: "it rains".into(),
        origin: "interlock".into(),
        ..action.clone()
    };
    devices.restore_actions(vec![rain], |_, _| None);
    devices.restore_actions(vec![action], |_, _| None);
    let command = devices.snapshot()[&id()].command.clone().unwrap();
    assert_eq!(
        (command.position, &command.origin[..], command.cause.as_deref()),
        (0.0, "interlock", Some("rain"))
    );
}

#[test]
fn history_is_shown_where_it_is_newer_and_nobody_is_seen_by_it() {
    let devices = devices();
    let state = |second, percent| {
        Event::State(WindowState {
            device_id: id(),
            timestamp: at(second),
            position: domain::Position::new(percent).unwrap(),
            target: None,
            command_id: None,
        })
    };
    devices.remember(&state(500, 10.0));
    assert_eq!(devices.count().0, 0, "history registers nobody");
    hear(&devices, 0);
    for (second, percent, shown) in [(500, 10.0, 10.0), (400, 20.0, 10.0), (600, 30.0, 30.0)] {
        devices.remember(&state(second, percent));
        let view = devices.get(&id()).unwrap();
        assert_eq!((view.window.unwrap().value, view.last_seen), (shown, Some(at(0))));
    }
    let stored = store::LatestState {
        device_id: "room-1".into(),
        timestamp: at(550).as_millis(),
        position: 99.0,
    };
    devices.restore_states(&[stored]);
    assert_eq!(devices.get(&id()).unwrap().window.unwrap().value, 30.0);
}

#[test]
fn a_restart_finds_who_fell_silent_meanwhile_and_tells_it_once() {
    let devices = devices();
    let row = |name: &str, seen, is_active| DeviceRow {
        device_id: name.into(),
        name: name.into(),
        location: String::new(),
        registered_at: 0,
        last_seen: at(seen).as_millis(),
        is_active,
        config: "{}".into(),
        revision: 1,
    };
    devices.restore(&[row("room-1", -3_600, true), row("room-2", -3_600, false)]);
    assert!(due(&devices, 0).is_empty(), "they may be heard of at once");
    let events = |rows: &[Row]| -> Vec<(String, String)> {
        let event = |row: &Row| match row {
            Row::DeviceEvent(row) => Some((row.device_id.clone(), row.event.clone())),
            _ => None,
        };
        rows.iter().filter_map(event).collect()
    };
    let rows = due(&devices, 20);
    assert_eq!(events(&rows), [("room-1".into(), "inactive".into())]);
    assert_eq!(devices.get(&id()).unwrap().health.state, Presence::Offline);
    assert!(due(&devices, 40).is_empty());
    hear(&devices, 50);
    assert_eq!(events(&due(&devices, 50)), [("room-1".into(), "online".into())]);
}

#[test]
fn a_connection_that_is_lost_is_told_and_a_device_that_flaps_is_bounded() {
    let devices = devices();
    hear(&devices, 0);
    due(&devices, 0);
    devices.disconnected(&id(), "its connection to the broker was lost", at(1));
    let rows = due(&devices, 2);
    assert!(
        matches!(&rows[0], Row::DeviceEvent(row) if row.event == "offline" && row.detail.contains("lost"))
    );
    let health = devices.get(&id()).unwrap().health;
    assert_eq!((health.state, health.since), (Presence::Offline, Some(at(1))));
    assert!(devices.connected(&id()));
    let mut events = 0;
    for second in 3..200 {
        if second % 2 == 0 {
            devices.disconnected(&id(), "its connection to the broker was lost", at(second));
        } else {
            hear(&devices, second);
        }
        let rows = due(&devices, second);
        events += rows
            .iter()
            .filter(|row| matches!(row, Row::DeviceEvent(_)))
            .count();
    }
    assert!(events < 50, "{events}");
}
