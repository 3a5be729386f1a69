//! The running service against a real Mosquitto.
#![allow(missing_docs)]

mod support;

use std::{collections::VecDeque, fs, path::Path, time::Duration};

use audio::{FeatureOptions, archive::ArchiveOptions};
use ml::{Ml, MlError, MlOptions};
use model::Device;
use monitoring::{Monitor, Registry};
use mqtt::{BrokerUrl, ConnectionOptions, Delivery, Event, Incoming, Publisher, Qos, Subscription, Topics};
use serde_json::{Value, json};
use support::{PATIENCE, model_path, other_model_path, wav};
use testkit::Mosquitto;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

fn options(broker: &Mosquitto, model: &Path) -> MlOptions {
    let url = BrokerUrl::tcp("127.0.0.1", broker.addr().port());
    MlOptions::new(
        ConnectionOptions::new(url, "ml-under-test"),
        Topics::default(),
        model,
        "v0",
    )
}

/// A service that listens, and a client that hears its commands.
struct Bench {
    client: Publisher,
    commands: Incoming,
    shadows: VecDeque<Value>,
    monitor: Monitor,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), MlError>>,
}

impl Bench {
    async fn start(broker: &Mosquitto, options: MlOptions) -> Self {
        let mut connection =
            ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", broker.addr().port()), "client");
        for filter in ["window/+/control", "ml/prediction/shadow/+"] {
            connection.subscriptions.push(Subscription::new(filter));
        }
        let (client, mut commands) = mqtt::connect(connection);
        while !matches!(
            timeout(PATIENCE, commands.recv()).await,
            Ok(Some(Event::Subscribed))
        ) {}
        let mut registry = Registry::default();
        let ml = Ml::open(options, &mut registry).expect("the service opens");
        let monitor = Monitor::new(registry, vec![ml.health()]);
        let shutdown = CancellationToken::new();
        let (ready, listening) = oneshot::channel();
        let running = tokio::spawn(ml.run(shutdown.clone(), ready));
        timeout(PATIENCE, listening)
            .await
            .expect("it listens in time")
            .expect("it listens");
        Self {
            client,
            commands,
            shadows: VecDeque::new(),
            monitor,
            shutdown,
            running,
        }
    }

    async fn send(&self, device_id: &str, payload: impl Into<Vec<u8>>) {
        let topic = format!("ml/inference/request/{device_id}");
        self.client
            .publish(topic, payload.into(), Qos::AtLeastOnce, false)
            .await
            .expect("the request is sent");
    }

    async fn ask(&self, device_id: &str, clip: Option<&[u8]>) {
        self.send(device_id, request(device_id, clip).to_string()).await;
    }

    async fn message(&mut self) -> (Delivery, Value) {
        loop {
            match timeout(PATIENCE, self.commands.recv())
                .await
                .expect("a message in time")
            {
                Some(Event::Message(delivery)) => {
                    let json = serde_json::from_slice(&delivery.payload).expect("a message is JSON");
                    return (delivery, json);
                }
                Some(_) => {}
                None => panic!("the client's connection ended"),
            }
        }
    }

    async fn command(&mut self) -> (Delivery, Value) {
        loop {
            let (delivery, json) = self.message().await;
            if delivery.topic.starts_with("window/") {
                return (delivery, json);
            }
            assert!(delivery.topic.starts_with("ml/prediction/shadow/") && !delivery.retain);
            self.shadows.push_back(json);
        }
    }

    /// What the candidate said.
    async fn shadow(&mut self) -> Value {
        if let Some(json) = self.shadows.pop_front() {
            return json;
        }
        let (delivery, json) = self.message().await;
        assert!(
            delivery.topic.starts_with("ml/prediction/shadow/"),
            "{}",
            delivery.topic
        );
        json
    }

    async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.running)
            .await
            .expect("it ends in time")
            .expect("it does not panic")
            .expect("it ends well");
    }

    /// Waits until the counters contain `line`.
    async fn counted(&self, line: &str) {
        let seen = async {
            while !self.monitor.text().lines().any(|known| known == line) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(
            timeout(PATIENCE, seen).await.is_ok(),
            "no '{line}' in\n{}",
            self.monitor.text()
        );
    }
}

fn request(device_id: &str, clip: Option<&[u8]>) -> Value {
    let mut request = json!({"device_id": device_id, "timestamp": "2025-10-24T12:00:00Z", "temperature": 25.5, "humidity": 60.0});
    if let Some(clip) = clip {
        request["audio_data"] = json!(mqtt::encode_audio_data(clip));
        request["audio_metadata"] = json!({"sample_rate": 16_000, "duration": 2.0});
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_command() {
    let broker = Mosquitto::start().unwrap();
    let mut bench = Bench::start(&broker, options(&broker, &model_path())).await;
    bench.ask("sensor-001", Some(&wav(440.0, 2.0))).await;
    let (delivery, control) = bench.command().await;
    assert_eq!(delivery.topic, "window/sensor-001/control");
    assert_eq!((delivery.qos, delivery.retain), (Qos::AtLeastOnce, false));
    assert_eq!(control["device_id"], "sensor-001");
    assert_eq!(control["features_used"]["temperature"], 25.5);
    assert_eq!(control["features_used"]["humidity"], 60.0);
    assert_eq!(control["features_used"]["audio_features"][0], "mfcc_mean");
    assert_eq!(control["model_version"], "v1.0.0");
    for number in ["position", "confidence", "inference_time_ms"] {
        assert!(control[number].is_f64(), "{number}: {control}");
    }
    for text in ["timestamp", "command_id", "audio_hash", "reason", "expires_at"] {
        assert!(control[text].is_string(), "{text}: {control}");
    }
    bench
        .counted(r#"casement_ml_features_total{kind="computed"} 1"#)
        .await;
    bench.counted("casement_ml_broker_up 1").await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_the_next_good_request_is_answered() {
    let broker = Mosquitto::start().unwrap();
    let mut bench = Bench::start(&broker, options(&broker, &model_path())).await;
    let mut torn = request("bad-3", None);
    torn["audio_data"] = json!("UklGRg==");
    torn["audio_metadata"] = json!({"sample_rate": 16_000, "duration": 2.0});
    let mut late = request("late", None);
    late["expires_at"] = json!("2025-10-24T12:00:10Z");
    bench.send("bad-1", "not JSON").await;
    bench
        .send(
            "bad-2",
            r#"{"timestamp": "2025-10-24T12:00:00Z", "temperature": 1e400, "humidity": 140}"#,
        )
        .await;
    bench.send("bad-3", torn.to_string()).await;
    bench
        .send("other-device", request("bad-4", None).to_string())
        .await;
    bench
        .send("bad'; DROP TABLE x", request("x", None).to_string())
        .await;
    bench.send("a/b", request("b", None).to_string()).await;
    bench.send("late", late.to_string()).await;
    bench.ask("good", None).await;
    let (delivery, control) = bench.command().await;
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
        bench.counted(line).await;
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_devices_are_all_answered() {
    let broker = Mosquitto::start().unwrap();
    let mut bench = Bench::start(&broker, options(&broker, &model_path())).await;
    let clip = wav(440.0, 0.5);
    for i in 0..100 {
        bench.ask(&format!("d{i}"), Some(&clip)).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < 100 {
        answered.insert(bench.command().await.0.topic);
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_file_serves_within_a_second_and_a_bad_one_never() {
    let broker = Mosquitto::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    fs::copy(model_path(), &path).unwrap();
    let mut bench = Bench::start(&broker, options(&broker, &path)).await;
    bench.ask("d", None).await;
    let first = bench.command().await.1;
    assert_eq!(first["model_version"], "v0");

    replace(&path, b"PK\x03\x04 nothing");
    bench.counted("casement_ml_models_refused_total 1").await;
    bench.ask("d", None).await;
    assert_eq!(bench.command().await.1["position"], first["position"]);

    replace(&path, &fs::read(other_model_path()).unwrap());
    bench.counted("casement_ml_model_swaps_total 1").await;
    bench.ask("d", None).await;
    assert_ne!(bench.command().await.1["position"], first["position"]);
    bench.stop().await;
}

fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).expect("the file can be written");
    fs::rename(beside, path).expect("the file can be renamed");
}

#[tokio::test(flavor = "multi_thread")]
async fn promoting_and_rolling_back_reach_the_running_service() {
    let broker = Mosquitto::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    fs::copy(model_path(), &path).unwrap();
    let registry = model::Registry::beside(&path);
    let mut bench = Bench::start(&broker, options(&broker, &path)).await;
    registry.add(&other_model_path(), Some("v2")).unwrap();
    registry.promote("v2", "v0").unwrap();
    bench.counted("casement_ml_model_swaps_total 1").await;
    bench.ask("d", None).await;
    assert_eq!(bench.command().await.1["model_version"], "v2");
    registry.rollback().unwrap();
    bench.counted("casement_ml_model_swaps_total 2").await;
    bench.ask("d", None).await;
    assert_eq!(bench.command().await.1["model_version"], "v0");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_predicts_beside_the_model_and_moves_nothing() {
    let broker = Mosquitto::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.pth");
    fs::copy(model_path(), &path).unwrap();
    let registry = model::Registry::beside(&path);
    let mut bench = Bench::start(&broker, options(&broker, &path)).await;
    registry.add(&other_model_path(), Some("v2")).unwrap();
    registry.shadow("v2").unwrap();
    bench.counted("casement_ml_shadowing 1").await;

    bench.ask("d", Some(&wav(440.0, 0.5))).await;
    let (delivery, command) = bench.command().await;
    let shadow = bench.shadow().await;
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
    bench.counted("casement_ml_shadow_predictions_total 1").await;

    // A damaged candidate predicts nothing, and windows move on.
    let added = registry.show("v2").unwrap().path;
    replace(&added, b"PK\x03\x04 nothing");
    bench.counted("casement_ml_shadowing 0").await;
    bench.counted("casement_ml_models_refused_total 1").await;
    bench.ask("d", None).await;
    assert_eq!(bench.command().await.1["model_version"], "v0");
    replace(&added, &fs::read(other_model_path()).unwrap());
    bench.counted("casement_ml_shadowing 1").await;

    // Promoted, it is no candidate any more.
    registry.promote("v2", "v0").unwrap();
    bench.counted("casement_ml_model_swaps_total 1").await;
    bench.counted("casement_ml_shadowing 0").await;
    bench.ask("d", None).await;
    assert_eq!(bench.command().await.1["model_version"], "v2");
    bench.counted("casement_ml_answers_total 3").await;
    bench.counted("casement_ml_shadow_predictions_total 1").await;
    bench.counted("casement_ml_shadow_dropped_total 0").await;
    bench.stop().await;
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
    let mut bench = Bench::start(&broker, with_store).await;
    let clip = wav(440.0, 0.5);
    bench.ask("room-1", Some(&clip)).await;
    let control = bench.command().await.1;
    bench.counted("casement_ml_recordings_stored_total 1").await;
    let hash = control["audio_hash"].as_str().unwrap();
    let kept = dir.path().join(format!("audio_data/{}/{hash}.wav", &hash[..2]));
    assert_eq!(fs::read(kept).unwrap(), clip);
    bench.stop().await;
}

#[test]
fn what_cannot_serve_does_not_start() {
    let connection = || ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", 1), "x");
    let open = |path: &Path, device| {
        let mut options = MlOptions::new(connection(), Topics::default(), path, "v0");
        options.load.device = device;
        let error = Ml::open(options, &mut Registry::default()).map(drop).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        (error.to_string(), cause.unwrap_or_default())
    };
    let (message, cause) = open(&model_path(), Device::Cuda(0));
    assert!(message.ends_with("cannot be used; see model.path"), "{message}");
    assert!(cause.contains("set model.device: cpu"), "{cause}");
    assert_eq!(
        open(Path::new("none.pth"), Device::Cpu).0,
        "the model none.pth cannot be used; see model.path"
    );
    // Other audio numbers than the model was trained on.
    let with = |change: fn(&mut FeatureOptions)| {
        let mut options = MlOptions::new(connection(), Topics::default(), model_path(), "v0");
        change(&mut options.features);
        Ml::open(options, &mut Registry::default())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let refused = with(|features| features.hop = 256);
    assert!(
        refused.contains("hop_length=256") && refused.contains("trained on"),
        "{refused}"
    );
    assert!(with(|features| features.preprocessing.remove_dc = true).contains("remove_dc"));
    assert!(with(|features| features.n_mfcc = 13).contains("audio.n_mfcc is 13"));
    assert!(
        "tpu"
            .parse::<Device>()
            .unwrap_err()
            .to_string()
            .contains("expected cpu, cuda")
    );
}
