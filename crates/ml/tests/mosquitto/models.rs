//! New models, candidates and damaged files reach a running service.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;
use testkit::Mosquitto;

use crate::{
    service::{Service, options},
    support::{model_path, other_model_path, wav},
};

fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).expect("the file can be written");
    fs::rename(beside, path).expect("the file can be renamed");
}

/// A model file of its own, and the broker of the service that serves it.
struct Served {
    path: PathBuf,
    _dir: TempDir,
    _broker: Mosquitto,
}

/// Starts a broker, and a service with a copy of the model.
async fn serving() -> (Service, Served) {
    let broker = Mosquitto::start().expect("Mosquitto starts");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("model.pth");
    fs::copy(model_path(), &path).expect("the model can be copied");
    let service = Service::start(&broker, options(&broker, &path)).await;
    let served = Served {
        path,
        _dir: dir,
        _broker: broker,
    };
    (service, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_file_serves_within_a_second_and_a_bad_one_never() {
    let (mut service, file) = serving().await;
    let path = &file.path;
    service.ask("d", None).await;
    let first = service.command().await.1;
    assert_eq!(first["model_version"], "v0");

    replace(path, b"PK\x03\x04 nothing");
    service.counted("casement_ml_models_refused_total 1").await;
    service.ask("d", None).await;
    assert_eq!(service.command().await.1["position"], first["position"]);

    replace(path, &fs::read(other_model_path()).unwrap());
    service.counted("casement_ml_model_swaps_total 1").await;
    service.ask("d", None).await;
    assert_ne!(service.command().await.1["position"], first["position"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promoting_and_rolling_back_reach_the_running_service() {
    let (mut service, file) = serving().await;
    let registry = model::Registry::beside(&file.path);
    registry.add(&other_model_path(), Some("v2")).unwrap();
    registry.promote("v2", "v0").unwrap();
    service.counted("casement_ml_model_swaps_total 1").await;
    service.ask("d", None).await;
    assert_eq!(service.command().await.1["model_version"], "v2");
    registry.rollback().unwrap();
    service.counted("casement_ml_model_swaps_total 2").await;
    service.ask("d", None).await;
    assert_eq!(service.command().await.1["model_version"], "v0");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_predicts_beside_the_model_and_moves_nothing() {
    let (mut service, file) = serving().await;
    let registry = model::Registry::beside(&file.path);
    registry.add(&other_model_path(), Some("v2")).unwrap();
    registry.shadow("v2").unwrap();
    service.counted("casement_ml_shadowing 1").await;

    service.ask("d", Some(&wav(440.0, 0.5))).await;
    let (delivery, command) = service.command().await;
    let shadow = service.shadow().await;
    assert_eq!(
        (delivery.topic.as_str(), &command["model_version"]),
        ("window/d/control", &json!("v0"))
    );
    assert_eq!(
        (&shadow["model_version"], &shadow["device_id"]),
        (&json!("v2"), &json!("d"))
    );
    for same in ["command_id", "timestamp"] {
        assert_eq!(shadow[same], command[same], "{same}");
    }
    assert_ne!(shadow["position"], command["position"]);
    assert!(shadow["confidence"].is_f64() && shadow["inference_time_ms"].is_f64());
    service.counted("casement_ml_shadow_predictions_total 1").await;

    // A damaged candidate predicts nothing, and windows move on.
    let added = registry.show("v2").unwrap().path;
    replace(&added, b"PK\x03\x04 nothing");
    service.counted("casement_ml_shadowing 0").await;
    service.counted("casement_ml_models_refused_total 1").await;
    service.ask("d", None).await;
    assert_eq!(service.command().await.1["model_version"], "v0");
    replace(&added, &fs::read(other_model_path()).unwrap());
    service.counted("casement_ml_shadowing 1").await;

    // Promoted, it is no candidate any more.
    registry.promote("v2", "v0").unwrap();
    service.counted("casement_ml_model_swaps_total 1").await;
    service.counted("casement_ml_shadowing 0").await;
    service.ask("d", None).await;
    assert_eq!(service.command().await.1["model_version"], "v2");
    service.counted("casement_ml_answers_total 3").await;
    service.counted("casement_ml_shadow_predictions_total 1").await;
    service.counted("casement_ml_shadow_dropped_total 0").await;
    service.stop().await;
}
