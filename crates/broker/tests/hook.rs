//! The hook is awaited before the acknowledgement, receives every allowed publish, and can withhold it.

mod support;

use std::time::Instant;

use broker::Qos;
use rumqttc::v5::mqttbytes::{
    QoS,
    v5::{LastWill, Packet, PubAckReason},
};
use support::{Client, SLOW, Seen, client_options, mosquitto, start, within};

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
