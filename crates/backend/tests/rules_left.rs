//! What closed windows beside a file that is left as it is, and after an end before the rules were looked at.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use backend::Acceptance;
use monitoring::State;
use serde_json::{Value, json};
use store::{ReadingRow, Row};
use support::{
    Bench, MemoryTables,
    limits::{causes, limited, limited_with, look, now, set_up, state},
};

const FILE: &str = "rules.json";
const NEWER: &str = r#"{"program": "9.1.0", "format": 2, "causes": []}"#;

/// A copy of what is kept, as it is on disk at this moment: the backend may go on.
fn as_killed(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

fn kept(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn beside_a_newer_file_what_is_acknowledged_survives_a_kill_and_is_taken_in_later() {
    let dir = tempfile::tempdir().unwrap();
    let settings = json!({"interlocks": {"alarm": {"alarms": ["smoke"]}, "wind": {"limit": 12}}});
    limited_with(dir.path(), settings).await;
    let before = std::fs::read(dir.path().join(FILE)).unwrap();
    std::fs::write(dir.path().join(FILE), NEWER).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(2).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    let reason = bench.reason("rules").unwrap();
    assert!(
        reason.contains("9.1.0") && reason.contains("left as it is"),
        "{reason}"
    );
    assert_eq!(bench.send("alarm/smoke", "off").await, Acceptance::Ignored);
    assert_eq!(bench.send("alarm/leak", "on").await, Acceptance::Ignored);
    assert_eq!(bench.reading("gauge", "rain", 1, 0.0).await, Acceptance::Stored);
    assert_eq!(bench.reading("gauge", "wind", 2, 20.0).await, Acceptance::Stored);
    let killed = as_killed(dir.path());
    bench.stop().await;
    // What was said holds after the kill, beside the newer file and once it can be read again.
    let bench = Bench::kept_in(killed.path(), Arc::default());
    look(1_000).await;
    assert_eq!(causes(&bench), ["wind"], "the end of the alarm and of the rain");
    assert_eq!(state(&bench), State::Degraded);
    bench.stop().await;
    assert_eq!(std::fs::read_to_string(killed.path().join(FILE)).unwrap(), NEWER);
    std::fs::write(killed.path().join(FILE), before).unwrap();
    for _ in 0..2 {
        let bench = Bench::kept_in(killed.path(), Arc::default());
        look(1_000).await;
        assert_eq!(causes(&bench), ["wind"]);
        assert_eq!(bench.reason("rules"), None);
        bench.stop().await;
    }
    let kept = kept(killed.path().join(FILE));
    assert_eq!(kept["alarms"], json!(["leak"]), "{kept}");
    assert_eq!(
        std::fs::read_dir(killed.path())
            .unwrap()
            .flatten()
            .filter(|entry| { entry.file_name().to_string_lossy().contains("meanwhile") })
            .count(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_said_meanwhile_is_what_the_file_says() {
    let dir = tempfile::tempdir().unwrap();
    limited(dir.path()).await;
    let before = std::fs::read(dir.path().join(FILE)).unwrap();
    std::fs::write(dir.path().join(FILE), NEWER).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.send("alarm/leak", "on").await;
    bench.send("alarm/leak", "off").await;
    look(2).await;
    bench.stop().await;
    // As after more than a day, where what was lost is not held any more.
    let beside = dir.path().join("rules.meanwhile-1.json");
    let mut meanwhile = kept(beside.clone());
    for part in ["windows", "sensors"] {
        meanwhile[part] = json!({});
    }
    meanwhile["alarms"] = json!([]);
    std::fs::write(&beside, meanwhile.to_string()).unwrap();
    std::fs::write(dir.path().join(FILE), before).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(1_000).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    assert_eq!(bench.reason("rules"), None);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_outlasts_the_loss_of_its_file_by_its_name() {
    for content in [Some("{"), Some(NEWER), None] {
        let dir = tempfile::tempdir().unwrap();
        // It heeds whatever alarm there is.
        limited_with(dir.path(), json!({})).await;
        let file = dir.path().join(FILE);
        match content {
            Some(content) => std::fs::write(&file, content).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let bench = Bench::kept_in(dir.path(), Arc::default());
        bench.send("alarm/leak", "on").await;
        look(2).await;
        bench.send("alarm/leak", "off").await;
        look(1_000).await;
        assert_eq!(causes(&bench), ["alarm", "rain"], "{content:?}: it burns still");
        bench.send("alarm/smoke", "off").await;
        look(1_000).await;
        assert_eq!(causes(&bench), ["rain"], "{content:?}");
    }
}

/// The rules' own file is gone, and the process ends before they were looked at: once before the loss is noted, once after.
#[tokio::test(start_paused = true)]
async fn a_kill_before_the_first_look_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    set_up(&bench, "gauge", json!({})).await;
    set_up(&bench, "kitchen", json!({})).await;
    let report = r#"{"timestamp": "2025-10-24T12:00:00Z", "position": 50}"#;
    bench.send("window/kitchen/state", report).await;
    look(2).await;
    bench.send("alarm/smoke", "on").await;
    let killed = as_killed(dir.path());
    bench.stop().await;
    let names = kept(killed.path().join("windows.json"))["alarms"].clone();
    assert_eq!(names, json!(["smoke"]), "acknowledged with the rules' own file");
    std::fs::remove_file(killed.path().join(FILE)).unwrap();
    let tables = Arc::<MemoryTables>::default();
    let row = ReadingRow {
        timestamp: now() - 1_000,
        device_id: "gauge".into(),
        value: 2.0,
        received_at: now() - 1_000,
        offset: 0.0,
    };
    tables.put(Row::Reading(domain::Quantity::Rain, row));
    let bench = Bench::kept_in(killed.path(), tables);
    look(10).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    bench.stop().await;
    // As where the loss is noted, and the process ends before the first look.
    let noted = json!({
        "format": 1, "alarms": ["smoke"], "lost_at": domain::Timestamp::from_millis(now()).to_string(),
        "is_to_recall": true,
    });
    std::fs::write(killed.path().join(FILE), noted.to_string()).unwrap();
    for _ in 0..2 {
        let bench = Bench::kept_in(killed.path(), Arc::default());
        look(1_000).await;
        assert_eq!(causes(&bench), ["alarm", "rain"]);
        assert!(
            bench
                .reason("rules")
                .unwrap()
                .contains("lost before an earlier start")
        );
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_start_is_well() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let bench = Bench::kept_in(dir.path(), Arc::default());
        look(2).await;
        assert_eq!((bench.reason("rules"), bench.reason("windows")), (None, None));
        bench.stop().await;
    }
    assert!(
        dir.path().join(FILE).exists(),
        "from now on it is lost where it is gone"
    );
}

fn rain_and_wind() -> Value {
    json!({"interlocks": {"alarm": {"alarms": ["smoke"]}, "wind": {"limit": 12}}})
}

/// The wind is between its limit and where it is over, and neither file knows more of it.
#[tokio::test(start_paused = true)]
async fn a_cause_of_which_nobody_said_anything_meanwhile_is_there_still() {
    let dir = tempfile::tempdir().unwrap();
    limited_with(dir.path(), rain_and_wind()).await;
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.reading("gauge", "wind", 1, 20.0).await;
    look(2).await;
    bench.reading("gauge", "wind", 2, 11.0).await;
    look(2).await;
    assert_eq!(causes(&bench), ["alarm", "rain", "wind"]);
    bench.stop().await;
    let before = std::fs::read(dir.path().join(FILE)).unwrap();
    let windows = std::fs::read(dir.path().join("windows.json")).unwrap();
    for name in [FILE, "windows.json"] {
        std::fs::write(dir.path().join(name), NEWER).unwrap();
    }
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(2).await;
    assert_eq!(bench.reading("gauge", "rain", 3, 0.0).await, Acceptance::Stored);
    look(2).await;
    bench.stop().await;
    std::fs::write(dir.path().join(FILE), before).unwrap();
    std::fs::write(dir.path().join("windows.json"), windows).unwrap();
    for _ in 0..2 {
        let bench = Bench::kept_in(dir.path(), Arc::default());
        look(1_000).await;
        assert_eq!(causes(&bench), ["alarm", "wind"], "the rain is over");
        bench.stop().await;
    }
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.reading("gauge", "wind", 4, 9.0).await;
    look(1_000).await;
    assert_eq!(causes(&bench), ["alarm"]);
}

/// What came after the rules' own file is lost: windows know it.
#[tokio::test(start_paused = true)]
async fn a_damaged_file_beside_one_that_is_fine_is_told_and_lifts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    limited_with(dir.path(), rain_and_wind()).await;
    let before = std::fs::read(dir.path().join(FILE)).unwrap();
    std::fs::write(dir.path().join(FILE), NEWER).unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    bench.reading("gauge", "wind", 1, 20.0).await;
    bench.send("alarm/smoke", "off").await;
    look(1_000).await;
    assert_eq!(causes(&bench), ["rain", "wind"]);
    bench.stop().await;
    std::fs::write(dir.path().join(FILE), before).unwrap();
    std::fs::write(dir.path().join("rules.meanwhile-1.json"), "{").unwrap();
    let bench = Bench::kept_in(dir.path(), Arc::default());
    look(1_000).await;
    assert_eq!(causes(&bench), ["rain", "wind"]);
    let reason = bench.reason("rules").unwrap();
    assert!(
        reason.contains("rules.meanwhile-1.json.damaged.1") && reason.contains("for a day"),
        "{reason}"
    );
    assert_eq!(state(&bench), State::Degraded);
}
