//! The ways into the broker from its own process.

mod support;

use std::time::{Duration, Instant};

use broker::{BrokerOptions, EventKind};
use support::{Client, House, options, raw, raw::Raw, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_process_reaches_subscribers_and_not_the_hook() {
    let (broker, mut sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("ml/#").await;
    let publisher = broker.local_publisher();
    for wrong in ["", "ml/+", "$SYS/broker/version", "ml/\0"] {
        assert!(!publisher.publish(wrong.into(), "x".into(), None), "{wrong:?}");
    }
    let past = Instant::now().checked_sub(Duration::from_secs(1));
    assert!(publisher.publish("ml/late".into(), "x".into(), past));
    let soon = Instant::now().checked_add(Duration::from_mins(1));
    assert!(publisher.publish("ml/a".into(), "payload".into(), soon));
    assert_eq!(listener.message().await, ("ml/a".into(), b"payload".to_vec()));
    assert!(sees.try_recv().is_err(), "the hook is not asked");
    // It is not retained.
    let mut later = Client::connect(broker.listen(), "later").await;
    later.subscribe("ml/#").await;
    later.publish("ml/b", "x", false).await;
    assert_eq!(later.message().await.0, "ml/b");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_gets_in_where_strangers_took_every_place() {
    let mut house = House::start(BrokerOptions {
        max_connections: 1,
        ..options()
    })
    .await;
    let mut stranger = Client::connect(house.address(), "stranger").await;
    stranger.subscribe("window/#").await;
    let mut refused = Raw::open(house.address()).await;
    refused
        .send(&raw::connect(4, "another", &raw::Greeting::default()))
        .await;
    house.event(EventKind::ConnectionLimit).await;
    assert!(refused.packet().await.is_none_or(|answer| answer.body[1] != 0));

    let connector = house.broker.local_connector();
    let mut own = Raw::v3_over(connector.connect().unwrap(), "own").await;
    // More than the pipe holds at once.
    let large = vec![b'x'; 1 << 20];
    own.send(&raw::publish(false, 1, 7, "window/w/control", &large))
        .await;
    assert_eq!(own.packet_of(4).await.body, [0, 7]);
    assert_eq!(stranger.message().await.1, large);
    own.subscribe(false, "#", 1).await;
    stranger.publish("sensor/a/audio", large.clone(), false).await;
    let received = own.packet_of(3).await;
    assert!(received.body.ends_with(&large));

    house.broker.stop().await;
    assert!(own.packet().await.is_none(), "closed with the broker");
    assert!(connector.connect().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_retains_a_message_and_clears_it_again() {
    let (broker, _sees) = start().await;
    let publisher = broker.local_publisher();
    let topic = || "device/a/config".to_owned();
    assert!(publisher.publish_retained(topic(), "old".into(), None));
    assert!(publisher.publish_retained(topic(), "new".into(), None));
    let past = Instant::now().checked_sub(Duration::from_secs(1));
    assert!(publisher.publish_retained("device/a/time".into(), "x".into(), past));
    let mut device = Client::connect(broker.listen(), "device").await;
    device.subscribe("device/a/#").await;
    assert_eq!(
        device.message().await,
        ("device/a/config".into(), b"new".to_vec())
    );
    assert!(publisher.publish_retained(topic(), "".into(), None));
    assert_eq!(device.message().await, (topic(), Vec::new()));
    let mut later = Client::connect(broker.listen(), "later").await;
    later.subscribe("device/a/#").await;
    later.publish("device/a/x", "x", false).await;
    assert_eq!(later.message().await.0, "device/a/x", "nothing is left");
    broker.stop().await;
}
