//! An MQTT client for tests: publishes at QoS 1 until acknowledged, and waits for what it subscribed to.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use domain::Timestamp;
use mqtt::{BrokerUrl, ConnectionOptions, Delivery, Event, Incoming, Publisher, Qos, Subscription};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

pub struct Client {
    pub publisher: Publisher,
    incoming: Incoming,
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

pub fn reading(value: f64, timestamp: Timestamp) -> Bytes {
    format!(r#"{{"value": {value}, "timestamp": "{timestamp}"}}"#).into()
}

impl Client {
    /// Connects and subscribes; returns when the broker has granted it.
    pub async fn connect(broker: SocketAddr, filters: &[&str]) -> Self {
        let mut options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
        options.max_packet_bytes = 64 << 20;
        options.max_queued_bytes = 64 << 20;
        options.subscriptions = filters.iter().map(|filter| Subscription::new(*filter)).collect();
        let (publisher, incoming) = mqtt::connect(options);
        let mut client = Self { publisher, incoming };
        loop {
            match client.event().await {
                Event::Subscribed => break,
                Event::Connected { .. } if filters.is_empty() => break,
                _ => {}
            }
        }
        client
    }

    async fn event(&mut self) -> Event {
        tokio::time::timeout(PATIENCE, self.incoming.recv())
            .await
            .expect("the broker said nothing")
            .expect("the connection ended")
    }

    /// Publishes and returns when the broker has acknowledged.
    pub async fn publish(&self, topic: &str, payload: impl Into<Bytes>) {
        let confirmed = self
            .publisher
            .publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
        tokio::time::timeout(PATIENCE, confirmed)
            .await
            .expect("no acknowledgement")
            .unwrap();
    }

    pub async fn message(&mut self) -> Delivery {
        loop {
            if let Event::Message(delivery) = self.event().await {
                return delivery;
            }
        }
    }

    /// The next message, within a time of the caller's.
    pub async fn json_in_time(&mut self, patience: Duration) -> (String, Value) {
        self.json_within(patience).await.expect("a message in time")
    }

    /// The next message, if one comes within a time.
    pub async fn json_within(&mut self, patience: Duration) -> Option<(String, Value)> {
        let next = async {
            loop {
                if let Event::Message(delivery) = self.incoming.recv().await.expect("the connection ended") {
                    return delivery;
                }
            }
        };
        let delivery = tokio::time::timeout(patience, next).await.ok()?;
        Some((delivery.topic, serde_json::from_slice(&delivery.payload).unwrap()))
    }

    pub async fn json(&mut self) -> (String, Value) {
        let delivery = self.message().await;
        (delivery.topic, serde_json::from_slice(&delivery.payload).unwrap())
    }
}
