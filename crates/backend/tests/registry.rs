//! What people set up for devices: it takes effect at once, reaches the device, is answered, and lasts.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{sync::Arc, time::Duration};

use backend::{Acceptance, Delivery, DeviceView, Happening, Passage, Presence};
use domain::{DeviceId, Quantity, RefusalReason, Settings};
use registry::{Patch, Registry};
use serde_json::{Value, json};
use store::{DeviceRow, Row, Table};
use support::{Bench, NOON, reading};

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

fn view(bench: &Bench, device_id: &str) -> DeviceView {
    bench.backend.devices().get(&id(device_id)).unwrap()
}

async fn patch(bench: &Bench, device_id: &str, patch: Patch) {
    let (registry, id) = (Arc::clone(bench.backend.views().registry()), id(device_id));
    registry
        .change(move |book| book.patch(&id, patch, None).map(drop))
        .await
        .unwrap();
}

async fn set(bench: &Bench, device_id: &str, settings: Value) {
    let settings = Patch {
        settings: Some(serde_json::from_value(settings).unwrap()),
        ..Patch::default()
    };
    patch(bench, device_id, settings).await;
}

/// What a device was told last on a topic of its own.
fn told(bench: &Bench, topic: &str) -> Option<String> {
    let told = bench.outlet.told.lock();
    let last = told.iter().rev().find(|(to, ..)| to == topic);
    last.map(|(_, payload, _)| payload.clone())
}

fn events(bench: &Bench) -> Vec<(String, String)> {
    let event = |row: &Row| match row {
        Row::DeviceEvent(row) => Some((row.event.clone(), row.detail.clone())),
        _ => None,
    };
    bench.tables.rows().iter().filter_map(event).collect()
}

fn offsets(bench: &Bench) -> Vec<(f64, f64)> {
    let offset = |row: &Row| match row {
        Row::Reading(_, row) => Some((row.value, row.offset)),
        _ => None,
    };
    bench.tables.rows().iter().filter_map(offset).collect()
}

async fn answer(bench: &Bench, version: u64, rest: &str) {
    let payload = format!(r#"{{"version": {version}, {rest}}}"#);
    assert_eq!(
        bench.send("device/room-1/config/ack", &payload).await,
        Acceptance::Stored
    );
}

#[tokio::test(start_paused = true)]
async fn settings_reach_the_device_and_its_answer_is_shown_and_lasts() {
    let registry = Registry::in_memory();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, Arc::clone(&registry));
    bench.reading("room-1", "temperature", 0, 20.0).await;
    assert_eq!(view(&bench, "room-1").settings.state, Delivery::None);
    assert_eq!(told(&bench, "device/room-1/config"), None, "nothing was ever set");
    set(&bench, "room-1", json!({"report_interval_s": 30})).await;
    bench
        .until("sent", |bench| told(bench, "device/room-1/config").is_some())
        .await;
    let sent: Value = serde_json::from_str(&told(&bench, "device/room-1/config").unwrap()).unwrap();
    assert_eq!(
        sent,
        json!({"version": 1, "settings": {"report_interval_s": 30.0}})
    );
    assert!(bench.outlet.told.lock()[0].2, "retained");
    bench
        .until("pending", |bench| {
            view(bench, "room-1").settings.state == Delivery::Pending
        })
        .await;
    answer(&bench, 1, r#""status": "refused", "reason": "no sleep""#).await;
    let state = view(&bench, "room-1").settings;
    assert_eq!(
        (state.state, state.reason.as_deref()),
        (Delivery::Refused, Some("no sleep"))
    );
    // The same again says nothing new; a device in a loop fills no table.
    for _ in 0..20 {
        answer(&bench, 1, r#""status": "refused", "reason": "no sleep""#).await;
        answer(&bench, 1, r#""status": "applied""#).await;
    }
    let last = view(&bench, "room-1").settings;
    assert_eq!((last.version, last.state), (1, Delivery::Applied));
    set(&bench, "room-1", json!({"report_interval_s": 60})).await;
    answer(&bench, 1, r#""status": "applied""#).await;
    assert_eq!(
        view(&bench, "room-1").settings.state,
        Delivery::Pending,
        "of before"
    );
    answer(&bench, 2, r#""status": "applied""#).await;
    bench
        .until("stored", |bench| {
            events(bench).contains(&("config_applied".into(), "version 2".into()))
        })
        .await;
    let answers = events(&bench)
        .iter()
        .filter(|(event, _)| event.starts_with("config_"))
        .count();
    assert_eq!(answers, 8 + 1);
    let tables = Arc::clone(&bench.tables);
    bench.stop().await;

    let bench = Bench::with_registry(Arc::default(), tables, 100, registry);
    bench
        .until("restored", |bench| {
            let view = bench.backend.devices().get(&id("room-1"));
            view.is_some_and(|view| view.settings.state == Delivery::Applied)
        })
        .await;
    assert_eq!(view(&bench, "room-1").settings.version, 2);
    bench
        .until("sent again", |bench| {
            told(bench, "device/room-1/config").is_some()
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_threshold_of_a_group_takes_effect_at_the_next_reading() {
    let bench = Bench::start();
    let asked = |bench: &Bench| bench.outlet.sent.lock().len();
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench.until("asked first", |bench| asked(bench) == 1).await;
    let place = Patch {
        location: Some("North".into()),
        ..Patch::default()
    };
    patch(&bench, "room-1", place).await;
    let registry = Arc::clone(bench.backend.views().registry());
    let settings: Settings =
        serde_json::from_value(json!({"thresholds": {"temperature": 5.0, "co2": 100.0}})).unwrap();
    registry
        .change(move |book| book.set_group("North", settings, None).map(drop))
        .await
        .unwrap();
    bench.reading("room-1", "temperature", 1, 24.0).await;
    bench.reading("room-1", "co2", 1, 500.0).await;
    bench.reading("room-1", "co2", 2, 650.0).await;
    bench.until("by CO2", |bench| asked(bench) == 2).await;
    bench.reading("room-1", "temperature", 3, 30.0).await;
    bench.until("by its own", |bench| asked(bench) == 3).await;
    assert_eq!(bench.outlet.sent.lock()[2]["temperature"], 30.0);
}

#[tokio::test(start_paused = true)]
async fn a_reading_is_corrected_on_its_way_in_and_its_raw_value_stays() {
    let bench = Bench::start();
    set(&bench, "room-1", json!({"calibration": {"temperature": -1.5}})).await;
    bench.reading("room-1", "temperature", 0, 21.5).await;
    bench.reading("room-2", "temperature", 0, 21.5).await;
    bench.until("stored", |bench| offsets(bench).len() == 2).await;
    assert_eq!(offsets(&bench), [(20.0, -1.5), (21.5, 0.0)]);
    assert_eq!(
        view(&bench, "room-1").readings[&Quantity::Temperature].value,
        20.0
    );
}

#[tokio::test(start_paused = true)]
async fn messages_without_a_time_are_taken_where_that_is_allowed() {
    let bench = Bench::start();
    let undated = r#"{"value": 21.5}"#;
    assert_eq!(
        bench.send("sensor/room-1/temperature", undated).await,
        Acceptance::Refused(RefusalReason::MissingField)
    );
    set(&bench, "room-1", json!({"timestamps": "optional"})).await;
    let marked = Passage {
        is_marked: true,
        ..Passage::default()
    };
    for (second, passage, outcome) in [
        (10.0, Passage::default(), Acceptance::Stored),
        (20.0, Passage::default(), Acceptance::Stored),
        (20.0, Passage::default(), Acceptance::Stored),
        (21.0, marked, Acceptance::Duplicate),
    ] {
        let accepted = bench
            .send_at(second, passage, "sensor/room-1/temperature", undated)
            .await;
        assert_eq!(accepted, outcome, "{second}");
    }
    bench
        .until("stored", |bench| {
            bench.tables.count(Table::Sensor(Quantity::Temperature)) == 3
        })
        .await;
    let view = view(&bench, "room-1");
    assert!(view.clock.is_none());
    assert_eq!(
        view.readings[&Quantity::Temperature].timestamp.as_millis(),
        NOON + 20_000
    );
    assert_eq!(view.health.duplicates, 0, "counted at the next look");
    // A time that is stated is believed as always.
    assert_eq!(
        bench.send("sensor/room-1/temperature", &reading(30, 21.5)).await,
        Acceptance::Stored
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_retired_is_stored_and_not_decided_for() {
    let bench = Bench::start();
    bench.reading("room-1", "temperature", 0, 20.0).await;
    let retired = Patch {
        retired: Some(true),
        ..Patch::default()
    };
    patch(&bench, "room-1", retired).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench.reading("room-1", "temperature", 1, 30.0).await;
    bench
        .until("stored", |bench| {
            bench.tables.count(Table::Sensor(Quantity::Temperature)) == 2
        })
        .await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(bench.outlet.sent.lock().is_empty());
    let shown = view(&bench, "room-1");
    assert!(shown.retired && !shown.is_active);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_set_up_and_never_heard_of_is_shown() {
    let bench = Bench::start();
    let named = Patch {
        name: Some("Attic".into()),
        location: Some("Roof".into()),
        ..Patch::default()
    };
    patch(&bench, "room-9", named).await;
    bench
        .until("shown", |bench| {
            bench.backend.devices().get(&id("room-9")).is_some()
        })
        .await;
    let shown = view(&bench, "room-9");
    assert_eq!((shown.name.as_str(), shown.location.as_str()), ("Attic", "Roof"));
    assert_eq!((shown.health.state, shown.last_seen), (Presence::NeverSeen, None));
    assert!(!shown.is_active);
    bench.reading("room-9", "temperature", 0, 20.0).await;
    let shown = view(&bench, "room-9");
    assert_eq!((shown.health.state, shown.is_active), (Presence::Online, true));
    let since = bench.backend.views().feed().since(0, 100);
    assert!(
        since
            .events
            .iter()
            .any(|event| matches!(event.happening, Happening::Registry { revision: 1 }))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_from_table_and_broker_and_comes_back_as_new() {
    let registry = Registry::in_memory();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, Arc::clone(&registry));
    bench.reading("room-1", "temperature", 0, 20.0).await;
    set(&bench, "room-1", json!({"report_interval_s": 30})).await;
    bench
        .until("a row and settings", |bench| {
            bench.tables.count(Table::DeviceRegistry) > 0 && told(bench, "device/room-1/config").is_some()
        })
        .await;
    assert!(bench.backend.views().forget(&id("room-1")).await.unwrap());
    assert!(!bench.backend.views().forget(&id("room-1")).await.unwrap());
    assert!(bench.backend.devices().get(&id("room-1")).is_none());
    bench
        .until("gone", |bench| {
            bench.tables.count(Table::DeviceRegistry) == 0
                && told(bench, "device/room-1/config").as_deref() == Some("")
        })
        .await;
    assert_eq!(
        bench.tables.count(Table::Sensor(Quantity::Temperature)),
        1,
        "history stays"
    );
    let tables = Arc::clone(&bench.tables);
    bench.stop().await;
    // A row that waited in the journal when it was forgotten is stored after the restart.
    tables.put(Row::Device(DeviceRow {
        device_id: "room-1".into(),
        name: "room-1".into(),
        location: String::new(),
        registered_at: NOON,
        last_seen: NOON,
        is_active: true,
        config: "{}".into(),
        revision: 1,
    }));
    let bench = Bench::with_registry(Arc::default(), tables, 100, registry);
    bench
        .until("gone again", |bench| {
            bench.tables.count(Table::DeviceRegistry) == 0
        })
        .await;
    assert!(bench.backend.devices().get(&id("room-1")).is_none());
}

#[tokio::test(start_paused = true)]
async fn another_programs_row_is_taken_over_and_ours_is_not() {
    let registry = Registry::in_memory();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, Arc::clone(&registry));
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench
        .until("a row", |bench| bench.tables.count(Table::DeviceRegistry) > 0)
        .await;
    let row = |name: &str, last_seen, revision| {
        Row::Device(DeviceRow {
            device_id: "room-1".into(),
            name: name.into(),
            location: "Hall".into(),
            registered_at: NOON,
            last_seen,
            is_active: true,
            config: r#"{"temperature_threshold": 3, "colour": "red"}"#.into(),
            revision,
        })
    };
    bench.tables.put(row("Theirs", NOON + 5_000, 0));
    bench
        .until("taken over", |bench| view(bench, "room-1").name == "Theirs")
        .await;
    let entry = registry.book().device(&id("room-1")).cloned().unwrap();
    assert_eq!(
        (
            entry.location.as_str(),
            entry.settings.thresholds[&Quantity::Temperature]
        ),
        ("Hall", 3.0)
    );
    // Ours comes back with its text and a later version.
    bench
        .until("written back", |bench| {
            let ours = |row: &Row| matches!(row, Row::Device(row) if row.revision >= 1 && row.last_seen > NOON + 5_000 && row.name == "Theirs" && row.config.contains("colour"));
            bench.tables.rows().iter().any(ours)
        })
        .await;
    let renamed = Patch {
        name: Some("Ours".into()),
        ..Patch::default()
    };
    patch(&bench, "room-1", renamed).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(view(&bench, "room-1").name, "Ours");
}

#[tokio::test(start_paused = true)]
async fn it_is_not_ready_before_it_knows_which_devices_there_are() {
    let tables = Arc::<support::MemoryTables>::default();
    tables.set_away(true);
    let bench = Bench::around(Arc::default(), Arc::clone(&tables));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let reason = bench.reason("registry").unwrap();
    assert!(reason.contains("not read yet"), "{reason}");
    let parts = bench.health().parts;
    let registry = parts.iter().find(|part| part.name == "registry").unwrap();
    assert_eq!(registry.state, monitoring::State::Down);
    tables.set_away(false);
    bench
        .until("the devices are read", |bench| bench.reason("registry").is_none())
        .await;
    // Who has asked for the devices already is told to ask again.
    let events = bench.backend.views().feed().since(0, 10).events;
    let registry = events
        .iter()
        .filter(|event| matches!(event.happening, Happening::Registry { .. }));
    assert_eq!(registry.count(), 1);
}
