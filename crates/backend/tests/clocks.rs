//! Times that cannot be right, and messages that are sent again: through the door, into rows.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::collections::BTreeSet;

use backend::{Acceptance, Passage};
use domain::{DeviceId, Quantity};
use store::Row;
use support::{
    Bench, reading,
    times::{LIVE, WRONG_TIMES, messages, requests, settled, stored},
};

const MARKED: Passage = Passage {
    is_marked: true,
    ..LIVE
};

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
