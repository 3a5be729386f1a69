//! What was there before: retained messages, backlogs after a restart, rows of the future.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{sync::Arc, time::Duration};

use backend::{Acceptance, Passage};
use domain::{DeviceId, Quantity, RefusalReason};
use store::{MlPredictionRow, ReadingRow, Row, WindowStateRow};
use support::{
    Bench, NOON, reading,
    times::{LIVE, WRONG_TIMES, messages, requests, settled, stored},
};

const RETAINED: Passage = Passage {
    is_history: true,
    ..LIVE
};

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_history() {
    let bench = Bench::start();
    let old = "2025-10-24T10:00:00Z";
    for start in 0..3 {
        for (topic, payload) in messages("r", 31.5, old) {
            let acceptance = bench.send_at(f64::from(start), RETAINED, &topic, &payload).await;
            let expected = [Acceptance::Stored, Acceptance::Duplicate][usize::from(start > 0)];
            assert_eq!(acceptance, expected, "{topic}");
        }
        let humidity = r#"{"value": 70, "timestamp": "2025-10-24T10:00:00Z"}"#;
        bench
            .send_at(f64::from(start), RETAINED, "sensor/r/humidity", humidity)
            .await;
        for wrong in WRONG_TIMES {
            for (topic, payload) in messages("u", 31.5, wrong) {
                let acceptance = bench.send_at(f64::from(start), RETAINED, &topic, &payload).await;
                assert_eq!(
                    acceptance,
                    Acceptance::Refused(RefusalReason::UnknownTime),
                    "{topic}"
                );
            }
        }
        bench
            .send_at(f64::from(start), RETAINED, "device/r/status", "online")
            .await;
    }
    settled(&bench).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(requests(&bench).is_empty(), "it moves nothing");
    assert_eq!(bench.backend.devices().count(), (0, 0), "nobody was seen");
    let mut rows = stored(&bench);
    rows.sort_by(|a, b| a.2.total_cmp(&b.2));
    let contents: Vec<_> = rows.iter().map(|row| (row.1, row.2)).collect();
    let at = |content| (-7_200_000, content);
    assert_eq!(contents, [31.5, 31.5, 31.5, 31.5, 70.0].map(at));
    assert_eq!(bench.metric(r#"refused_total{kind="unknown_time"}"#), 6 * 4 * 3);
    assert!(
        bench
            .tables
            .errors()
            .iter()
            .any(|(reason, _)| reason == "unknown_time")
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_new_only_where_the_database_does_not_know_it() {
    let tables = Arc::<support::MemoryTables>::default();
    // Stored so long ago that the log does not know it any more.
    tables.put(Row::WindowState(WindowStateRow {
        timestamp: NOON - 86_400_000,
        device_id: "r".into(),
        position: 40.0,
        received_at: NOON - 86_400_000,
    }));
    let bench = Bench::around(Arc::default(), tables);
    let state = |percent: u32| format!(r#"{{"timestamp": "2025-10-23T12:00:00Z", "position": {percent}}}"#);
    for (percent, expected) in [(40, Acceptance::Duplicate), (41, Acceptance::Stored)] {
        let acceptance = bench
            .send_at(0.0, RETAINED, "window/r/state", &state(percent))
            .await;
        assert_eq!(acceptance, expected);
    }
    // The same, live: it was stored as history, and is no repeat of what was live.
    assert_eq!(
        bench.send_at(1.0, LIVE, "window/r/state", &state(41)).await,
        Acceptance::Duplicate
    );
}

/// A backlog of half an hour: first old values far from what was known, then a current one near it.
async fn send_backlog(bench: &Bench, passage: Passage) {
    for minute in [31, 30, 29] {
        for (quantity, value) in [("temperature", 35.0), ("humidity", 90.0)] {
            let topic = format!("sensor/room-1/{quantity}");
            bench
                .send_at(
                    0.0,
                    passage,
                    &topic,
                    &reading(-minute * 60, value + minute as f64 / 100.0),
                )
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_backlog_moves_nothing_and_what_is_current_does() {
    let waited = Passage {
        has_waited: true,
        ..LIVE
    };
    for (is_known, is_away, passage) in [
        (true, false, LIVE),
        (true, true, LIVE),
        (false, true, LIVE),
        (false, false, waited),
    ] {
        let case = format!("known: {is_known}, away: {is_away}");
        let tables = Arc::<support::MemoryTables>::default();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
        if is_known {
            for (quantity, value) in [(Quantity::Temperature, 20.5), (Quantity::Humidity, 50.0)] {
                let row = ReadingRow {
                    timestamp: now - 3_600_000,
                    device_id: "room-1".into(),
                    value,
                    received_at: now - 3_600_000,
                    offset: 0.0,
                };
                tables.put(Row::Reading(quantity, row));
            }
        }
        tables.set_away(is_away);
        let bench = Bench::around(Arc::default(), Arc::clone(&tables));
        send_backlog(&bench, passage).await;
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert!(requests(&bench).is_empty(), "{case}");
        // The baseline's time is the machine's, which is far ahead of the test's noon.
        if is_known && !is_away {
            continue;
        }
        for (quantity, value) in [("temperature", 27.0), ("humidity", 60.0)] {
            bench.reading("room-1", quantity, 1, value).await;
        }
        bench.until("asked", |bench| !requests(bench).is_empty()).await;
        assert_eq!(requests(&bench).last().unwrap()["temperature"], 27.0, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_and_not_decided_on_before_a_start_is_asked_about() {
    let tables = Arc::<support::MemoryTables>::default();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    for (device_id, decided) in [("owed", 20.0), ("done", 25.0), ("gone", 20.0)] {
        for (quantity, value) in [(Quantity::Temperature, 25.0), (Quantity::Humidity, 50.0)] {
            tables.put(Row::Reading(
                quantity,
                ReadingRow {
                    timestamp: now - 2_000,
                    device_id: device_id.into(),
                    value,
                    received_at: now - 2_000,
                    offset: 0.0,
                },
            ));
        }
        tables.put(Row::MlPrediction(MlPredictionRow {
            timestamp: now - 60_000,
            device_id: device_id.into(),
            held: true,
            temperature: decided,
            humidity: 50.0,
            ..MlPredictionRow::default()
        }));
    }
    // What is stored of a device that was forgotten is nobody's.
    let registry = registry::Registry::in_memory();
    let gone = DeviceId::parse("gone").unwrap();
    registry
        .change(move |book| {
            book.forget(&gone, now);
            Ok(())
        })
        .await
        .unwrap();
    let bench = Bench::with_registry(Arc::default(), tables, 100, registry);
    bench.until("asked", |bench| !requests(bench).is_empty()).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let asked = requests(&bench);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        (&asked[0]["device_id"], &asked[0]["temperature"]),
        (&serde_json::json!("owed"), &serde_json::json!(25.0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_of_the_future_is_not_the_latest_after_a_restart() {
    let tables = Arc::<support::MemoryTables>::default();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    tables.put(Row::Device(store::DeviceRow {
        device_id: "w".into(),
        name: "w".into(),
        location: String::new(),
        registered_at: now,
        last_seen: now,
        is_active: true,
        config: "{}".into(),
        revision: 0,
    }));
    for (timestamp, content) in [(now - 2_000, 10.0), (now - 1_000, 20.0), (now + 86_400_000, 99.0)] {
        let device_id = || "w".to_owned();
        tables.put(Row::WindowState(WindowStateRow {
            timestamp,
            device_id: device_id(),
            position: content,
            received_at: now,
        }));
        let row = ReadingRow {
            timestamp,
            device_id: device_id(),
            value: content,
            received_at: now,
            offset: 0.0,
        };
        tables.put(Row::Reading(Quantity::Temperature, row));
    }
    let bench = Bench::around(Arc::default(), tables);
    bench.backend.ready().await;
    let id = DeviceId::parse("w").unwrap();
    let view = bench.backend.devices().get(&id).unwrap();
    assert_eq!(view.window.unwrap().value, 20.0);
    assert_eq!(view.readings[&Quantity::Temperature].value, 20.0);
}
