//! What devices say of themselves, the time that they are told, and decisions that old readings do not make.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use backend::{Acceptance, DeviceView};
use domain::DeviceId;
use serde_json::Value;
use store::{Row, Table};
use support::{Bench, NOON};

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

fn view(bench: &Bench, device_id: &str) -> DeviceView {
    bench.backend.devices().get(&id(device_id)).unwrap()
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

#[tokio::test(start_paused = true)]
async fn telemetry_is_stored_and_shown_and_the_time_is_told() {
    let bench = Bench::start();
    let telemetry = r#"{"battery_v": 3.9, "rssi_dbm": -67}"#;
    bench.send("device/room-1/telemetry", telemetry).await;
    bench
        .send("device/room-1/telemetry", r#"{"battery_v": 3.8}"#)
        .await;
    let shown = view(&bench, "room-1").telemetry.unwrap();
    assert_eq!((shown.battery_v, shown.rssi_dbm), (Some(3.8), Some(-67.0)));
    bench
        .until("stored", |bench| bench.tables.count(Table::DeviceTelemetry) == 2)
        .await;
    for _ in 0..5 {
        assert_eq!(
            bench.send("device/room-1/time/get", "").await,
            Acceptance::Ignored
        );
    }
    bench
        .until("told", |bench| told(bench, "device/room-1/time").is_some())
        .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let times = bench
        .outlet
        .told
        .lock()
        .iter()
        .filter(|(topic, ..)| topic.ends_with("/time"))
        .count();
    assert_eq!(times, 1, "once a second");
    let time: Value = serde_json::from_str(&told(&bench, "device/room-1/time").unwrap()).unwrap();
    assert!(time["unix_ms"].as_i64().unwrap() > NOON && time["time"].is_string());
    bench.send("device/room-2/status", "online").await;
    bench
        .until("told at its birth", |bench| {
            told(bench, "device/room-2/time").is_some()
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_on_stale_input_is_withheld_and_says_so() {
    let bench = Bench::start();
    let asked = |bench: &Bench| bench.outlet.sent.lock().len();
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench.until("asked", |bench| asked(bench) == 1).await;
    tokio::time::sleep(Duration::from_mins(6)).await;
    bench.reading("room-1", "temperature", 1, 25.0).await;
    bench
        .until("withheld", |bench| view(bench, "room-1").withheld.is_some())
        .await;
    let reason = view(&bench, "room-1").withheld.unwrap().reason;
    assert!(reason.starts_with("humidity is 6 min old"), "{reason}");
    assert_eq!((asked(&bench), bench.metric("decisions_withheld_total")), (1, 1));
    bench
        .until("an event", |bench| {
            events(bench).contains(&("withheld".into(), reason.clone()))
        })
        .await;
    bench.reading("room-1", "humidity", 1, 50.0).await;
    bench.until("asked again", |bench| asked(bench) == 2).await;
    bench
        .until("over", |bench| view(bench, "room-1").withheld.is_none())
        .await;
}
