//! Interlocks and schedules of a backend whose surroundings are in memory: what limits which window, for how long, and what
//! outlasts a restart.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{sync::Arc, time::Duration};

use backend::{Acceptance, ControlView, Message, Passage};
use domain::{DeviceId, Quantity, Timestamp};
use registry::{Patch, Registry};
use serde_json::{Value, json};
use support::Bench;

fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

async fn set_up(bench: &Bench, device_id: &str, location: &str, settings: Value) {
    let patch = Patch {
        location: Some(location.to_owned()),
        settings: Some(serde_json::from_value(settings).unwrap()),
        ..Patch::default()
    };
    let (registry, id) = (Arc::clone(bench.backend.views().registry()), id(device_id));
    registry
        .change(move |book| book.patch(&id, patch, None).map(drop))
        .await
        .unwrap();
}

/// A window that says where it stands.
async fn window(bench: &Bench, device_id: &str, location: &str, settings: Value) {
    set_up(bench, device_id, location, settings).await;
    report(bench, device_id, 50).await;
}

async fn report(bench: &Bench, device_id: &str, position: u32) {
    let payload = json!({"device_id": device_id, "timestamp": "2025-10-24T12:00:00Z", "position": position});
    let topic = format!("window/{device_id}/state");
    assert_eq!(bench.send(&topic, &payload.to_string()).await, Acceptance::Stored);
}

fn control(bench: &Bench, device_id: &str) -> ControlView {
    bench.backend.views().windows().view(&id(device_id)).unwrap()
}

fn causes(bench: &Bench, device_id: &str) -> Vec<&'static str> {
    let interlocks = control(bench, device_id).interlocks;
    interlocks.into_iter().map(|interlock| interlock.cause).collect()
}

/// Lets the rules look so many times.
async fn look(times: u64) {
    tokio::time::sleep(Duration::from_millis(times * 1_000 + 500)).await;
}

#[tokio::test(start_paused = true)]
async fn rain_limits_the_windows_of_its_location_until_it_was_dry_for_a_while() {
    let bench = Bench::start();
    window(&bench, "kitchen", "Ground floor", json!({})).await;
    window(&bench, "attic", "Roof", json!({})).await;
    window(&bench, "nowhere", "", json!({})).await;
    window(
        &bench,
        "deaf",
        "Ground floor",
        json!({"interlocks": {"rain": {"on": false}}}),
    )
    .await;
    set_up(&bench, "gauge", "Ground floor", json!({})).await;
    bench.reading("gauge", "rain", 0, 0.0).await;
    look(1).await;
    assert!(causes(&bench, "kitchen").is_empty());
    // A shower between two looks counts, too.
    bench.reading("gauge", "rain", 1, 4.0).await;
    bench.reading("gauge", "rain", 2, 0.0).await;
    look(1).await;
    assert_eq!(causes(&bench, "kitchen"), ["rain"]);
    let target = control(&bench, "kitchen").target.unwrap();
    assert_eq!(target.percent(), 0.0);
    for other in ["attic", "nowhere", "deaf"] {
        assert!(causes(&bench, other).is_empty(), "{other}");
        assert_eq!(control(&bench, other).target, None, "{other}");
    }
    look(2).await;
    assert!(control(&bench, "kitchen").interlocks[0].until.is_some());
    look(880).await;
    assert_eq!(causes(&bench, "kitchen"), ["rain"]);
    look(30).await;
    assert!(causes(&bench, "kitchen").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_falls_silent_means_what_is_set() {
    let bench = Bench::start();
    for policy in ["close", "ignore", "keep"] {
        let rain = json!({"sensor": "gauge", "when_silent": policy, "hold_s": 60});
        window(&bench, policy, policy, json!({"interlocks": {"rain": rain}})).await;
    }
    let never = json!({"interlocks": {"rain": {"sensor": "stolen", "when_silent": "close"}}});
    window(&bench, "never", "", never).await;
    bench.reading("gauge", "rain", 0, 1.0).await;
    look(1).await;
    for policy in ["close", "ignore", "keep"] {
        assert_eq!(causes(&bench, policy), ["rain"], "{policy}");
    }
    look(1_750).await;
    assert_eq!(causes(&bench, "ignore"), ["rain"]);
    assert!(causes(&bench, "never").is_empty());
    look(200).await;
    assert_eq!(causes(&bench, "close"), ["rain"]);
    assert_eq!(causes(&bench, "never"), ["rain"]);
    assert_eq!(causes(&bench, "keep"), ["rain"]);
    assert!(causes(&bench, "ignore").is_empty());
    // It speaks again.
    bench.reading("gauge", "rain", 1, 0.0).await;
    look(70).await;
    for policy in ["close", "ignore", "keep"] {
        assert!(causes(&bench, policy).is_empty(), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn locks_alarms_and_frost_have_their_own_limits_and_go_when_they_are_switched_off() {
    let bench = Bench::start();
    let all = json!({"outdoor_sensor": "garden", "interlocks": {"locked": true, "child_lock": 20,
        "frost": {"limit": 0, "most": 10}, "alarm": {"alarms": ["smoke"]}}});
    window(&bench, "room", "", all).await;
    look(1).await;
    assert_eq!(causes(&bench, "room"), ["locked", "child_lock"]);
    bench.reading("room", "temperature", 0, -5.0).await;
    assert_eq!(bench.send("alarm/burglary", "on").await, Acceptance::Ignored);
    look(1).await;
    assert_eq!(
        causes(&bench, "room"),
        ["locked", "child_lock"],
        "neither is outdoors or heeded"
    );
    bench.reading("garden", "temperature", 0, -5.0).await;
    assert_eq!(bench.send("alarm/smoke", "on").await, Acceptance::Ignored);
    look(1).await;
    assert_eq!(causes(&bench, "room"), ["alarm", "frost", "locked", "child_lock"]);
    let rest = json!({"outdoor_sensor": "garden", "interlocks": {"frost": {"limit": 0, "most": 10}, "alarm": {"on": false}}});
    set_up(&bench, "room", "", rest).await;
    look(1).await;
    assert_eq!(causes(&bench, "room"), ["frost"]);
    assert_eq!(control(&bench, "room").interlocks[0].most.percent(), 10.0);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_beyond_those_that_can_be_kept_shuts_whoever_heeds_any() {
    let bench = Bench::start();
    let named = json!({"interlocks": {"alarm": {"alarms": ["smoke"]}}});
    window(&bench, "room", "", named).await;
    window(
        &bench,
        "deaf",
        "",
        json!({"interlocks": {"alarm": {"on": false}}}),
    )
    .await;
    let none = json!({"interlocks": {"alarm": {"alarms": []}}});
    window(&bench, "none", "", none).await;
    for number in 0..256 {
        assert!(
            causes(&bench, "room").is_empty(),
            "{number} others are no concern of it"
        );
        bench.send(&format!("alarm/other-{number}"), "on").await;
    }
    bench.send("alarm/smoke", "on").await;
    look(1).await;
    assert_eq!(causes(&bench, "room"), ["alarm"]);
    assert!(causes(&bench, "deaf").is_empty());
    assert!(causes(&bench, "none").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_there_outlasts_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    {
        let registry = Registry::open(dir.path()).unwrap();
        let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, registry);
        window(&bench, "kitchen", "Ground floor", json!({})).await;
        set_up(&bench, "gauge", "Ground floor", json!({})).await;
        bench.reading("gauge", "rain", 0, 2.0).await;
        bench.send("alarm/smoke", "on").await;
        bench
            .until("kept", |_| {
                let kept = std::fs::read_to_string(dir.path().join("rules.json"));
                kept.is_ok_and(|kept| kept.contains("there") && kept.contains("smoke"))
            })
            .await;
        bench.backend.stop(Duration::from_secs(5)).await;
    }
    let registry = Registry::open(dir.path()).unwrap();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, registry);
    look(1).await;
    report(&bench, "kitchen", 80).await;
    look(1).await;
    assert_eq!(causes(&bench, "kitchen"), ["alarm", "rain"]);
    bench.send("alarm/smoke", "off").await;
    bench.reading("gauge", "rain", 1, 0.0).await;
    look(1_000).await;
    assert!(causes(&bench, "kitchen").is_empty());
    // A file that nobody can read stops no start.
    bench.backend.stop(Duration::from_secs(5)).await;
    std::fs::write(dir.path().join("rules.json"), "{").unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, registry);
    report(&bench, "kitchen", 80).await;
    look(1).await;
    assert!(causes(&bench, "kitchen").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_tells_of_rain_is_taken_once_it_survives_a_restart_and_nothing_else_waits() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    let bench = Bench::with_registry(Arc::default(), Arc::default(), 100, registry);
    window(&bench, "kitchen", "Ground floor", json!({})).await;
    set_up(&bench, "gauge", "Ground floor", json!({})).await;
    look(1).await;
    let in_the_way = bench.put_in_the_way(dir.path()).await;
    let ingest = bench.backend.ingest();
    let accept = async |topic: &str, payload: &str| {
        let message = Message {
            topic: topic.to_owned(),
            payload: payload.to_owned().into(),
            received_at: Timestamp::from_millis(support::NOON),
            passage: Passage::default(),
        };
        ingest.accept(message).await
    };
    // Without a time: nothing but its being withheld tells that it comes again.
    for _ in 0..3 {
        assert_eq!(
            accept("sensor/gauge/rain", r#"{"value": 2, "timestamp": 0}"#).await,
            Acceptance::Withheld
        );
    }
    assert_eq!(
        accept("sensor/room/humidity", r#"{"value": 50, "timestamp": 0}"#).await,
        Acceptance::Stored
    );
    let answer = bench
        .post("sensor/gauge/rain", r#"{"value": 3, "timestamp": 0}"#)
        .await;
    look(5).await;
    bench
        .until("stored", |bench| {
            bench.tables.values(Quantity::Humidity) == [50.0]
        })
        .await;
    assert!(bench.tables.values(Quantity::Rain).is_empty());
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(answer.await.unwrap(), Some(Acceptance::Stored));
    assert_eq!(
        accept("sensor/gauge/rain", r#"{"value": 2, "timestamp": 0}"#).await,
        Acceptance::Stored
    );
    bench
        .until("stored", |bench| bench.tables.values(Quantity::Rain).len() > 1)
        .await;
    look(5).await;
    assert_eq!(bench.tables.values(Quantity::Rain), [3.0, 2.0]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_keeps_the_model_away_and_says_what_comes() {
    let bench = Bench::start();
    let night = json!({"kind": "night_cooling", "from": "00:00", "until": "00:00", "position": 60});
    let evening = json!({"kind": "fixed", "at": "sunset", "position": 0});
    let settings = json!({"min_interval_s": 0, "outdoor_sensor": "yard", "schedules": {"night": night, "evening": evening}});
    window(&bench, "room", "", settings).await;
    look(1).await;
    bench.reading("yard", "temperature", 0, 15.0).await;
    bench.reading("room", "temperature", 0, 26.0).await;
    look(1).await;
    assert_eq!(control(&bench, "room").target.unwrap().percent(), 60.0);
    let context = bench.backend.views().windows().context(&id("room"));
    assert!(context.schedule_until.is_some());
    let schedules = bench.backend.views().rules().schedules();
    assert_eq!(schedules.len(), 2);
    let [evening, night] = &schedules[..] else {
        unreachable!()
    };
    assert!(night.active && night.until.is_some(), "{night:?}");
    assert_eq!(
        night.text.as_deref(),
        Some("night cooling: 26.0 °C inside, 15.0 °C outside")
    );
    assert!(!evening.active && evening.next.is_none(), "{evening:?}");
    assert!(evening.text.as_deref().unwrap().contains("latitude"));
    bench.reading("room", "temperature", 1, 20.0).await;
    look(1).await;
    assert_eq!(control(&bench, "room").target.unwrap().percent(), 50.0);
    // It is back: others decide from here on.
    look(1).await;
    assert_eq!(
        bench
            .backend
            .views()
            .windows()
            .context(&id("room"))
            .schedule_until,
        None
    );
}
