//! What closed windows before a start and is not known any more: its file was damaged, is gone, or cannot be written.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{path::Path, sync::Arc};

use backend::{Acceptance, Message, Passage};
use domain::{Quantity, Timestamp};
use monitoring::State;
use serde_json::{Value, json};
use store::{ReadingRow, Row};
use support::{
    Bench, MemoryTables,
    limits::{causes, limited, limited_with, look, now, state},
};
use tokio_util::sync::CancellationToken;

const FILE: &str = "rules.json";
const ASIDE: &str = "rules.json.damaged.1";

/// As an earlier version kept it: the names of alarms are in the rules' own file alone.
fn without_names(dir: &Path) {
    let path = dir.join("windows.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(kept["alarms"].take(), json!(["smoke"]));
    kept.as_object_mut().unwrap().remove("alarms");
    std::fs::write(&path, kept.to_string()).unwrap();
}

/// What `ClickHouse` knows of the rain of an hour ago, in mm.
fn rained_an_hour_ago(value: f64) -> Arc<MemoryTables> {
    let tables = Arc::<MemoryTables>::default();
    let at = now() - 3_600_000;
    let row = ReadingRow {
        timestamp: at,
        device_id: "gauge".into(),
        value,
        received_at: at,
        offset: 0.0,
    };
    tables.put(Row::Reading(Quantity::Rain, row));
    tables
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_damaged_or_gone_lifts_nothing_until_sensors_and_alarms_say_it_again() {
    for content in [Some("{"), Some(""), Some("{\"format\": 1, \"alarms\": 7}"), None] {
        let dir = tempfile::tempdir().unwrap();
        limited(dir.path()).await;
        let file = dir.path().join(FILE);
        match content {
            Some(content) => std::fs::write(&file, content).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        // A second start does not know more.
        for _ in 0..2 {
            let bench = Bench::kept_in(dir.path(), Arc::default());
            look(1_000).await;
            assert_eq!(causes(&bench), ["alarm", "rain"], "{content:?}");
            let reason = bench.reason("rules").unwrap();
            assert!(reason.contains(FILE) && reason.contains("for a day"), "{reason}");
            assert_eq!(state(&bench), State::Degraded);
            bench.stop().await;
        }
        let aside = std::fs::read_to_string(dir.path().join(ASIDE));
        assert_eq!(aside.ok().as_deref(), content, "what was there is set aside");
        let bench = Bench::kept_in(dir.path(), Arc::default());
        bench.send("alarm/other", "off").await;
        bench.reading("gauge", "rain", 1, 0.0).await;
        look(1_000).await;
        assert_eq!(causes(&bench), ["alarm"], "{content:?}");
        bench.send("alarm/smoke", "off").await;
        look(100).await;
        assert!(causes(&bench).is_empty(), "{content:?}");
        assert_eq!(bench.reason("rules"), None, "nothing is held any more");
        bench.stop().await;
        // Nor after a further start.
        let bench = Bench::kept_in(dir.path(), Arc::default());
        look(1).await;
        assert_eq!(state(&bench), State::Ok);
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_says_again_is_held_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    limited(dir.path()).await;
    without_names(dir.path());
    let file = dir.path().join(FILE);
    std::fs::write(&file, "{").unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(2).await;
    bench.stop().await;
    // Nearly a day passes.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let lost_at = Timestamp::from_millis(now() - 86_400_000 + 600_000);
    assert!(kept["lost_at"].is_string(), "{kept}");
    kept["lost_at"] = json!(lost_at.to_string());
    std::fs::write(&file, kept.to_string()).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(500).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    assert!(bench.reason("rules").is_some());
    look(200).await;
    assert_eq!(causes(&bench), ["rain"], "each ends as after its cause");
    assert_eq!(bench.reason("rules"), None);
    look(900).await;
    assert!(causes(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_clickhouse_knows_of_sensors_counts_where_the_file_is_damaged() {
    for (rain, expected) in [(0.0, vec!["alarm"]), (3.0, vec!["alarm", "rain"])] {
        let dir = tempfile::tempdir().unwrap();
        limited(dir.path()).await;
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let bench = Bench::kept_in(dir.path(), rained_an_hour_ago(rain));
        look(1_000).await;
        assert_eq!(causes(&bench), expected, "{rain}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_is_told_and_nothing_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.backend.ready().await;
    assert_eq!(bench.reason("rules"), None);
    let in_the_way = bench.put_in_the_way(dir.path()).await;
    let answer = bench.post("alarm/smoke", "on").await;
    bench.until("told", |bench| bench.reason("rules").is_some()).await;
    let reason = bench.reason("rules").unwrap();
    assert!(reason.contains("rules.json cannot be written"), "{reason}");
    assert_eq!(state(&bench), State::Down);
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(answer.await.unwrap(), Some(Acceptance::Ignored));
    bench
        .until("well again", |bench| bench.reason("rules").is_none())
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_came_with_a_message_that_cannot_be_kept_is_stored_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.backend.ready().await;
    let in_the_way = bench.put_in_the_way(dir.path()).await;
    let message = |topic: &str, value: f64| Message {
        topic: topic.to_owned(),
        payload: support::reading(0, value).into(),
        received_at: Timestamp::from_millis(support::NOON),
        passage: Passage::default(),
    };
    let batch = [
        message("sensor/gauge/rain", 2.0),
        message("sensor/room/humidity", 50.0),
    ];
    let ingest = bench.backend.ingest();
    let accepting = tokio::spawn(async move {
        let shutdown = CancellationToken::new();
        ingest.accept_in_time(&batch, &shutdown).await
    });
    bench
        .until("stored", |bench| {
            bench.tables.values(Quantity::Humidity) == [50.0]
        })
        .await;
    assert!(bench.tables.values(Quantity::Rain).is_empty());
    assert!(!accepting.is_finished(), "acknowledged in their order");
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(accepting.await.unwrap(), [Acceptance::Stored; 2]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_another_alarm_lifts_nothing_of_a_window_that_heeds_all() {
    let dir = tempfile::tempdir().unwrap();
    limited_with(dir.path(), json!({})).await;
    without_names(dir.path());
    std::fs::write(dir.path().join(FILE), "{").unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(1).await;
    for name in ["leak", "smoke"] {
        bench.send(&format!("alarm/{name}"), "off").await;
        look(200).await;
        assert_eq!(
            causes(&bench),
            ["alarm", "rain"],
            "{name} was not on since the start"
        );
    }
    bench.send("alarm/smoke", "on").await;
    look(200).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    bench.send("alarm/smoke", "off").await;
    look(100).await;
    assert_eq!(causes(&bench), ["rain"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_alarm_that_was_lost_outlasts_a_restart_when_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    limited(dir.path()).await;
    without_names(dir.path());
    let file = dir.path().join(FILE);
    std::fs::write(&file, "{").unwrap();
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(2).await;
    let mut before = read();
    let recalled = before["windows"]["kitchen"]["recalled"].to_string();
    assert!(recalled.contains("alarm"), "{before}");
    bench.send("alarm/smoke", "off").await;
    let said = read()["said"].clone();
    assert_eq!(said, json!({"smoke": false}));
    bench.stop().await;
    // As after an end before the rules were looked at.
    before["said"] = said;
    std::fs::write(&file, before.to_string()).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(100).await;
    assert_eq!(causes(&bench), ["rain"]);
}

#[tokio::test(start_paused = true)]
async fn an_old_stored_value_is_as_old_as_it_is() {
    for (policy, rain, expected) in [
        ("keep", 0.0, vec!["alarm"]),
        ("close", 0.0, vec!["alarm", "rain"]),
        // The sensor has its time to speak.
        ("ignore", 3.0, vec!["alarm", "rain"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let settings =
            json!({"interlocks": {"alarm": {"alarms": ["smoke"]}, "rain": {"when_silent": policy}}});
        limited_with(dir.path(), settings).await;
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let bench = Bench::kept_in(dir.path(), rained_an_hour_ago(rain));
        look(1_000).await;
        assert_eq!(causes(&bench), expected, "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    limited(dir.path()).await;
    let file = dir.path().join(FILE);
    let content = std::fs::read(&file).unwrap();
    // Nobody reads a folder.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(1_000).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    let reason = bench.reason("rules").unwrap();
    assert!(
        reason.contains("cannot be read") && reason.contains("left as it is"),
        "{reason}"
    );
    assert_eq!(state(&bench), State::Degraded);
    bench.stop().await;
    assert!(file.is_dir() && !dir.path().join(ASIDE).exists());
    // It can be read again.
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, content).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(10).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    assert_eq!(bench.reason("rules"), None);
}

/// Nobody knows what windows were told: it is not said that they stay so.
#[tokio::test(start_paused = true)]
async fn where_windows_are_lost_too_it_is_not_told_that_they_stay_limited() {
    for content in [Some("{"), None] {
        let dir = tempfile::tempdir().unwrap();
        limited(dir.path()).await;
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let windows = dir.path().join("windows.json");
        match content {
            Some(content) => std::fs::write(&windows, content).unwrap(),
            None => std::fs::remove_file(&windows).unwrap(),
        }
        let bench = Bench::kept_in(dir.path(), Arc::default());
        let reason = bench.reason("rules").unwrap();
        assert!(
            reason.contains("windows.json is lost, too"),
            "{content:?}: {reason}"
        );
        assert!(!reason.contains("stay so"), "{content:?}: {reason}");
        let kept =
            || -> Value { serde_json::from_slice(&std::fs::read(dir.path().join(FILE)).unwrap()).unwrap() };
        bench.stop().await;
        assert_eq!(kept()["lacks_names"], json!(true), "{content:?}");
    }
}
