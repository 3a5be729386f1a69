//! What the tests share: a client that sees everything at a real Mosquitto.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::{ClipLimits, Confidence, DeviceId, Position, Timestamp, WindowAction, WindowState};
use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Subscription, TopicKind, Topics};
use simulator::delivery_log::{Content, Record};
use testkit::Mosquitto;
use tokio::time::timeout;

pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn url(broker: &Mosquitto) -> BrokerUrl {
    BrokerUrl::tcp("127.0.0.1", broker.addr().port())
}

/// Sees everything at the broker.
pub struct Watcher {
    pub publisher: Publisher,
    incoming: Incoming,
    pub topics: Topics,
}

impl Watcher {
    pub async fn join(broker: BrokerUrl) -> Self {
        let mut options = ConnectionOptions::new(broker, "watcher");
        options.subscriptions = vec![Subscription::new("#")];
        let (publisher, mut incoming) = mqtt::connect(options);
        timeout(PATIENCE, async {
            while incoming.recv().await != Some(Event::Subscribed) {}
        })
        .await
        .unwrap();
        Self {
            publisher,
            incoming,
            topics: Topics::default(),
        }
    }

    pub async fn next(&mut self) -> (TopicKind, DeviceId, Vec<u8>) {
        loop {
            if let Event::Message(delivery) = timeout(PATIENCE, self.incoming.recv()).await.unwrap().unwrap()
            {
                let inbound = self.topics.classify(&delivery.topic).unwrap();
                return (inbound.kind, inbound.device_id, delivery.payload.to_vec());
            }
        }
    }

    pub async fn next_state(&mut self, id: &DeviceId) -> WindowState {
        loop {
            let (kind, device, payload) = self.next().await;
            if kind == TopicKind::WindowState && device == *id {
                return mqtt::decode_state(device, &payload).unwrap();
            }
        }
    }

    pub async fn command(&self, id: &DeviceId, position: f64, name: &str, expires_at: Option<Timestamp>) {
        let action = WindowAction {
            device_id: id.clone(),
            timestamp: now(),
            position: Position::new(position).unwrap(),
            confidence: Confidence::new(0.9).unwrap(),
            temperature: 20.0,
            humidity: 50.0,
            audio_features: Vec::new(),
            command_id: Some(name.to_owned()),
            origin: domain::Origin::Unstated,
            inference_time_ms: None,
            audio_hash: None,
            reason: None,
            cause: None,
            expires_at,
            contributions: None,
            guard: None,
            wish: None,
        };
        let topic = self.topics.topic_for(TopicKind::WindowControl, id);
        let payload = mqtt::encode_control(&action);
        self.publisher
            .publish_confirmed(topic, payload, mqtt::Qos::AtLeastOnce, false)
            .await
            .unwrap();
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

pub fn id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

pub fn record(kind: TopicKind, device: DeviceId, payload: &[u8]) -> Option<Record> {
    let (timestamp, content) = match kind {
        TopicKind::Reading(quantity) => {
            let reading = mqtt::decode_reading(quantity, device.clone(), payload).unwrap();
            (reading.timestamp(), Content::value(reading.value()))
        }
        TopicKind::Audio => {
            let received = mqtt::decode_clip(device.clone(), payload, &ClipLimits::default()).unwrap();
            (
                received.clip.timestamp,
                Content::Clip(audio::hash(&received.clip.data)),
            )
        }
        _ => return None,
    };
    Some(Record {
        device_id: device,
        kind,
        timestamp,
        content,
    })
}

pub async fn wait_until(mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it never happened");
}
