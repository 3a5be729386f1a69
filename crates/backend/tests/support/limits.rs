//! A kitchen whose window rain and an alarm limit, and how it does.

use std::{path::Path, sync::Arc, time::Duration};

use backend::Acceptance;
use domain::DeviceId;
use monitoring::State;
use registry::Patch;
use serde_json::{Value, json};

use super::Bench;

pub fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

pub fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

pub async fn set_up(bench: &Bench, device_id: &str, settings: Value) {
    let patch = Patch {
        location: Some("Ground floor".to_owned()),
        settings: Some(serde_json::from_value(settings).unwrap()),
        ..Patch::default()
    };
    let (registry, id) = (Arc::clone(bench.backend.views().registry()), id(device_id));
    registry
        .change(move |book| book.patch(&id, patch, None).map(drop))
        .await
        .unwrap();
}

pub fn causes(bench: &Bench) -> Vec<&'static str> {
    let control = bench.backend.views().windows().view(&id("kitchen")).unwrap();
    let interlocks = control.interlocks.into_iter();
    interlocks.map(|interlock| interlock.cause).collect()
}

pub async fn look(times: u64) {
    tokio::time::sleep(Duration::from_millis(times * 1_000 + 500)).await;
}

/// How what closes windows is kept.
pub fn state(bench: &Bench) -> State {
    let health = bench.health();
    let part = health.parts.into_iter().find(|part| part.name == "rules");
    part.unwrap().state
}

/// It rains and burns around the window of a kitchen, and then the backend ends.
pub async fn limited(dir: &Path) {
    limited_with(dir, json!({"interlocks": {"alarm": {"alarms": ["smoke"]}}})).await;
}

/// The same of a kitchen with these settings.
pub async fn limited_with(dir: &Path, settings: Value) {
    let bench = Bench::kept_in(dir, Arc::default());
    set_up(&bench, "gauge", json!({})).await;
    set_up(&bench, "kitchen", settings).await;
    let report = r#"{"timestamp": "2025-10-24T12:00:00Z", "position": 50}"#;
    assert_eq!(
        bench.send("window/kitchen/state", report).await,
        Acceptance::Stored
    );
    bench.reading("gauge", "rain", 0, 2.0).await;
    bench.send("alarm/smoke", "on").await;
    look(1).await;
    assert_eq!(causes(&bench), ["alarm", "rain"]);
    bench.stop().await;
}
