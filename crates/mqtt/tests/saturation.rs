//! Brokers at their limit: late answers to pings, and more deliveries at once than the receive maximum.
#![allow(clippy::unwrap_used)]

mod support;

use std::{net::SocketAddr, time::Duration};

use mqtt::{Delivery, Event, Incoming, Qos, Subscription, connect};
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
const SUBSCRIBE: u8 = 0x82;
const PINGREQ: u8 = 0xc0;
/// A session that is present.
const CONNACK: &[u8] = &[0x20, 3, 1, 0, 0];
/// The same with a keep-alive of 1 s, set by the broker.
const CONNACK_KEEP_ALIVE: &[u8] = &[0x20, 6, 1, 0, 3, 0x13, 0, 1];

/// A broker of our own for one connection, which does only what a test tells it.
struct Broker {
    listener: TcpListener,
}

impl Broker {
    async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    fn addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Accepts a connection with one subscription.
    async fn accept(&self, connack: &[u8]) -> (OwnedReadHalf, OwnedWriteHalf) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        read_packet(&mut stream).await.unwrap();
        stream.write_all(connack).await.unwrap();
        let (first, subscribe) = read_packet(&mut stream).await.unwrap();
        assert_eq!(first, SUBSCRIBE);
        let suback = [0x90, 4, subscribe[0], subscribe[1], 0, 1];
        stream.write_all(&suback).await.unwrap();
        TcpStream::into_split(stream)
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

/// A message on topic `t`; `QoS` 0 without a packet id.
fn publish(packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let id = packet_id.map(u16::to_be_bytes);
    let mut length = 3 + id.map_or(0, |id| id.len()) + 1 + payload.len();
    let mut packet = vec![if id.is_some() { 0x32 } else { 0x30 }];
    while length >= 0x80 {
        packet.push(length as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend([0, 1, b't']);
    packet.extend(id.iter().flatten());
    packet.push(0);
    packet.extend(payload);
    packet
}

fn subscribing(broker: &Broker) -> mqtt::ConnectionOptions {
    let mut options = options(broker.addr(), "subscriber").persistent(Duration::from_hours(1));
    options.subscriptions = vec![Subscription::new("t")];
    options.manual_acks = true;
    options.receive_maximum = 10;
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_ping_does_not_end_a_connection_on_which_messages_arrive() {
    const PINGS: usize = 4;
    let broker = Broker::start().await;
    let (_own, mut incoming) = connect(subscribing(&broker));
    let (mut reader, mut writer) = broker.accept(CONNACK_KEEP_ALIVE).await;
    let sending = tokio::spawn(async move {
        // Ends with the connection.
        while writer.write_all(&publish(None, b"x")).await.is_ok() {
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

/// Sends `count` messages at once and returns the packet ids in the order of their acknowledgements.
fn everything_at_once(broker: Broker, count: u16, bytes: usize) -> JoinHandle<Vec<u16>> {
    tokio::spawn(async move {
        let (mut reader, mut writer) = broker.accept(CONNACK).await;
        let sending = tokio::spawn(async move {
            for packet_id in 1..=count {
                let payload = vec![b'x'; bytes];
                writer
                    .write_all(&publish(Some(packet_id), &payload))
                    .await
                    .unwrap();
            }
            writer
        });
        let mut acknowledged = Vec::new();
        while acknowledged.len() < usize::from(count)
            && let Some((first, content)) = read_packet(&mut reader).await
        {
            if first == PUBACK {
                acknowledged.push(u16::from_be_bytes([content[0], content[1]]));
            }
        }
        drop(sending.await.unwrap());
        acknowledged
    })
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
    let broker = Broker::start().await;
    let options = subscribing(&broker);
    let (_own, mut incoming) = connect(options);
    let acknowledged = everything_at_once(broker, MESSAGES, 8 << 10);
    subscribed(&mut incoming).await;
    let held = received(&mut incoming, usize::from(MESSAGES)).await;
    assert!(held.iter().all(|delivery| delivery.qos == Qos::AtLeastOnce));
    held.iter().rev().for_each(|delivery| incoming.ack(delivery));
    let acknowledged = within("all acknowledgements", acknowledged).await.unwrap();
    assert_eq!(acknowledged, (1..=MESSAGES).collect::<Vec<_>>());
    assert_eq!(incoming.stats().connects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_holds_enough_bytes_waits_for_its_consumer() {
    const MESSAGES: u16 = 500;
    const BYTES: usize = 64 << 10;
    const LIMIT: usize = 1 << 20;
    let broker = Broker::start().await;
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
