//! What devices send that is almost right, and what their sensors invent: listed, shown, and deciding nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use backend::{Acceptance, Message, Passage};
use domain::{DeviceId, Quantity, RefusalReason, Timestamp};
use store::{Row, Table};
use support::{Bench, NOON, reading};

const BAD_TOPIC: Acceptance = Acceptance::Refused(RefusalReason::BadTopic);

/// The suspect readings that were stored.
fn suspects(bench: &Bench) -> Vec<(String, f64, String)> {
    let suspect = |row: &Row| match row {
        Row::Suspect(row) => Some((row.quantity.clone(), row.value, row.reason.clone())),
        _ => None,
    };
    bench.tables.rows().iter().filter_map(suspect).collect()
}

#[tokio::test(start_paused = true)]
async fn a_power_on_value_is_kept_apart_shown_listed_and_decides_nothing() {
    let bench = Bench::start();
    bench.reading("room-1", "temperature", 0, 21.3).await;
    bench.reading("room-1", "humidity", 0, 50.0).await;
    bench
        .until("the first request", |bench| bench.outlet.sent.lock().len() == 1)
        .await;
    assert_eq!(
        bench.reading("room-1", "temperature", 1, 85.0).await,
        Acceptance::Stored
    );
    assert_eq!(
        bench.reading("room-1", "temperature", 1, 85.0).await,
        Acceptance::Duplicate
    );
    bench.until("kept", |bench| suspects(bench).len() == 1).await;
    let (quantity, value, reason) = suspects(&bench).remove(0);
    assert_eq!((quantity.as_str(), value), ("temperature", 85.0));
    assert!(reason.contains("DS18B20"), "{reason}");
    let (reason, detail) = bench.tables.errors().remove(0);
    assert_eq!(reason, "suspect");
    assert!(detail.contains("temperature 85 after 21.3"), "{detail}");
    let view = bench
        .backend
        .devices()
        .get(&DeviceId::parse("room-1").unwrap())
        .unwrap();
    assert_eq!(view.suspect.unwrap().value, 85.0);
    assert_eq!(view.readings[&Quantity::Temperature].value, 21.3);
    assert_eq!(bench.metric("suspect_readings_total{kind=\"temperature\"}"), 2);
    // The baseline is still 21.3: a change of less than half a degree decides nothing, one of more does.
    bench.reading("room-1", "temperature", 2, 21.5).await;
    bench.reading("room-1", "temperature", 3, 22.0).await;
    bench
        .until("the second request", |bench| bench.outlet.sent.lock().len() == 2)
        .await;
    let temperatures: Vec<f64> = {
        let sent = bench.outlet.sent.lock();
        sent.iter()
            .map(|request| request["temperature"].as_f64().unwrap())
            .collect()
    };
    assert_eq!(temperatures, [21.3, 22.0]);
    bench
        .until("stored", |bench| {
            bench.tables.values(Quantity::Temperature) == [21.3, 21.5, 22.0]
        })
        .await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dht_that_gives_zeros_decides_nothing() {
    let bench = Bench::start();
    for second in 0..5 {
        bench.reading("room-1", "temperature", second, 0.0).await;
        bench.reading("room-1", "humidity", second, 0.0).await;
    }
    bench.until("kept", |bench| suspects(bench).len() == 5).await;
    assert_eq!(bench.metric("triggers_total{kind=\"first_climate\"}"), 0);
    assert!(bench.outlet.sent.lock().is_empty());
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_sauna_is_believed_and_a_humidity_of_104_is_100() {
    let bench = Bench::start();
    let climb = [20.0, 35.0, 50.0, 65.0, 80.0, 85.0, 85.0, 90.0];
    for (second, value) in (0..).zip(climb) {
        bench.reading("sauna", "temperature", second, value).await;
    }
    bench.reading("sauna", "humidity", 0, 104.0).await;
    bench
        .until("stored", |bench| {
            bench.tables.values(Quantity::Temperature) == climb
        })
        .await;
    bench
        .until("clamped", |bench| {
            bench.tables.values(Quantity::Humidity) == [100.0]
        })
        .await;
    assert_eq!(bench.metric("clamped_readings_total{kind=\"humidity\"}"), 1);
    assert_eq!(bench.tables.count(Table::SuspectReadings), 0);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn topics_one_slip_away_are_listed_with_what_was_meant() {
    let bench = Bench::start();
    for topic in [
        "/sensor/x/temperature",
        "Sensor/x/temperature",
        "sensors/x/temperature",
        "home/sensor/x/temperature",
        "sensor/x/Temperature",
        "sensor/x/temp",
    ] {
        assert_eq!(bench.send(topic, &reading(0, 21.0)).await, BAD_TOPIC, "{topic}");
    }
    assert_eq!(
        bench.send("sensor/x/radiation", &reading(0, 21.0)).await,
        BAD_TOPIC
    );
    bench
        .until("listed", |bench| bench.tables.errors().len() == 7)
        .await;
    let errors = bench.tables.errors();
    let meant = errors
        .iter()
        .filter(|(_, detail)| detail.contains("did you mean `sensor/x/temperature`?"));
    assert_eq!(meant.count(), 6, "{errors:?}");
    assert!(errors[6].1.contains("sensor/{device_id}/humidity"), "{errors:?}");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn other_traffic_is_counted_and_nothing_else() {
    let bench = Bench::start();
    for topic in [
        "zigbee2mqtt/lamp",
        "homeassistant/sensor/x/temperature/config",
        "tele/x/STATE",
    ] {
        assert_eq!(bench.send(topic, "{}").await, Acceptance::Ignored, "{topic}");
    }
    // The backend's own requests pass the embedded broker as well.
    assert_eq!(
        bench.send("ml/inference/request/x", "{}").await,
        Acceptance::Ignored
    );
    assert_eq!(bench.metric("foreign_total"), 3);
    assert_eq!(bench.log.records(), 0);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_million_strange_topics_grow_nothing() {
    let bench = Bench::start();
    for n in 0..3_000 {
        bench.send(&format!("sensors/x{n}/temp"), "{}").await;
        bench.send(&format!("other/x{n}"), "{}").await;
    }
    assert_eq!(bench.metric("refused_total{kind=\"bad_topic\"}"), 3_000);
    bench.until("listed", |bench| bench.log.records() == 0).await;
    assert!(bench.tables.count(Table::IngestErrors) <= 1_020);
    assert_eq!(bench.backend.devices().count().0, 0);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_message_that_clears_is_no_error() {
    let bench = Bench::start();
    let empty = |topic: &str, may_clear| Message {
        topic: topic.to_owned(),
        payload: bytes::Bytes::new(),
        received_at: Timestamp::from_millis(NOON),
        passage: Passage {
            may_clear,
            ..Passage::default()
        },
    };
    let ingest = bench.backend.ingest();
    for topic in [
        "sensor/x/temperature",
        "sensor/x/audio",
        "sensor/x/temp",
        "window/x/state",
        "window/x/control",
        "device/x/status",
    ] {
        assert_eq!(
            ingest.accept(empty(topic, true)).await,
            Acceptance::Ignored,
            "{topic}"
        );
    }
    let refused = ingest.accept(empty("sensor/x/temperature", false)).await;
    assert_eq!(refused, Acceptance::Refused(RefusalReason::NotJson));
    bench
        .until("listed", |bench| bench.tables.errors().len() == 1)
        .await;
    assert!(bench.tables.errors()[0].1.contains("the payload is empty"));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_was_held_is_a_row_and_shown_and_no_action() {
    let bench = Bench::start();
    bench.reading("room-1", "temperature", 0, 21.3).await;
    let held = r#"{"device_id": "room-1", "timestamp": "2025-10-24T12:00:01Z", "position": 95, "confidence": 0.05,
        "features_used": {"temperature": 60, "humidity": 50}, "model_version": "v1", "held": true,
        "reason": "not carried out: confidence 0.05 is below 0.2"}"#;
    assert_eq!(bench.send("ml/prediction/room-1", held).await, Acceptance::Stored);
    assert_eq!(
        bench.send("ml/prediction/room-1", held).await,
        Acceptance::Duplicate
    );
    bench
        .until("a row", |bench| bench.tables.count(Table::MlPredictions) == 1)
        .await;
    let rows = bench.tables.rows();
    let row = rows.iter().find_map(|row| match row {
        Row::MlPrediction(row) => Some(row),
        _ => None,
    });
    let row = row.unwrap();
    assert!(row.held && row.prediction == 95.0 && row.model_version == "v1");
    assert_eq!(bench.tables.count(Table::WindowActions), 0);
    let view = bench
        .backend
        .devices()
        .get(&DeviceId::parse("room-1").unwrap())
        .unwrap();
    assert_eq!(
        (view.held.unwrap().position, view.command.is_none()),
        (95.0, true)
    );
    bench.stop().await;
}
