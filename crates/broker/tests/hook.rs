//! The hook is awaited before the acknowledgement, receives every allowed publish, and can withhold it.

mod support;

use std::time::Instant;

use broker::Qos;
use rumqttc::v5::mqttbytes::{
    QoS,
    v5::{LastWill, Packet, PubAckReason},
};
use support::{Client, SLOW, Seen, client_options, mosquitto, raw, raw::Raw, start, within};

fn seen(topic: &str, bytes: usize, qos: Qos, client_id: &str) -> Seen {
    Seen {
        topic: topic.into(),
        bytes,
        qos,
        retain: false,
        client_id: client_id.into(),
        last_will: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_hook_delays_its_puback_and_no_other_client() {
    let (broker, mut sees) = start().await;
    let mut slow = Client::connect(broker.listen(), "slow").await;
    let mut quick = Client::connect(broker.listen(), "quick").await;
    let begun = Instant::now();
    slow.publish("slow/a", "x", false).await;
    quick.publish("quick/a", "x", false).await;
    quick.puback().await;
    assert!(begun.elapsed() < SLOW, "another connection waited");
    slow.puback().await;
    assert!(
        begun.elapsed() >= SLOW,
        "acknowledged before the hook was done: {:?}",
        begun.elapsed()
    );
    assert_eq!(
        sees.recv().await.unwrap(),
        seen("quick/a", 1, Qos::AtLeastOnce, "quick")
    );
    assert_eq!(
        sees.recv().await.unwrap(),
        seen("slow/a", 1, Qos::AtLeastOnce, "slow")
    );
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publish_is_acknowledged_and_not_routed() {
    let (broker, mut sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("#").await;
    let mut device = Client::connect(broker.listen(), "device").await;
    device.publish("refused/a", "x", true).await;
    device
        .expect(
            "the refusal",
            |packet| matches!(packet, Packet::PubAck(puback) if puback.reason == PubAckReason::QuotaExceeded),
        )
        .await;
    // MQTT 3.1.1 has no reason codes; the connection stays open.
    let sent = mosquitto(
        "mosquitto_pub",
        broker.listen(),
        &["-q", "1", "-t", "refused/b", "-m", "x", "--repeat", "2"],
    )
    .await;
    assert!(sent.status.success(), "{sent:?}");
    device.publish("after", "x", false).await;
    device.puback().await;
    assert_eq!(listener.message().await.0, "after");
    for topic in ["refused/a", "refused/b", "refused/b", "after"] {
        assert_eq!(within("the hook", sees.recv()).await.unwrap().topic, topic);
    }
    // It is not retained, either.
    let mut later = Client::connect(broker.listen(), "later").await;
    later.subscribe("#").await;
    device.publish("last", "x", false).await;
    assert_eq!(later.message().await.0, "last");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withheld_publish_is_neither_acknowledged_nor_routed() {
    let (broker, mut sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("#").await;
    let mut device = Client::connect(broker.listen(), "device").await;
    device.publish("withheld/a", "x", false).await;
    device.closed(|packet| matches!(packet, Packet::PubAck(_))).await;
    assert_eq!(within("the hook", sees.recv()).await.unwrap().topic, "withheld/a");

    let mut device = Client::connect(broker.listen(), "device").await;
    device.publish("next/a", "y", false).await;
    device.puback().await;
    assert_eq!(listener.message().await.0, "next/a");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_ahead_is_routed_at_once_and_acknowledged_in_turn() {
    let (broker, _sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("#").await;
    let mut sender = Raw::v3(broker.listen(), "sender").await;
    let begun = Instant::now();
    for (id, topic) in [(1, "ahead/a"), (2, "next"), (3, "ahead/b")] {
        sender.send(&raw::publish(false, 1, id, topic, b"x")).await;
    }
    assert_eq!(listener.message().await.0, "ahead/a");
    assert!(begun.elapsed() < SLOW, "it waited for its acknowledgement");
    // What came behind it keeps its place.
    assert_eq!(listener.message().await.0, "next");
    assert_eq!(listener.message().await.0, "ahead/b");
    for id in 1..=3 {
        assert_eq!(sender.packet_of(4).await.body, [0, id]);
    }
    assert!(begun.elapsed() >= SLOW, "acknowledged before it was accepted");
    // A subscription behind it gets nothing of what was published before.
    sender.send(&raw::publish(false, 1, 4, "ahead/c", b"x")).await;
    sender.send(&raw::publish(false, 1, 5, "before", b"x")).await;
    sender.subscribe(false, "before", 0).await;
    sender.send(&raw::publish(false, 1, 6, "before", b"y")).await;
    assert!(sender.packet_of(3).await.body.ends_with(b"y"));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_ahead_and_is_withheld_ends_the_connection_without_acknowledgement() {
    let (broker, _sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("#").await;
    let mut device = Client::connect(broker.listen(), "device").await;
    device.publish("ahead/withheld/a", "x", false).await;
    device.closed(|packet| matches!(packet, Packet::PubAck(_))).await;
    assert_eq!(listener.message().await.0, "ahead/withheld/a");
    // At QoS 2 it waits: it must not be routed twice.
    let mut device = Client::connect(broker.listen(), "device").await;
    let (qos, topic) = (QoS::ExactlyOnce, "ahead/withheld/b");
    device.sender.publish(topic, qos, false, "x").await.unwrap();
    device.closed(|packet| matches!(packet, Packet::PubRec(_))).await;
    let other = Client::connect(broker.listen(), "other").await;
    other.publish("next", "x", false).await;
    assert_eq!(listener.message().await.0, "next");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_qos_passes_the_hook() {
    let (broker, mut sees) = start().await;
    let client = Client::connect(broker.listen(), "c").await;
    for (wire, qos) in [
        (QoS::AtMostOnce, Qos::AtMostOnce),
        (QoS::AtLeastOnce, Qos::AtLeastOnce),
        (QoS::ExactlyOnce, Qos::ExactlyOnce),
    ] {
        client.sender.publish("t", wire, false, "abc").await.unwrap();
        assert_eq!(
            within("the hook", sees.recv()).await.unwrap(),
            seen("t", 3, qos, "c")
        );
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_clients_will_passes_the_hook() {
    let (broker, mut sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("device/+/status").await;
    let mut options = client_options(broker.listen(), "d");
    options.set_last_will(LastWill::new(
        "device/d/status",
        "offline",
        QoS::AtLeastOnce,
        true,
        None,
    ));
    drop(Client::with(options).await);
    assert_eq!(
        listener.message().await,
        ("device/d/status".into(), b"offline".to_vec())
    );
    let will = within("the hook", sees.recv()).await.unwrap();
    assert!(will.last_will && will.retain && will.client_id == "d", "{will:?}");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_own_topics_are_refused() {
    let (broker, mut sees) = start().await;
    let mut client = Client::connect(broker.listen(), "c").await;
    client.publish("$SYS/broker/version", "me", true).await;
    match client
        .expect("PUBACK", |packet| matches!(packet, Packet::PubAck(_)))
        .await
    {
        Packet::PubAck(ack) => assert_eq!(ack.reason, PubAckReason::NotAuthorized),
        _ => unreachable!(),
    }
    client.publish("mine", "x", false).await;
    client.puback().await;
    assert_eq!(within("the hook", sees.recv()).await.unwrap().topic, "mine");
    broker.stop().await;
}
