//! What the embedded broker keeps over `kill -9` of `casement up`: retained messages, and the sessions of clients that are
//! away, with their subscriptions and messages.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, time::Duration};

use mqtt::{BrokerUrl, ConnectionOptions, Event, Incoming, Publisher, Qos, Subscription};
use support::client::Client;

/// Connects a client whose session lasts; returns when it is connected.
async fn bridge(broker: SocketAddr, filters: &[&str]) -> (Publisher, Incoming) {
    let url = BrokerUrl::tcp(broker.ip().to_string(), broker.port());
    let mut options = ConnectionOptions::new(url, "bridge").persistent(Duration::from_hours(1));
    options.subscriptions = filters.iter().map(|filter| Subscription::new(*filter)).collect();
    let (publisher, mut incoming) = mqtt::connect(options);
    loop {
        match next(&mut incoming).await {
            Event::Subscribed => break,
            Event::Connected { .. } if filters.is_empty() => break,
            _ => {}
        }
    }
    (publisher, incoming)
}

async fn next(incoming: &mut Incoming) -> Event {
    tokio::time::timeout(Duration::from_secs(10), incoming.recv())
        .await
        .expect("the broker said nothing")
        .expect("the connection ended")
}

async fn publish(client: &Client, topic: &str, payload: &'static str, retain: bool) {
    let confirmed = client
        .publisher
        .publish_confirmed(topic, payload.as_bytes(), Qos::AtLeastOnce, retain);
    confirmed.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_retained_messages_survive_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    drop(bridge(up.mqtt, &["lamp/+/status"]).await);
    let device = Client::connect(up.mqtt, &[]).await;
    publish(&device, "lamp/sensor-001/status", "online", true).await;
    publish(&device, "homeassistant/sensor/sensor-001/config", "{}", true).await;
    publish(&device, "homeassistant/sensor/gone/config", "{}", true).await;
    publish(&device, "homeassistant/sensor/gone/config", "", true).await;
    drop(device);
    // It kills.
    up.restart().unwrap();
    // The bridge's subscription is there before the bridge is.
    let device = Client::connect(up.mqtt, &[]).await;
    publish(&device, "lamp/sensor-002/status", "online", false).await;
    let (_publisher, mut incoming) = bridge(up.mqtt, &[]).await;
    let mut topics = Vec::new();
    while topics.len() < 2 {
        if let Event::Message(delivery) = next(&mut incoming).await {
            topics.push(delivery.topic);
        }
    }
    assert_eq!(topics, ["lamp/sensor-001/status", "lamp/sensor-002/status"]);
    let mut page = Client::connect(up.mqtt, &["homeassistant/#"]).await;
    let delivery = page.message().await;
    assert_eq!(
        (delivery.topic.as_str(), &delivery.payload[..]),
        ("homeassistant/sensor/sensor-001/config", &b"{}"[..])
    );
    let metrics = testkit::get(&format!("http://{}/metrics", up.http)).unwrap();
    assert!(
        metrics.contains("casement_broker_stored_messages 2\n"),
        "the queue is empty again, two messages are retained: {metrics}"
    );
    assert!(metrics.contains("casement_broker_limit_greeting_bytes_total 0\n"));
    assert!(data.path().join("broker/records").is_dir());
}
