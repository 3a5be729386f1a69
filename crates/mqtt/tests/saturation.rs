//! Brokers at their limit: late answers to pings, and more deliveries at once than the receive maximum. In both versions.
#![allow(clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, time::Duration};

use mqtt::{Delivery, Event, Incoming, Protocol, Qos, Subscription, connect};
use support::{expect, message, options, subscribed, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

const PUBACK: u8 = 0x40;
const PUBLISH_QOS_1: u8 = 0x32;
const SUBSCRIBE: u8 = 0x82;
const PINGREQ: u8 = 0xc0;
/// Both versions of MQTT, in each of which a test runs.
const VERSIONS: [Protocol; 2] = [Protocol::V5, Protocol::V311];

/// A broker of our own, which does only what a test tells it.
struct Broker {
    listener: TcpListener,
    protocol: Protocol,
}

impl Broker {
    async fn start(protocol: Protocol) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            protocol,
        }
    }

    fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Accepts a connection whose session is present, without waiting for a subscription.
    async fn greet(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        read_packet(&mut stream).await.unwrap();
        let connack: &[u8] = match self.protocol {
            Protocol::V311 => &[0x20, 2, 1, 0],
            _ => &[0x20, 3, 1, 0, 0],
        };
        stream.write_all(connack).await.unwrap();
        stream
    }

    /// Accepts a connection with one subscription.
    async fn accept(&self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let mut stream = self.greet().await;
        let (first, subscribe) = read_packet(&mut stream).await.unwrap();
        assert_eq!(first, SUBSCRIBE);
        stream.write_all(&self.suback(&subscribe, &[1])).await.unwrap();
        TcpStream::into_split(stream)
    }

    /// The answer to a SUBSCRIBE with this content.
    fn suback(&self, subscribe: &[u8], codes: &[u8]) -> Vec<u8> {
        let properties: &[u8] = match self.protocol {
            Protocol::V311 => &[],
            _ => &[0],
        };
        let length = 2 + properties.len() + codes.len();
        [&[0x90, length as u8], &subscribe[..2], properties, codes].concat()
    }

    /// A message on topic `t`; `QoS` 0 without a packet id.
    fn publish(&self, packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
        publish(self.protocol, packet_id, payload)
    }
}

/// Returns the first byte and the content of the next packet; `None` at the end of the connection.
async fn read_packet(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content).await.ok()?;
    Some((first, content))
}

fn publish(protocol: Protocol, packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let id = packet_id.map(u16::to_be_bytes);
    let properties = usize::from(protocol != Protocol::V311);
    let mut length = 3 + id.map_or(0, |id| id.len()) + properties + payload.len();
    let mut packet = vec![if id.is_some() { 0x32 } else { 0x30 }];
    while length >= 0x80 {
        packet.push(length as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend([0, 1, b't']);
    packet.extend(id.iter().flatten());
    packet.extend(vec![0; properties]);
    packet.extend(payload);
    packet
}

fn subscribing(broker: &Broker) -> mqtt::ConnectionOptions {
    let mut options = options(broker.addr(), "subscriber").persistent(Duration::from_hours(1));
    options.subscriptions = vec![Subscription::new("t")];
    options.manual_acks = true;
    options.receive_maximum = 10;
    options.protocol = broker.protocol;
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_ping_does_not_end_a_connection_on_which_messages_arrive() {
    const PINGS: usize = 3;
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.keep_alive = Duration::from_secs(1);
        let (_own, mut incoming) = connect(options);
        let (mut reader, mut writer) = broker.accept().await;
        let packet = broker.publish(None, b"x");
        let sending = tokio::spawn(async move {
            // Ends with the connection.
            while writer.write_all(&packet).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let pinged = within("pings on one connection", async {
            let mut pings = 0;
            while pings < PINGS
                && let Some((first, _)) = read_packet(&mut reader).await
            {
                pings += usize::from(first == PINGREQ);
            }
            pings
        })
        .await;
        assert_eq!(pinged, PINGS, "the connection has ended");
        assert_eq!(incoming.stats().connects, 1);

        // Silence is still the end.
        sending.abort();
        expect(&mut incoming, "the end", |event| {
            matches!(event, Event::Disconnected { .. })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_sends_without_a_pause_is_pinged() {
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.keep_alive = Duration::from_secs(1);
        let (_own, _incoming) = connect(options);
        let (mut reader, mut writer) = broker.accept().await;
        let packets = broker.publish(None, &[b'x'; 100]).repeat(1_000);
        let flooding = tokio::spawn(async move { while writer.write_all(&packets).await.is_ok() {} });
        within("a ping", async {
            while read_packet(&mut reader).await.expect("the connection lives").0 != PINGREQ {}
        })
        .await;
        flooding.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_holds_everything_back_keeps_its_connection() {
    const LIMIT: usize = 10_000;
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.keep_alive = Duration::from_secs(1);
        options.max_unacknowledged_bytes = LIMIT;
        let (own, mut incoming) = connect(options);
        let (mut reader, mut writer) = broker.accept().await;
        let first = broker.publish(Some(1), &[b'x'; LIMIT]);
        writer.write_all(&first).await.unwrap();
        let held = message(&mut incoming).await;
        let sending = own.publish("elsewhere", "x", Qos::AtLeastOnce, false);
        within("room", sending).await.unwrap();
        // Nothing is read, so no answer to these pings would be; what there is to send is sent.
        let (mut pings, mut published) = (0, false);
        while pings < 4 {
            let next = within("a ping", read_packet(&mut reader)).await;
            match next.expect("the connection lives").0 {
                PINGREQ => pings += 1,
                other => published |= other == PUBLISH_QOS_1,
            }
        }
        assert!(published);
        incoming.ack(&held);
        let acknowledged = within("the acknowledgement", read_packet(&mut reader))
            .await
            .unwrap();
        assert_eq!(acknowledged.0, PUBACK);
        writer.write_all(&broker.publish(Some(2), b"next")).await.unwrap();
        assert_eq!(message(&mut incoming).await.payload, "next");
        assert_eq!(incoming.stats().connects, 1);
    }
}

/// Sends `count` messages at once and returns the packet ids in the order of their acknowledgements.
fn everything_at_once(broker: Broker, count: u16, bytes: usize) -> JoinHandle<Vec<u16>> {
    tokio::spawn(async move {
        let (mut reader, writer) = broker.accept().await;
        let sending = send(writer, broker.protocol, (1..=count).collect(), bytes);
        let acknowledged = acknowledgements(&mut reader, usize::from(count)).await;
        drop(sending.await.unwrap());
        acknowledged
    })
}

fn send(
    mut writer: OwnedWriteHalf,
    protocol: Protocol,
    packet_ids: Vec<u16>,
    bytes: usize,
) -> JoinHandle<OwnedWriteHalf> {
    tokio::spawn(async move {
        for packet_id in packet_ids {
            let payload = [&packet_id.to_be_bytes()[..], &vec![b'x'; bytes - 2]].concat();
            // An earlier end of the connection shows in what was acknowledged.
            if writer
                .write_all(&publish(protocol, Some(packet_id), &payload))
                .await
                .is_err()
            {
                break;
            }
        }
        writer
    })
}

/// Reads so many acknowledgements, or those before the end of the connection.
async fn acknowledgements(reader: &mut OwnedReadHalf, count: usize) -> Vec<u16> {
    let mut acknowledged = Vec::new();
    while acknowledged.len() < count
        && let Some((first, content)) = read_packet(reader).await
    {
        if first == PUBACK {
            acknowledged.push(u16::from_be_bytes([content[0], content[1]]));
        }
    }
    acknowledged
}

async fn received(incoming: &mut Incoming, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        deliveries.push(message(incoming).await);
    }
    deliveries
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_the_receive_maximum_is_acknowledged_in_turn_on_the_same_connection() {
    const MESSAGES: u16 = 5_000;
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let (_own, mut incoming) = connect(subscribing(&broker));
        let acknowledged = everything_at_once(broker, MESSAGES, 8 << 10);
        subscribed(&mut incoming).await;
        let held = received(&mut incoming, usize::from(MESSAGES)).await;
        assert!(held.iter().all(|delivery| delivery.qos == Qos::AtLeastOnce));
        held.iter().rev().for_each(|delivery| incoming.ack(delivery));
        let acknowledged = within("all acknowledgements", acknowledged).await.unwrap();
        assert_eq!(acknowledged, (1..=MESSAGES).collect::<Vec<_>>());
        assert_eq!(incoming.stats().connects, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_holds_enough_bytes_waits_for_its_consumer() {
    const MESSAGES: u16 = 500;
    const BYTES: usize = 64 << 10;
    const LIMIT: usize = 1 << 20;
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.max_unacknowledged_bytes = LIMIT;
        let (_own, mut incoming) = connect(options);
        let acknowledged = everything_at_once(broker, MESSAGES, BYTES);
        subscribed(&mut incoming).await;
        let mut most = 0;
        for _ in 0..MESSAGES {
            let delivery = message(&mut incoming).await;
            most = most.max(incoming.stats().held_bytes);
            incoming.ack(&delivery);
        }
        assert!(most < LIMIT * 2, "{most} bytes");
        let acknowledged = within("all acknowledgements", acknowledged).await.unwrap();
        assert_eq!(acknowledged, (1..=MESSAGES).collect::<Vec<_>>());
        assert_eq!(incoming.stats().connects, 1);
    }
}

/// A broker that forgets the receive maximum, sends everything it still holds again on each connection, and hangs up
/// after so many acknowledgements.
#[tokio::test(flavor = "multi_thread")]
async fn each_connection_makes_progress_although_everything_is_sent_again() {
    const MESSAGES: u16 = 2_000;
    const BYTES: usize = 4 << 10;
    const BEFORE_THE_CUT: usize = 600;
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.max_unacknowledged_bytes = 1 << 20;
        options.max_backoff = Duration::from_millis(20);
        let (_own, mut incoming) = connect(options);
        let consuming = tokio::spawn(async move {
            while let Some(event) = incoming.recv().await {
                if let Event::Message(delivery) = event {
                    incoming.ack(&delivery);
                }
            }
        });
        let mut left: Vec<u16> = (1..=MESSAGES).collect();
        let mut connections = 0;
        while !left.is_empty() {
            connections += 1;
            // In 3.1.1 the second connection has nothing to subscribe to any more.
            let stream = broker.greet().await;
            let (mut reader, mut writer) = stream.into_split();
            if connections == 1 || protocol != Protocol::V311 {
                let (_, subscribe) = read_packet(&mut reader).await.unwrap();
                writer.write_all(&broker.suback(&subscribe, &[1])).await.unwrap();
            }
            let sending = send(writer, protocol, left.clone(), BYTES);
            let wanted = BEFORE_THE_CUT.min(left.len());
            let acknowledged = within("progress", acknowledgements(&mut reader, wanted)).await;
            assert_eq!(acknowledged, left[..wanted], "connection {connections}");
            left.drain(..wanted);
            drop(reader);
            sending.abort();
        }
        assert_eq!(connections, usize::from(MESSAGES).div_ceil(BEFORE_THE_CUT));
        consuming.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_subscription_is_requested_and_told_again_after_each_reconnect() {
    for protocol in VERSIONS {
        let broker = Broker::start(protocol).await;
        let mut options = subscribing(&broker);
        options.subscriptions.push(Subscription::new("u"));
        options.max_backoff = Duration::from_millis(20);
        let (_own, mut incoming) = connect(options);
        let refused = |event: &Event| {
            *event
                == Event::SubscriptionRefused {
                    filters: vec!["u".to_owned()],
                }
        };
        for connection in 1..=3 {
            let mut stream = broker.greet().await;
            let (_, subscribe) = within("the request", read_packet(&mut stream)).await.unwrap();
            // MQTT 3.1.1 would send what is retained again for the filter that it has granted.
            let asks_for_both = connection == 1 || protocol != Protocol::V311;
            let codes: &[u8] = if asks_for_both { &[1, 0x80] } else { &[0x80] };
            let filters = subscribe[2..]
                .windows(3)
                .filter(|bytes| bytes[..2] == [0, 1])
                .count();
            assert_eq!(filters, codes.len(), "{subscribe:?}");
            stream.write_all(&broker.suback(&subscribe, codes)).await.unwrap();
            expect(&mut incoming, "the refusal", refused).await;
        }
        let mut stream = broker.greet().await;
        let (_, subscribe) = within("the request", read_packet(&mut stream)).await.unwrap();
        let codes: &[u8] = if protocol == Protocol::V311 { &[1] } else { &[1, 1] };
        stream.write_all(&broker.suback(&subscribe, codes)).await.unwrap();
        subscribed(&mut incoming).await;
    }
}
