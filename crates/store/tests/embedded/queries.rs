//! The specification's columns, and the queries of the page.

use clickhouse::Row as ClickHouseRow;
use std::num::NonZeroU32;

use domain::{DeviceId, Quantity};
use serde::Deserialize;
use store::{
    AudioRow, Batch, DeviceEventRow, DeviceRow, MlPredictionRow, Period, Row, Table, Track, WindowStateRow,
};

use crate::{
    engine::Engine,
    rows::{NOON, command, one_of_each, reading, state},
};

#[derive(Deserialize, ClickHouseRow)]
struct ColumnRow {
    table: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one database, many questions")]
async fn the_specifications_columns_come_first_and_questions_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();

    let sql = "SELECT ?fields FROM system.columns WHERE database = 'iot' ORDER BY table, position";
    let columns = engine.client().query(sql).fetch_all::<ColumnRow>().await.unwrap();
    for (table, specified) in SPECIFIED {
        let ours: Vec<String> = columns
            .iter()
            .filter(|column| column.table == table)
            .map(|column| {
                format!(
                    "{} {}",
                    column.name,
                    column.kind.replace("LowCardinality(String)", "String")
                )
            })
            .collect();
        assert_eq!(ours[..specified.len()], specified[..], "{table}");
    }

    let mut batch = Batch::default();
    for second in 0..600 {
        batch.push(Row::Reading(
            Quantity::Temperature,
            reading(second, "a", second as f64),
        ));
        batch.push(Row::Reading(Quantity::Humidity, reading(second, "b", 50.0)));
    }
    // Late data is not the latest, and neither is what a clock that was ahead left behind.
    batch.push(Row::Reading(Quantity::Temperature, reading(-60, "a", 99.0)));
    batch.push(Row::Reading(Quantity::Temperature, reading(86_400, "a", 98.0)));
    // At the same time, what was received last.
    for (second, received, position) in [(0, 0, 10.0), (5, 6, 50.0), (5, 7, 30.0), (86_400, 5, 99.0)] {
        batch.push(Row::WindowState(WindowStateRow {
            timestamp: NOON + second * 1_000,
            device_id: "w".into(),
            position,
            received_at: NOON + received * 1_000,
        }));
    }
    for (second, active) in [(0, true), (1, false)] {
        batch.push(Row::Device(DeviceRow {
            device_id: "a".into(),
            name: String::new(),
            location: String::new(),
            registered_at: NOON,
            last_seen: NOON + second * 1000,
            is_active: active,
            config: "{}".into(),
            revision: 0,
        }));
    }
    for (second, event, detail) in [
        (0, "config_applied", "version 1"),
        (5, "config_refused", "version 2: no motor"),
        (6, "online", ""),
    ] {
        batch.push(Row::DeviceEvent(DeviceEventRow {
            timestamp: NOON + second * 1000,
            device_id: "a".into(),
            event: event.into(),
            detail: detail.into(),
            received_at: NOON,
        }));
    }
    for row in one_of_each()
        .into_iter()
        .filter(|row| row.table() == Table::WindowActions)
    {
        batch.push(row);
    }
    for (second, held, reason) in [(0, true, "unsure"), (1, true, "quiet"), (2, false, "moved")] {
        batch.push(Row::MlPrediction(MlPredictionRow {
            timestamp: NOON + second * 1_000,
            device_id: "a".into(),
            prediction: 60.0,
            confidence: 0.1,
            model_version: "v1".into(),
            reason: reason.into(),
            received_at: NOON,
            held,
            temperature: 20.0 + second as f64,
            humidity: 50.0,
            ..MlPredictionRow::default()
        }));
    }
    store.insert(&batch, "journal/1-1203").await.unwrap();

    let period = |since| Period {
        since,
        until: NOON + 3_600_000,
    };
    let latest = store.latest_readings(period(NOON), 100).await.unwrap();
    let latest: Vec<_> = latest
        .iter()
        .map(|r| (&r.device_id[..], &r.quantity[..], r.timestamp, r.value))
        .collect();
    let last = NOON + 599_000;
    assert_eq!(
        latest,
        [("a", "temperature", last, 599.0), ("b", "humidity", last, 50.0)]
    );
    assert!(
        store
            .latest_readings(period(last + 1), 100)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.latest_readings(period(NOON), 1).await.unwrap().len(),
        2,
        "one a quantity"
    );
    let actions = store.latest_actions(period(NOON), 100).await.unwrap();
    let [action] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (action.position, &action.model_version[..], &action.reason[..]),
        (75.5, "v1.0.0", "temperature")
    );
    let held = store.latest_held(period(NOON), 100).await.unwrap();
    let held: Vec<_> = held
        .iter()
        .map(|held| (&held.device_id[..], held.timestamp - NOON, &held.reason[..]))
        .collect();
    assert_eq!(held, [("a", 1_000, "quiet")]);
    let decisions = store.latest_decisions(period(NOON), 100).await.unwrap();
    let mut decisions: Vec<_> = decisions
        .iter()
        .map(|decision| {
            (
                &decision.device_id[..],
                decision.timestamp - NOON,
                decision.climate,
            )
        })
        .collect();
    decisions.retain(|(device_id, ..)| *device_id == "a");
    assert_eq!(
        decisions,
        [("a", 1_000, (21.0, 50.0))],
        "a held one counts, a candidate's does not"
    );
    let states = store.latest_states(period(NOON), 100).await.unwrap();
    let states: Vec<_> = states
        .iter()
        .map(|state| (&state.device_id[..], state.timestamp - NOON, state.position))
        .collect();
    assert_eq!(states, [("w", 5_000, 30.0)]);
    for row in one_of_each() {
        let keeps_history = !matches!(
            row.table(),
            Table::DeviceRegistry | Table::DeviceEvents | Table::IngestErrors
        );
        let is_stored = row.table() == Table::WindowActions;
        assert_eq!(
            store.has_row(&row).await.unwrap(),
            keeps_history && is_stored,
            "{}",
            row.table()
        );
    }
    for (second, value, is_stored) in [(5, 5.0, true), (5, 5.1, false), (600, 5.0, false)] {
        let row = Row::Reading(Quantity::Temperature, reading(second, "a", value));
        assert_eq!(store.has_row(&row).await.unwrap(), is_stored, "{second} {value}");
    }
    let devices = store.devices(100).await.unwrap();
    assert_eq!((devices.len(), devices[0].is_active), (1, false));
    assert!(store.devices(0).await.unwrap().is_empty());
    let acks = store.latest_acks(period(NOON), 100).await.unwrap();
    let acks: Vec<_> = acks
        .iter()
        .map(|ack| {
            (
                &ack.device_id[..],
                ack.timestamp - NOON,
                &ack.event[..],
                &ack.detail[..],
            )
        })
        .collect();
    assert_eq!(acks, [("a", 5_000, "config_refused", "version 2: no motor")]);
    store.forget_device("a").await.unwrap();
    store.forget_device("a").await.unwrap();
    assert!(store.devices(100).await.unwrap().is_empty());
}

const SPECIFIED: [(&str, &[&str]); 6] = [
    (
        "sensor_temperature",
        &["timestamp DateTime64(3)", "device_id String", "value Float64"],
    ),
    (
        "sensor_humidity",
        &["timestamp DateTime64(3)", "device_id String", "value Float64"],
    ),
    (
        "sensor_audio",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "sample_rate UInt32",
            "duration Float64",
            "format String",
            "audio_hash String",
            "features String",
        ],
    ),
    (
        "window_actions",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "position Float64",
            "confidence Float64",
            "temperature Float64",
            "humidity Float64",
            "audio_hash String",
        ],
    ),
    (
        "device_registry",
        &[
            "device_id String",
            "name String",
            "location String",
            "registered_at DateTime64(3)",
            "last_seen DateTime64(3)",
            "is_active Bool",
            "config String",
        ],
    ),
    (
        "ml_predictions",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "prediction Float64",
            "confidence Float64",
            "inference_time_ms Float64",
            "model_version String",
        ],
    ),
];

#[tokio::test]
async fn the_server_says_what_it_uses() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    let usage = engine.store().usage().await.unwrap();
    assert!(usage.memory_bytes > 1 << 20, "{usage:?}");
    assert!(usage.disk_bytes > 0 && usage.free_bytes > 1 << 20, "{usage:?}");
}

#[tokio::test]
async fn a_history_has_the_points_that_were_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let rows = (0..600).map(|n| Row::Reading(Quantity::Co2, reading(n * 60, "a", n as f64)));
    let batch: Batch = rows.collect();
    store.insert(&batch, "j/1-1").await.unwrap();
    let device = DeviceId::parse("a").unwrap();
    let period = Period {
        since: NOON,
        until: NOON + 600 * 60_000,
    };
    for points in [10_000, 600, 60, 7, 1] {
        let points = NonZeroU32::new(points).unwrap();
        let history = store
            .history(&device, Quantity::Co2, period, points)
            .await
            .unwrap();
        assert!(history.len() <= points.get() as usize + 1, "{}", history.len());
        let readings: u64 = history.iter().map(|point| point.readings).sum();
        let total: f64 = history
            .iter()
            .map(|point| point.mean * point.readings as f64)
            .sum();
        assert_eq!(readings, 600);
        assert!((total - 179_700.0).abs() < 1e-6, "{total}");
        assert!(history[0].lowest.abs() < 1e-9);
        assert!((history.last().unwrap().highest - 599.0).abs() < 1e-9);
        assert!(history.is_sorted_by_key(|point| point.time));
    }
    let other = store
        .history(&device, Quantity::Wind, period, NonZeroU32::MIN)
        .await
        .unwrap();
    assert!(other.is_empty());
}

#[tokio::test]
async fn a_track_says_what_the_rows_say() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let mut batch = Batch::default();
    for n in 0..240_i32 {
        let second = i64::from(n) * 30;
        let position = f64::from(n % 100);
        batch.push(state(second, "a", position));
        batch.push(state(second, "b", 7.0));
        let version = if n % 2 == 0 { "v1" } else { "" };
        batch.push(command(NOON + second * 1000, "a", position, version, "c"));
        batch.push(Row::Audio(AudioRow {
            timestamp: NOON + second * 1000,
            device_id: "a".into(),
            sample_rate: 16_000,
            duration: 2.0,
            format: "wav".into(),
            audio_hash: format!("{n}"),
            features: r#"{"level":{"equivalent_dbfs":-40.0,"max_dbfs":-31.5}}"#.into(),
            raw_path: String::new(),
            received_at: NOON,
            spectral_bandwidth: f32::NAN,
            spectral_flatness: f32::NAN,
            mel_db: vec![],
        }));
    }
    store.insert(&batch, "j/1-1").await.unwrap();
    let device = DeviceId::parse("a").unwrap();
    let period = Period {
        since: NOON,
        until: NOON + 2 * 3_600_000,
    };
    for points in [10_000, 120, 12, 2, 1] {
        let points = NonZeroU32::new(points).unwrap();
        for (track, last, lowest, highest) in [
            (Track::Sound, -40.0, -40.0, -31.5),
            (Track::Confidence, 0.9, 0.9, 0.9),
            (Track::Told, 39.0, 0.0, 99.0),
            (Track::Reported, 39.0, 0.0, 99.0),
        ] {
            let found = store.track(&device, track, period, points).await.unwrap();
            let what = format!("{track:?} in {points} points: {found:?}");
            assert!(found.len() <= points.get() as usize + 1, "{what}");
            assert_eq!(
                found.iter().map(|point| point.readings).sum::<u64>(),
                240,
                "{what}"
            );
            let least = found.iter().map(|point| point.lowest).fold(f64::MAX, f64::min);
            let most = found.iter().map(|point| point.highest).fold(f64::MIN, f64::max);
            for (is, should) in [
                (found.last().unwrap().mean, last),
                (least, lowest),
                (most, highest),
            ] {
                assert!((is - should).abs() < 1e-4, "{what}: {is}, not {should}");
            }
        }
    }
    let nobody = DeviceId::parse("c").unwrap();
    for track in [Track::Sound, Track::Confidence, Track::Told, Track::Reported] {
        let found = store
            .track(&nobody, track, period, NonZeroU32::MIN)
            .await
            .unwrap();
        assert!(found.is_empty(), "{track:?}");
    }
}
