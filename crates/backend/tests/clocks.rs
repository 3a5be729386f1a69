//! Times that cannot be right, messages that are sent again, and what was there before: through the door, into rows.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use backend::{Acceptance, Passage};
use domain::{DeviceId, Quantity, RefusalReason};
use serde_json::Value;
use store::{ReadingRow, Row, WindowStateRow};
use support::{Bench, NOON, reading};

const LIVE: Passage = Passage {
    connection: 0,
    is_marked: false,
    may_be_resent: false,
    has_waited: false,
    is_history: false,
    may_clear: false,
};
const MARKED: Passage = Passage {
    is_marked: true,
    ..LIVE
};
const RETAINED: Passage = Passage {
    is_history: true,
    ..LIVE
};
/// What a device without a time, or with a wrong one, states.
const WRONG_TIMES: [&str; 6] = [
    "1970-01-01T00:00:05Z",
    "0001-01-01T00:00:00Z",
    "1900-01-01T00:00:00Z",
    "2036-02-07T06:28:16Z",
    "2106-02-07T06:28:15Z",
    "9999-12-30T00:00:00Z",
];

/// Topic and payload of each kind of message that states a time, with the table's content.
fn messages(device: &str, content: f64, timestamp: &str) -> Vec<(String, String)> {
    let used = r#""features_used": {"temperature": 20, "humidity": 50}"#;
    let position = format!(r#""timestamp": "{timestamp}", "position": {content}"#);
    vec![
        (
            format!("sensor/{device}/temperature"),
            format!(r#"{{"value": {content}, "timestamp": "{timestamp}"}}"#),
        ),
        (format!("window/{device}/state"), format!("{{{position}}}")),
        (
            format!("window/{device}/control"),
            format!(r#"{{{position}, "confidence": 1, {used}}}"#),
        ),
        (
            format!("ml/prediction/shadow/{device}"),
            format!(r#"{{{position}, "confidence": 1, "model_version": "v2"}}"#),
        ),
    ]
}

/// Table, time since noon in ms and content of every row that states a time; a command's own prediction is left out.
fn stored(bench: &Bench) -> Vec<(&'static str, i64, f64)> {
    let row = |row: Row| {
        Some(match row {
            Row::Reading(_, row) => ("reading", row.timestamp - NOON, row.value),
            Row::WindowState(row) => ("state", row.timestamp - NOON, row.position),
            Row::WindowAction(row) => ("action", row.timestamp - NOON, row.position),
            Row::MlPrediction(row) if row.model_version == "v2" => {
                ("shadow", row.timestamp - NOON, row.prediction)
            }
            _ => return None,
        })
    };
    bench.tables.rows().into_iter().filter_map(row).collect()
}

async fn settled(bench: &Bench) {
    bench.backend.ready().await;
    bench.until("stored", |bench| bench.log.records() == 0).await;
}

fn requests(bench: &Bench) -> Vec<Value> {
    bench.outlet.sent.lock().clone()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_time_of_any_kind_is_the_time_of_receipt_and_hides_nothing() {
    for wrong in WRONG_TIMES {
        let bench = Bench::start();
        // The same time again and again, and what was said first is said again at last.
        for (second, content) in [10.0, 50.0, 10.0].into_iter().enumerate() {
            for (topic, payload) in messages("w", content, wrong) {
                let acceptance = bench.send_at(second as f64, LIVE, &topic, &payload).await;
                assert_eq!(acceptance, Acceptance::Stored, "{wrong} {topic} {second}");
            }
        }
        // Sent again, it is the same.
        for (topic, payload) in messages("w", 50.0, wrong) {
            let acceptance = bench.send_at(3.0, MARKED, &topic, &payload).await;
            assert_eq!(acceptance, Acceptance::Duplicate, "{wrong} {topic}");
        }
        let id = DeviceId::parse("w").unwrap();
        let view = bench.backend.devices().get(&id).unwrap();
        assert_eq!(view.window.unwrap().value, 10.0, "{wrong}");
        assert_eq!(view.command.unwrap().position, 10.0, "{wrong}");
        let clock = view.clock.unwrap();
        assert!(["unset", "ahead"].contains(&clock.state), "{clock:?}");
        assert_eq!(clock.stamp.to_string(), wrong);
        // The clock is set: nothing earlier hides it.
        for (topic, payload) in messages("w", 30.0, "2025-10-24T12:00:03Z") {
            bench.send_at(3.5, LIVE, &topic, &payload).await;
        }
        let view = bench.backend.devices().get(&id).unwrap();
        assert_eq!((view.window.unwrap().value, view.clock), (30.0, None));
        assert_eq!(view.command.unwrap().position, 30.0);
        settled(&bench).await;
        for table in ["reading", "state", "action", "shadow"] {
            let rows: Vec<_> = stored(&bench).into_iter().filter(|row| row.0 == table).collect();
            let expected = [(0, 10.0), (1_000, 50.0), (2_000, 10.0), (3_000, 30.0)];
            assert_eq!(
                rows,
                expected.map(|(at, content)| (table, at, content)),
                "{wrong}"
            );
        }
        let told = bench.tables.rows().into_iter().find_map(|row| match row {
            Row::DeviceEvent(row) if row.event.starts_with("clock_") => Some(row.detail),
            _ => None,
        });
        assert!(told.unwrap().contains(wrong), "the stamp can be read again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_loses_nothing_and_decides() {
    for interval in [0.1, 5.0] {
        let bench = Bench::start();
        bench.backend.ready().await;
        for n in 0..30_u32 {
            let received = f64::from(n) * interval;
            let value = 20.0 + f64::from(n % 10) * 1.2;
            for (device, quantity, value) in [
                ("stuck", "temperature", value),
                ("stuck", "humidity", 50.0 + f64::from(n % 10) * 3.0),
                ("constant", "temperature", 21.5),
            ] {
                let topic = format!("sensor/{device}/{quantity}");
                let payload = reading(-1_800, value);
                bench.send_at(received, LIVE, &topic, &payload).await;
            }
            bench
                .until("asked", |bench| requests(bench).len() as u32 > n)
                .await;
        }
        settled(&bench).await;
        let mut times = BTreeSet::new();
        for row in bench.tables.rows() {
            if let Row::Reading(Quantity::Temperature, row) = row {
                times.insert((row.device_id, row.timestamp));
            }
        }
        assert_eq!(times.len(), 60, "thirty of each, at different times");
        for name in ["stuck", "constant"] {
            let view = bench
                .backend
                .devices()
                .get(&DeviceId::parse(name).unwrap())
                .unwrap();
            assert_eq!(view.clock.unwrap().state, "standing");
        }
        let events = bench.tables.rows().into_iter();
        let standing =
            events.filter(|row| matches!(row, Row::DeviceEvent(row) if row.event == "clock_standing"));
        assert_eq!(standing.count(), 3, "once for each series");
        assert!(bench.metric(r#"clocks_total{kind="standing",message="temperature"}"#) > 40);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_behind_after_it_was_unset_decides_again() {
    let bench = Bench::start();
    bench.backend.ready().await;
    for quantity in ["temperature", "humidity"] {
        let unset = r#"{"value": 20, "timestamp": "1970-01-01T00:00:05Z"}"#;
        bench
            .send_at(0.0, LIVE, &format!("sensor/a/{quantity}"), unset)
            .await;
    }
    bench.until("asked", |bench| requests(bench).len() == 1).await;
    for minute in 1..=5 {
        let payload = reading((minute - 120) * 60, 20.0 + minute as f64);
        let received = minute as f64 * 60.0;
        bench
            .send_at(received, LIVE, "sensor/a/temperature", &payload)
            .await;
    }
    bench
        .until("asked again", |bench| requests(bench).len() > 1)
        .await;
    assert_eq!(requests(&bench).last().unwrap()["temperature"], 25.0);
    settled(&bench).await;
    let times: Vec<_> = stored(&bench).iter().map(|row| row.1).collect();
    assert_eq!(times[2], -119 * 60_000, "its own time is stored");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_sends_again_is_stored_once() {
    let bench = Bench::start();
    let (mut received, mut sent) = (0.0, 0);
    for second in 0..50 {
        for again in (0..=second % 3).rev() {
            received += 0.7;
            let payload = reading(second - again, 20.0);
            bench
                .send_at(received, LIVE, "sensor/room-1/temperature", &payload)
                .await;
        }
        sent += 1;
    }
    settled(&bench).await;
    assert_eq!(bench.tables.values(Quantity::Temperature).len(), sent);
    assert!(bench.metric("duplicates_total") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_command_id_names_its_command_at_any_time() {
    let bench = Bench::start();
    for (second, timestamp) in ["1970-01-01T00:00:05Z", "1970-01-01T00:00:05Z"]
        .iter()
        .enumerate()
    {
        let payload = format!(
            r#"{{"timestamp": "{timestamp}", "position": 40, "confidence": 1, "command_id": "c-1",
               "features_used": {{"temperature": 21, "humidity": 50}}}}"#
        );
        let acceptance = bench
            .send_at(second as f64, LIVE, "window/room-1/control", &payload)
            .await;
        let expected = [Acceptance::Stored, Acceptance::Duplicate][second];
        assert_eq!(acceptance, expected);
    }
}

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
