//! What the backend knows of devices: requests for them, their registration, what it shows.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use domain::{DeviceId, Quantity};
use serde_json::Value;
use store::{DeviceRow, ReadingRow, Row, Table};
use support::{Bench, MemoryTables, NOON};
use tower::ServiceExt as _;

async fn get(bench: &Bench, path: &str) -> (StatusCode, Value) {
    let router = bench.monitor.routes();
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test(start_paused = true)]
async fn significant_changes_become_requests_and_others_do_not() {
    let bench = Bench::start();
    let requests = |bench: &Bench| bench.outlet.sent.lock().len();
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench.until("the first", |bench| requests(bench) == 1).await;
    bench.reading("room-1", "temperature", 1, 20.4).await;
    // Stored and shown, but nothing is decided on them.
    for (quantity, value) in [
        ("co2", 2_000.0),
        ("rain", 80.0),
        ("wind", 30.0),
        ("pressure", 950.0),
    ] {
        bench.reading("room-1", quantity, 1, value).await;
    }
    bench.reading("room-1", "temperature", 2, 20.5).await;
    bench.until("the second", |bench| requests(bench) == 2).await;
    let request = bench.outlet.sent.lock()[1].clone();
    assert_eq!(
        (&request["temperature"], &request["humidity"]),
        (&20.5.into(), &50.0.into())
    );
    assert_eq!(bench.metric("inference_requests_total"), 2);
    assert_eq!(bench.metric(r#"triggers_total{kind="temperature"}"#), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_broker_only_the_newest_state_is_asked_for() {
    let bench = Bench::start();
    bench.outlet.connected.store(false, Ordering::Relaxed);
    for second in 0..10 {
        let value = 20.0 + second as f64;
        bench.reading("room-1", "temperature", second, value).await;
        bench.reading("room-1", "humidity", second, 50.0).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    bench.outlet.connected.store(true, Ordering::Relaxed);
    bench
        .until("asked", |bench| !bench.outlet.sent.lock().is_empty())
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let sent = bench.outlet.sent.lock().clone();
    assert_eq!((sent.len(), &sent[0]["temperature"]), (1, &29.0.into()));
}

#[tokio::test(start_paused = true)]
async fn a_device_is_registered_and_known_again_after_a_restart() {
    let bench = Bench::start();
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench
        .until("registered", |bench| {
            bench.tables.count(Table::DeviceRegistry) > 0
        })
        .await;
    let tables = Arc::clone(&bench.tables);
    bench.stop().await;
    // The newest readings of the last week are looked for.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    for (ago_ms, value) in [(60_000, 700.0), (1_000, 800.0), (30_000, 750.0)] {
        let row = ReadingRow {
            timestamp: now - ago_ms,
            device_id: "room-1".into(),
            value,
            received_at: now,
            offset: 0.0,
        };
        tables.put(Row::Reading(Quantity::Co2, row));
    }
    let bench = Bench::around(Arc::default(), tables);
    let id = DeviceId::parse("room-1").unwrap();
    bench
        .until("restored", |bench| {
            let view = bench.backend.devices().get(&id);
            view.is_some_and(|view| !view.readings.is_empty())
        })
        .await;
    let view = bench.backend.devices().get(&id).unwrap();
    assert_eq!(view.readings[&Quantity::Co2].value, 800.0);
    assert!(
        !view.readings.contains_key(&Quantity::Temperature),
        "older than a week"
    );
}

#[tokio::test(start_paused = true)]
async fn names_and_thresholds_of_the_table_take_effect_and_stay() {
    let tables = Arc::<MemoryTables>::default();
    tables.put(Row::Device(DeviceRow {
        device_id: "room-1".into(),
        name: "Kitchen".into(),
        location: "ground floor".into(),
        registered_at: NOON - 1,
        last_seen: NOON - 1,
        is_active: true,
        config: r#"{"temperature_threshold": 5}"#.into(),
        revision: 0,
    }));
    let bench = Bench::around(Arc::default(), tables);
    let id = DeviceId::parse("room-1").unwrap();
    bench
        .until("read", |bench| bench.backend.devices().get(&id).is_some())
        .await;
    bench.reading("room-1", "temperature", 0, 20.0).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench
        .until("the first", |bench| bench.outlet.sent.lock().len() == 1)
        .await;
    bench.reading("room-1", "temperature", 1, 24.0).await;
    bench.reading("room-1", "temperature", 2, 25.0).await;
    bench
        .until("by its own threshold", |bench| {
            bench.outlet.sent.lock().len() == 2
        })
        .await;
    assert_eq!(bench.outlet.sent.lock()[1]["temperature"], 25.0);
    bench
        .until("written again", |bench| {
            bench.tables.count(Table::DeviceRegistry) > 1
        })
        .await;
    let rows = bench.tables.rows();
    let newest = rows.iter().rev().find_map(|row| match row {
        Row::Device(row) => Some(row),
        _ => None,
    });
    let newest = newest.unwrap();
    assert_eq!(
        (newest.name.as_str(), newest.registered_at),
        ("Kitchen", NOON - 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_registry_beyond_the_limit_keeps_its_names() {
    let tables = Arc::<MemoryTables>::default();
    for (name, seen) in [("a", 3), ("b", 2), ("zz", 1)] {
        tables.put(Row::Device(DeviceRow {
            device_id: name.into(),
            name: format!("room {name}"),
            location: String::new(),
            registered_at: NOON - 10,
            last_seen: NOON - 10 + seen,
            is_active: true,
            config: r#"{"temperature_threshold": 3}"#.into(),
            revision: 0,
        }));
    }
    let bench = Bench::with_devices(Arc::default(), tables, 2);
    // Heard of before the registry was read, and not among those that the limit lets in.
    bench.reading("zz", "temperature", 0, 20.0).await;
    bench
        .until("written", |bench| {
            let rows = bench.tables.rows();
            let written =
                |row: &Row| matches!(row, Row::Device(row) if row.device_id == "zz" && row.last_seen > NOON);
            rows.iter().any(written)
        })
        .await;
    for row in bench.tables.rows() {
        if let Row::Device(row) = row {
            assert_eq!(row.name, format!("room {}", row.device_id));
            assert_eq!((row.registered_at, row.config.len()), (NOON - 10, 28));
        }
    }
    assert_eq!(bench.backend.devices().count().0, 2);
    assert!(bench.reason("devices").is_some(), "some are not shown");
}

#[tokio::test(start_paused = true)]
async fn ready_names_what_is_missing() {
    let bench = Bench::start();
    for path in ["/health", "/healthz"] {
        assert_eq!(get(&bench, path).await.0, StatusCode::OK);
    }
    bench
        .until("stored", |bench| bench.reason("clickhouse").is_none())
        .await;
    for path in ["/ready", "/readyz"] {
        let (status, health) = get(&bench, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(health["state"], "down");
        let broker = &health["parts"][0];
        assert_eq!(
            (&broker["name"], &broker["reason"]),
            (&"broker".into(), &"not connected yet".into())
        );
    }
}
