//! Requests become commands; bad ones are counted and nothing else.

use std::fs;

use audio::archive::ArchiveOptions;
use ml::MlOptions;
use mqtt::Qos;
use serde_json::json;
use testkit::Mosquitto;

use crate::{
    service::{Service, options, request},
    support::{device, model_path, wav},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_command() {
    let broker = Mosquitto::start().unwrap();
    let mut service = Service::start(&broker, options(&broker, &model_path())).await;
    service.ask("sensor-001", Some(&wav(440.0, 2.0))).await;
    let (delivery, control) = service.command().await;
    assert_eq!(delivery.topic, "window/sensor-001/control");
    assert_eq!((delivery.qos, delivery.retain), (Qos::AtLeastOnce, false));
    assert_eq!(control["device_id"], "sensor-001");
    assert_eq!(control["features_used"]["temperature"], 25.5);
    assert_eq!(control["features_used"]["humidity"], 60.0);
    assert_eq!(control["features_used"]["audio_features"][0], "mfcc_mean");
    assert_eq!(control["model_version"], "v1.1.0");
    for number in ["position", "confidence", "inference_time_ms"] {
        assert!(control[number].is_f64(), "{number}: {control}");
    }
    for text in ["timestamp", "command_id", "audio_hash", "reason", "expires_at"] {
        assert!(control[text].is_string(), "{text}: {control}");
    }
    service
        .counted(r#"casement_ml_features_total{kind="computed"} 1"#)
        .await;
    service.counted("casement_ml_broker_up 1").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_of_too_little_confidence_is_recorded_and_not_carried_out() {
    let broker = Mosquitto::start().unwrap();
    let mut cautious = options(&broker, &model_path());
    cautious.min_confidence = MlOptions::new(
        cautious.connection.clone(),
        cautious.topics.clone(),
        model_path(),
        "v0",
    )
    .min_confidence;
    let mut service = Service::start(&broker, cautious).await;
    let mut absurd = request("hot", None);
    absurd["temperature"] = json!(99.0);
    service.send("hot", absurd.to_string()).await;
    let (delivery, held) = service.message().await;
    assert_eq!(delivery.topic, "ml/prediction/hot");
    assert!(!delivery.retain);
    assert_eq!((&held["held"], &held["device_id"]), (&json!(true), &json!("hot")));
    assert!(held["confidence"].as_f64().unwrap() < 0.2, "{held}");
    assert!(
        held["reason"].as_str().unwrap().contains("not carried out"),
        "{held}"
    );
    let decoded = mqtt::decode_held(device("hot"), &delivery.payload).unwrap();
    assert_eq!(
        (decoded.temperature, decoded.model_version.as_str()),
        (99.0, "v1.1.0")
    );
    service.counted("casement_ml_held_total 1").await;
    service.counted("casement_ml_answers_total 0").await;
    // A room that the model knows is decided as ever.
    service.ask("room", None).await;
    assert_eq!(service.command().await.0.topic, "window/room/control");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_the_next_good_request_is_answered() {
    let broker = Mosquitto::start().unwrap();
    let mut service = Service::start(&broker, options(&broker, &model_path())).await;
    let mut torn = request("bad-3", None);
    torn["audio_data"] = json!("UklGRg==");
    torn["audio_metadata"] = json!({"sample_rate": 16_000, "duration": 2.0});
    let mut late = request("late", None);
    late["expires_at"] = json!("2025-10-24T12:00:10Z");
    service.send("bad-1", "not JSON").await;
    service
        .send(
            "bad-2",
            r#"{"timestamp": "2025-10-24T12:00:00Z", "temperature": 1e400, "humidity": 140}"#,
        )
        .await;
    service.send("bad-3", torn.to_string()).await;
    service
        .send("other-device", request("bad-4", None).to_string())
        .await;
    service
        .send("bad'; DROP TABLE x", request("x", None).to_string())
        .await;
    service.send("a/b", request("b", None).to_string()).await;
    service.send("late", late.to_string()).await;
    service.ask("good", None).await;
    let (delivery, control) = service.command().await;
    assert_eq!(delivery.topic, "window/good/control");
    assert_eq!(control["features_used"]["audio_features"], json!([]));
    for line in [
        r#"casement_ml_refused_total{kind="not_json"} 1"#,
        r#"casement_ml_refused_total{kind="not_finite"} 1"#,
        r#"casement_ml_refused_total{kind="bad_audio"} 1"#,
        r#"casement_ml_refused_total{kind="device_mismatch"} 1"#,
        r#"casement_ml_refused_total{kind="bad_device_id"} 1"#,
        r#"casement_ml_dropped_total{kind="expired"} 1"#,
        r#"casement_ml_features_total{kind="no_clip"} 1"#,
        "casement_ml_answers_total 1",
    ] {
        service.counted(line).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_devices_are_all_answered() {
    let broker = Mosquitto::start().unwrap();
    let mut service = Service::start(&broker, options(&broker, &model_path())).await;
    let clip = wav(440.0, 0.5);
    for i in 0..100 {
        service.ask(&format!("d{i}"), Some(&clip)).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < 100 {
        answered.insert(service.command().await.0.topic);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_kept_only_where_asked_for() {
    let broker = Mosquitto::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut with_store = options(&broker, &model_path());
    with_store.store_raw = Some(ArchiveOptions {
        path: dir.path().join("audio_data"),
        max_bytes: None,
        max_age: None,
    });
    let mut service = Service::start(&broker, with_store).await;
    let clip = wav(440.0, 0.5);
    service.ask("room-1", Some(&clip)).await;
    let control = service.command().await.1;
    service.counted("casement_ml_recordings_stored_total 1").await;
    let hash = control["audio_hash"].as_str().unwrap();
    let kept = dir.path().join(format!("audio_data/{}/{hash}.wav", &hash[..2]));
    assert_eq!(fs::read(kept).unwrap(), clip);
    service.stop().await;
}
