//! Each limit, just inside and just outside.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use broker::{BrokerOptions, EventKind, RateLimits};
use support::{
    House, options,
    raw::{Greeting, Raw, connect, packet, publish, text},
    within,
};

const QUOTA_EXCEEDED: u8 = 0x97;
const TOO_LARGE: u8 = 0x95;

async fn answer(house: &House, greeting: &[u8]) -> Option<Vec<u8>> {
    let mut raw = Raw::open(house.address()).await;
    raw.send(greeting).await;
    raw.packet().await.map(|packet| packet.body)
}

/// A CONNECT with a will of so many bytes in its payload.
fn with_will(level: u8, topic: &str, bytes: usize) -> Vec<u8> {
    let greeting = Greeting {
        will: Some((topic.to_owned(), vec![b'x'; bytes])),
        ..Greeting::default()
    };
    connect(level, "client", &greeting)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_greeting_and_its_will() {
    let sizes = |greeting: u32, will: u32| BrokerOptions {
        max_greeting_bytes: greeting,
        max_will_bytes: will,
        ..options()
    };
    let largest = with_will(4, "will", 1_000);
    let mut house = House::start(sizes(largest.len() as u32, 1_000)).await;
    assert_eq!(answer(&house, &largest).await.unwrap()[1], 0);
    assert_eq!(answer(&house, &with_will(4, "will", 1_001)).await, None);
    let event = house.event(EventKind::QuotaExceeded).await;
    assert!(event.reason.contains("CONNECT is larger"), "{event:?}");
    house.figure("limit_greeting_bytes", 1).await;
    // The size is known before the bytes have come.
    assert_eq!(answer(&house, &[0x10, 0xFF, 0xFF, 0xFF, 0x7F]).await, None);
    house.figure("limit_greeting_bytes", 2).await;

    let house = House::start(sizes(64 << 10, 1_000)).await;
    assert_eq!(answer(&house, &with_will(5, "will", 1_000)).await.unwrap()[1], 0);
    assert_eq!(
        answer(&house, &with_will(5, "will", 1_001)).await.unwrap()[1],
        QUOTA_EXCEEDED
    );
    assert_eq!(answer(&house, &with_will(4, "will", 1_001)).await.unwrap()[1], 3);
    house.figure("limit_will_bytes", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_of_topics() {
    let house = House::start(BrokerOptions {
        max_topic_levels: 3,
        ..options()
    })
    .await;
    let mut raw = Raw::v5(house.address(), "client", &[]).await;
    assert_eq!(raw.subscribe(true, "a/b/#", 0).await.body[3], 0);
    assert_eq!(raw.subscribe(true, "a/b/c/#", 0).await.body[3], QUOTA_EXCEEDED);
    assert_eq!(raw.subscribe(true, "$share/g/a/b/c", 0).await.body[3], 0);
    raw.send(&publish(true, 1, 1, "a/b/c", b"x")).await;
    raw.packet_of(4).await;
    raw.send(&publish(true, 1, 2, "a/b/c/d", b"x")).await;
    assert_eq!(raw.disconnected().await, 0x90, "topic name invalid");
    assert_eq!(answer(&house, &with_will(5, "a/b/c", 1)).await.unwrap()[1], 0);
    assert_eq!(
        answer(&house, &with_will(5, "a/b/c/d", 1)).await.unwrap()[1],
        QUOTA_EXCEEDED
    );
    house.figure("limit_topic_levels", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_and_sessions() {
    let house = House::start(BrokerOptions {
        max_subscriptions: 2,
        max_sessions: 2,
        ..options()
    })
    .await;
    let mut raw = Raw::v5(house.address(), "one", &[]).await;
    for (filter, code) in [("a", 0), ("b", 0), ("a", 0), ("c", QUOTA_EXCEEDED)] {
        assert_eq!(raw.subscribe(true, filter, 0).await.body[3], code, "{filter}");
    }
    house.figure("limit_subscriptions", 1).await;
    let two = Raw::v5(house.address(), "two", &[]).await;
    let third = connect(5, "three", &Greeting::default());
    assert_eq!(answer(&house, &third).await.unwrap()[1], QUOTA_EXCEEDED);
    house.figure("limit_sessions", 1).await;
    drop(two);
    house.figure("sessions", 1).await;
    assert_eq!(answer(&house, &third).await.unwrap()[1], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages() {
    let house = House::start(BrokerOptions {
        max_retained_bytes: 10,
        ..options()
    })
    .await;
    let mut raw = Raw::v3(house.address(), "client").await;
    for (topic, bytes) in [("within", 10), ("outside", 11)] {
        let mut bytes = publish(false, 1, 1, topic, &vec![b'x'; bytes]);
        bytes[0] |= 1;
        raw.send(&bytes).await;
        raw.packet_of(4).await;
    }
    house.figure("limit_retained_payload", 1).await;
    let mut reader = Raw::v3(house.address(), "reader").await;
    reader.subscribe(false, "+", 0).await;
    assert_eq!(support::raw::message(&reader.packet_of(3).await).0, "within");
    assert!(reader.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets() {
    let largest = publish(true, 1, 1, "t", &[0; 10_000]);
    let house = House::start(BrokerOptions {
        max_packet_bytes: largest.len() as u32,
        ..options()
    })
    .await;
    let mut raw = Raw::v5(house.address(), "client", &[]).await;
    raw.send(&largest).await;
    raw.packet_of(4).await;
    raw.send(&publish(true, 1, 1, "t", &[0; 10_001])).await;
    assert_eq!(raw.disconnected().await, TOO_LARGE);
    house.figure("limit_packet_bytes", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_that_have_arrived_in_part() {
    let house = House::start(BrokerOptions {
        max_partial_bytes: 300_000,
        ..options()
    })
    .await;
    let mut clients = Vec::new();
    for i in 0..4 {
        clients.push(Raw::v5(house.address(), &i.to_string(), &[]).await);
    }
    let whole = publish(true, 1, 1, "t", &vec![0; 200_000]);
    clients[0].send(&whole[..199_000]).await;
    house.figure("partial_bytes", 199_000).await;
    clients[1].send(&whole[..100_000]).await;
    house.figure("partial_bytes", 299_000).await;
    // Beyond the total a quarter of it is everybody's.
    clients[2].send(&whole[..70_000]).await;
    house.figure("partial_bytes", 369_000).await;
    clients[2].send(&whole[70_000..80_000]).await;
    assert_eq!(clients[2].disconnected().await, QUOTA_EXCEEDED);
    house.figure("partial_bytes", 299_000).await;
    clients[3].send(&publish(true, 1, 1, "t", b"small")).await;
    clients[3].packet_of(4).await;
    // Those who were within the total go on.
    clients[0].send(&whole[199_000..]).await;
    clients[0].packet_of(4).await;
    house.figure("limit_partial_bytes", 1).await;
    drop(clients);
    house.figure("partial_bytes", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_too_fast_is_read_more_slowly() {
    let house = House::start(BrokerOptions {
        rates: RateLimits {
            packets_per_s: 20,
            bytes_per_s: 0,
            burst_s: 1,
        },
        limit_rates_of_loopback: true,
        ..options()
    })
    .await;
    let mut raw = Raw::v5(house.address(), "client", &[]).await;
    let started = Instant::now();
    let send = |from: u16, to: u16| -> Vec<u8> {
        (from..to)
            .flat_map(|id| publish(true, 1, id, "t", b"x"))
            .collect()
    };
    // The burst is free.
    raw.send(&send(1, 21)).await;
    for _ in 0..20 {
        raw.packet_of(4).await;
    }
    house.figure("limit_rate", 0).await;
    raw.send(&send(21, 41)).await;
    for _ in 0..20 {
        raw.packet_of(4).await;
    }
    // 40 packets less the burst of 20, and the last one is not waited for.
    assert!(
        started.elapsed() >= Duration::from_millis(900),
        "{:?}",
        started.elapsed()
    );
    let figures = house.broker.figures().read();
    let paused = figures.iter().find(|figure| figure.name == "limit_rate").unwrap();
    assert!(paused.value > 0);
    raw.send(&[0xC0, 0]).await;
    raw.packet_of(13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_fits_into_the_clients_packets() {
    let house = House::start(options()).await;
    let greeting = |most: u32, id: &str| {
        let properties = [&[0x27][..], &most.to_be_bytes()].concat();
        connect(
            5,
            id,
            &Greeting {
                properties,
                ..Greeting::default()
            },
        )
    };
    // Header, flags, reason, the length of the properties, Receive Maximum, Maximum Packet Size, Topic Alias Maximum.
    let whole = answer(&house, &greeting(16, "client")).await.unwrap();
    assert_eq!(whole.len() + 2, 16);
    for most in [15, 8] {
        let least = answer(&house, &greeting(most, "client")).await.unwrap();
        assert_eq!(least.len() + 2, 8, "only Receive Maximum is left");
        assert_eq!(least[1], 0);
    }
    assert_eq!(answer(&house, &greeting(7, "client")).await, None);
    // A refusal leaves out its words.
    let refused = |most: u32| {
        let greeting = Greeting {
            properties: [&[0x27][..], &most.to_be_bytes()].concat(),
            will: Some(("w".into(), vec![b'x'; 40_000])),
            ..Greeting::default()
        };
        connect(5, "client", &greeting)
    };
    assert!(answer(&house, &refused(200)).await.unwrap().len() > 30);
    assert_eq!(answer(&house, &refused(5)).await.unwrap(), [0, QUOTA_EXCEEDED, 0]);
    assert_eq!(answer(&house, &refused(4)).await, None);
    // The id that the broker has chosen is not left out.
    assert_eq!(answer(&house, &greeting(8, "")).await, None);
    assert!(answer(&house, &greeting(100, "")).await.unwrap().len() > 30);
}

/// As many strangers as the process has descriptors for, up to 10,000: both ends are its own.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_never_say_connect_keep_nobody_out() {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: descriptors.maximum,
            ..descriptors
        },
    );
    let most = descriptors.maximum.unwrap_or(1 << 20) / 2;
    let strangers = most.saturating_sub(200).min(10_000) as usize;
    let permitted = (strangers / 2).min(1_000);
    let mut house = House::start(BrokerOptions {
        max_unidentified_per_address: permitted,
        connect_timeout: Duration::from_secs(3),
        ..options()
    })
    .await;
    println!("{strangers} strangers");
    let mut sockets = Vec::new();
    for _ in 0..strangers {
        sockets.push(Raw::open(house.address()).await);
    }
    house.event(EventKind::ConnectionLimit).await;
    // Those beyond the limit were closed; the others are when their time is over, and their places are free again.
    within("the strangers' time to be over", async {
        while Raw::try_greet(house.address(), "client").await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let read = |name: &str| {
        let figures = house.broker.figures().read();
        figures.iter().find(|figure| figure.name == name).unwrap().value
    };
    within("the time of every stranger within the limit to be over", async {
        while read("limit_handshake") < permitted as u64 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(read("limit_unidentified_per_address") > 0);
}

/// A byte a moment neither prolongs the time for a greeting nor takes anybody else's.
#[tokio::test(flavor = "multi_thread")]
async fn slow_bytes() {
    let mut house = House::start(BrokerOptions {
        connect_timeout: Duration::from_millis(500),
        ..options()
    })
    .await;
    let mut slow = Raw::open(house.address()).await;
    let greeting = connect(4, "slow", &Greeting::default());
    for byte in &greeting[..greeting.len() - 1] {
        slow.send(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    house.event(EventKind::NoGreeting).await;
    assert_eq!(slow.packet().await, None);
    house.figure("partial_bytes", 0).await;
    // After it, too, a packet is taken once it is whole.
    let mut raw = Raw::v3(house.address(), "client").await;
    let body = [&text("t")[..], &[0, 1], b"x"].concat();
    for byte in packet(0x32, &body) {
        raw.send(&[byte]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    raw.packet_of(4).await;
}
