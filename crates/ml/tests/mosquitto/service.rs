//! A service under test, and its client.

use std::{collections::VecDeque, path::Path, time::Duration};

use ml::{Ml, MlError, MlOptions};
use monitoring::{Monitor, Registry};
use mqtt::{BrokerUrl, ConnectionOptions, Delivery, Event, Incoming, Publisher, Qos, Subscription, Topics};
use serde_json::{Value, json};
use testkit::Mosquitto;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::support::PATIENCE;

pub(crate) fn options(broker: &Mosquitto, model: &Path) -> MlOptions {
    let url = BrokerUrl::tcp("127.0.0.1", broker.addr().port());
    let connection = ConnectionOptions::new(url, "ml-under-test");
    let mut options = MlOptions::new(connection, Topics::default(), model, "v0");
    // Pure tones are nothing that the model knows: what it says of them is carried out here all the same.
    options.min_confidence = 0.0;
    options
}

/// A service that listens, and a client that receives its commands.
pub(crate) struct Service {
    client: Publisher,
    commands: Incoming,
    shadows: VecDeque<Value>,
    monitor: Monitor,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), MlError>>,
}

impl Service {
    pub(crate) async fn start(broker: &Mosquitto, options: MlOptions) -> Self {
        let mut connection =
            ConnectionOptions::new(BrokerUrl::tcp("127.0.0.1", broker.addr().port()), "client");
        for filter in ["window/+/control", "ml/prediction/shadow/+", "ml/prediction/+"] {
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

    pub(crate) async fn send(&self, device_id: &str, payload: impl Into<Vec<u8>>) {
        let topic = format!("ml/inference/request/{device_id}");
        self.client
            .publish(topic, payload.into(), Qos::AtLeastOnce, false)
            .await
            .expect("the request is sent");
    }

    pub(crate) async fn ask(&self, device_id: &str, clip: Option<&[u8]>) {
        self.send(device_id, request(device_id, clip).to_string()).await;
    }

    pub(crate) async fn message(&mut self) -> (Delivery, Value) {
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

    pub(crate) async fn command(&mut self) -> (Delivery, Value) {
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
    pub(crate) async fn shadow(&mut self) -> Value {
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

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.running)
            .await
            .expect("it ends in time")
            .expect("it does not panic")
            .expect("it ends well");
    }

    /// Waits until the counters contain `line`.
    pub(crate) async fn counted(&self, line: &str) {
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

pub(crate) fn request(device_id: &str, clip: Option<&[u8]>) -> Value {
    let mut request = json!({"device_id": device_id, "timestamp": "2025-10-24T12:00:00Z", "temperature": 25.5, "humidity": 60.0});
    if let Some(clip) = clip {
        request["audio_data"] = json!(mqtt::encode_audio_data(clip));
        request["audio_metadata"] = json!({"sample_rate": 16_000, "duration": 2.0});
    }
    request
}
