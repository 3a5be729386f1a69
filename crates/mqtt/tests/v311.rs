//! MQTT 3.1.1: with Mosquitto, which speaks both, and through a line behind which nobody knows MQTT 5.
#![allow(clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, time::Duration};

use mqtt::{ConnectionOptions, Event, Protocol, Qos, Subscription, connect};
use support::{expect, message, options, subscribed, within};
use testkit::{Mosquitto, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

fn old(broker: SocketAddr, client_id: &str) -> ConnectionOptions {
    ConnectionOptions {
        protocol: Protocol::V311,
        ..options(broker, client_id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_connection_and_repeats_what_was_not_acknowledged() {
    let mosquitto = Mosquitto::start().unwrap();
    let proxy = Proxy::start(mosquitto.addr()).await.unwrap();
    let (publisher, _events) = connect(old(mosquitto.addr(), "publisher"));
    publisher
        .publish_confirmed("t/kept", "retained", Qos::AtLeastOnce, true)
        .await
        .unwrap();
    let mut subscribing = old(proxy.addr(), "subscriber").persistent(Duration::from_hours(1));
    subscribing.subscriptions = vec![Subscription::new("t/#")];
    subscribing.manual_acks = true;
    let (own, mut incoming) = connect(subscribing);
    let retained = message(&mut incoming).await;
    assert!(retained.retain && retained.payload == "retained");
    incoming.ack(&retained);

    for text in ["1", "2", "3"] {
        publisher
            .publish_confirmed("t/x", text, Qos::AtLeastOnce, false)
            .await
            .unwrap();
    }
    let (first, second) = (message(&mut incoming).await, message(&mut incoming).await);
    incoming.ack(&first);
    // Behind the acknowledgement on the same line: the broker has both when this is confirmed.
    own.publish_confirmed("elsewhere", "", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    publisher
        .publish_confirmed("t/x", "4", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    let third = message(&mut incoming).await;
    let fourth = message(&mut incoming).await;
    assert_eq!((&*third.payload, &*fourth.payload), (&b"3"[..], &b"4"[..]));
    proxy.cut_connections().await;
    expect(&mut incoming, "the session", |event| {
        *event
            == Event::Connected {
                session_present: true,
            }
    })
    .await;
    // Nothing that is retained comes again, and an acknowledgement of the old connection goes nowhere.
    incoming.ack(&second);
    let mut again = Vec::new();
    for _ in 0..3 {
        let delivery = message(&mut incoming).await;
        assert!(delivery.dup);
        incoming.ack(&delivery);
        again.push(delivery.payload);
    }
    assert_eq!(again, ["2", "3", "4"]);
    assert_eq!(incoming.stats().stale_acks, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_any_size_is_read_because_it_cannot_be_declined() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut subscribing = old(mosquitto.addr(), "subscriber");
    subscribing.subscriptions = vec![Subscription::new("t")];
    let (_own, mut incoming) = connect(subscribing);
    subscribed(&mut incoming).await;
    let mut publishing = old(mosquitto.addr(), "publisher");
    publishing.max_packet_bytes = 32 << 20;
    publishing.max_queued_bytes = 64 << 20;
    let (publisher, _events) = connect(publishing);
    let large = vec![b'x'; 20 << 20];
    within(
        "the large message",
        publisher.publish_confirmed("t", large, Qos::AtLeastOnce, false),
    )
    .await
    .unwrap();
    publisher
        .publish_confirmed("t", "small", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(message(&mut incoming).await.payload.len(), 20 << 20);
    assert_eq!(message(&mut incoming).await.payload, "small");
    assert_eq!(incoming.stats().connects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_mqtt_5_is_spoken_to_in_its_own_version() {
    let mosquitto = Mosquitto::start().unwrap();
    for refusal in [&[0x20, 0x02, 0x00, 0x01][..], &[]] {
        let proxy = Proxy::start(mosquitto.addr()).await.unwrap();
        let gate = Gate::before(proxy.addr(), refusal).await;
        let mut subscribing = options(gate.addr, "subscriber");
        subscribing.subscriptions = vec![Subscription::new("t")];
        let (_own, mut incoming) = connect(subscribing);
        subscribed(&mut incoming).await;
        let (publisher, _events) = connect(options(gate.addr, "publisher"));
        within(
            "the acknowledgement",
            publisher.publish_confirmed("t", "hello", Qos::AtLeastOnce, false),
        )
        .await
        .unwrap();
        assert_eq!(message(&mut incoming).await.payload, "hello");

        proxy.cut_connections().await;
        subscribed(&mut incoming).await;
        within(
            "the acknowledgement",
            publisher.publish_confirmed("t", "again", Qos::AtLeastOnce, false),
        )
        .await
        .unwrap();
        assert_eq!(message(&mut incoming).await.payload, "again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_mqtt_5_alone_gets_nothing_else() {
    let mosquitto = Mosquitto::start().unwrap();
    let gate = Gate::before(mosquitto.addr(), &[]).await;
    let (_own, mut incoming) = connect(ConnectionOptions {
        protocol: Protocol::V5,
        max_backoff: Duration::from_millis(20),
        ..options(gate.addr, "new")
    });
    expect(&mut incoming, "the refusal", |event| {
        matches!(event, Event::Disconnected { .. })
    })
    .await;
    within("a few more attempts", async {
        while *gate.refused.borrow() < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(incoming.stats().connects, 0);
}

/// Hangs up on whoever greets in MQTT 5, after `refusal`; all others it carries to the broker.
struct Gate {
    addr: SocketAddr,
    refused: tokio::sync::watch::Receiver<u32>,
    task: JoinHandle<()>,
}

impl Gate {
    async fn before(broker: SocketAddr, refusal: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (count, refused) = tokio::sync::watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                // A fixed header of two bytes (the greeting is short), "MQTT" with its length, and the version.
                let mut greeting = [0; 9];
                near.read_exact(&mut greeting).await.unwrap();
                if greeting[8] == 5 {
                    near.write_all(refusal).await.unwrap();
                    count.send_modify(|count| *count += 1);
                    continue;
                }
                assert_eq!(greeting[8], 4);
                let mut far = TcpStream::connect(broker).await.unwrap();
                far.write_all(&greeting).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
            }
        });
        Self { addr, refused, task }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}
