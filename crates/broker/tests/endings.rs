//! How connections end: the reason that MQTT 5 clients are told, the line for people, and what becomes of the will.

mod support;

use std::{num::NonZeroU16, time::Duration};

use broker::{BrokerOptions, EventKind};
use support::{
    Client, House, options,
    raw::{Greeting, Raw, connect, packet, publish, text},
    within,
};

const SESSION_EXPIRY_60_S: [u8; 5] = [0x11, 0, 0, 0, 60];

async fn greeted(house: &House, level: u8, id: &str, greeting: &Greeting) -> Raw {
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(level, id, greeting)).await;
    let connack = raw.packet().await.expect("CONNACK");
    assert_eq!(connack.body[1], 0, "{connack:?}");
    raw
}

fn with_will(will_properties: &[u8], properties: &[u8]) -> Greeting {
    Greeting {
        will: Some(("device/d/status".into(), b"offline".to_vec())),
        will_properties: will_properties.to_vec(),
        properties: properties.to_vec(),
        ..Greeting::default()
    }
}

async fn listener(house: &House) -> Client {
    let mut listener = Client::connect(house.address(), "listener").await;
    listener.subscribe("#").await;
    listener
}

/// Publishes a marker and asserts that it is the next message: nothing came before it.
async fn nothing_came(listener: &mut Client) {
    listener.publish("marker", "x", false).await;
    assert_eq!(listener.message().await.0, "marker");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_is_told_to_both() {
    let mut house = House::start(options()).await;
    let mut old = Raw::v5(house.address(), "same", &[]).await;
    let mut older = Raw::v3(house.address(), "same-3").await;
    let _new = Raw::v5(house.address(), "same", &[]).await;
    assert_eq!(old.disconnected().await, 0x8E);
    let event = house.event(EventKind::TakenOver).await;
    assert_eq!(event.client_id, "same");
    let _new = Raw::v3(house.address(), "same-3").await;
    assert_eq!(older.packet().await, None, "3.1.1 has no DISCONNECT of servers");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_told_why() {
    let mut house = House::start(options()).await;
    let mut listener = listener(&house).await;
    let greeting = Greeting {
        keep_alive_s: 1,
        ..with_will(&[], &[])
    };
    let mut silent = greeted(&house, 5, "d", &greeting).await;
    assert_eq!(silent.disconnected().await, 0x8D);
    assert_eq!(listener.message().await.0, "device/d/status");
    house.event(EventKind::KeepAliveEnded).await;
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_have_reasons() {
    let mut house = House::start(BrokerOptions {
        max_inflight: NonZeroU16::new(5).unwrap(),
        ..options()
    })
    .await;
    let alias = |alias: u8, topic: &str| {
        let body = [&text(topic)[..], &[3, 0x23, 0, alias], b"x"].concat();
        packet(0x30, &body)
    };
    let six: Vec<u8> = (1..=6).flat_map(|id| publish(true, 2, id, "t", b"x")).collect();
    let large = [&[0x30, 0x80, 0x80, 0x80, 0x02][..], &[0; 8]].concat();
    let shared_no_local = [&[0, 1, 0][..], &text("$share/g/a"), &[0b101]].concat();
    let response = [&text("t")[..], &[6, 8], &text("a/#"), b"x"].concat();
    let cases: [(&str, Vec<u8>, u8); 14] = [
        ("a wildcard", publish(true, 1, 1, "a/#", b"x"), 0x90),
        ("a NUL in the topic", publish(true, 0, 0, "a\0", b"x"), 0x90),
        ("withheld", publish(true, 1, 1, "withheld/a", b"x"), 0x97),
        ("receive maximum", six, 0x93),
        ("alias too high", alias(33, "t"), 0x94),
        ("alias of nothing", alias(1, ""), 0x82),
        ("alias 0", alias(0, "t"), 0x94),
        ("no topic", publish(true, 0, 0, "", b"x"), 0x82),
        ("too large", large, 0x95),
        ("a second CONNECT", connect(5, "c", &Greeting::default()), 0x82),
        ("QoS 3", publish(true, 3, 1, "t", b"x"), 0x81),
        ("packet id 0", publish(true, 1, 0, "t", b"x"), 0x81),
        ("shared without local", packet(0x82, &shared_no_local), 0x82),
        ("a wildcard in the response topic", packet(0x30, &response), 0x90),
    ];
    for (name, bytes, reason) in cases {
        let mut raw = Raw::v5(house.address(), "c", &[]).await;
        raw.send(&bytes).await;
        assert_eq!(raw.disconnected().await, reason, "{name}");
    }
    let event = house.event(EventKind::ProtocolError).await;
    assert!(event.reason.contains("\"a/#\""), "{event:?}");
    // In 3.1.1 the connection is closed without a word.
    let mut raw = Raw::v3(house.address(), "c").await;
    raw.send(&publish(false, 1, 1, "a/+", b"x")).await;
    assert_eq!(raw.packet().await, None);
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_told() {
    let house = House::start(options()).await;
    let mut raw = Raw::v5(house.address(), "c", &[]).await;
    house.broker.stop().await;
    assert_eq!(raw.disconnected().await, 0x8B);
}

#[tokio::test(flavor = "multi_thread")]
async fn goodbye_with_will_publishes_it() {
    let house = House::start(options()).await;
    let mut listener = listener(&house).await;
    for (reason, published) in [
        (&[0xE0, 0][..], false),
        (&[0xE0, 1, 0], false),
        (&[0xE0, 1, 4], true),
    ] {
        let mut device = greeted(&house, 5, "d", &with_will(&[], &[])).await;
        device.send(reason).await;
        assert_eq!(device.packet().await, None);
        if published {
            assert_eq!(listener.message().await.0, "device/d/status");
        } else {
            nothing_came(&mut listener).await;
        }
    }
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_will_waits_for_the_client() {
    let house = House::start(options()).await;
    let mut listener = listener(&house).await;
    let delay_1_s = [0x18, 0, 0, 0, 1];
    let greeting = with_will(&delay_1_s, &SESSION_EXPIRY_60_S);
    // Back in time: no will.
    drop(greeted(&house, 5, "d", &greeting).await);
    let back = Greeting {
        keep: true,
        properties: SESSION_EXPIRY_60_S.to_vec(),
        ..Greeting::default()
    };
    let mut returned = greeted(&house, 5, "d", &back).await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    nothing_came(&mut listener).await;
    returned.send(&[0xE0, 0]).await;
    // Not back: after the delay.
    drop(greeted(&house, 5, "d", &greeting).await);
    nothing_came(&mut listener).await;
    assert_eq!(listener.message().await.0, "device/d/status");
    // A session that ends with its connection does not wait.
    drop(greeted(&house, 5, "e", &with_will(&[0x18, 0, 0, 0, 60], &[])).await);
    assert_eq!(listener.message().await.0, "device/d/status");
    // A session that is forgotten does not wait either.
    drop(
        greeted(
            &house,
            5,
            "f",
            &with_will(&[0x18, 0, 0, 0, 60], &SESSION_EXPIRY_60_S),
        )
        .await,
    );
    let _fresh = Raw::v5(house.address(), "f", &[]).await;
    assert_eq!(listener.message().await.0, "device/d/status");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_replaced_client_leaves_its_will() {
    let mut house = House::start(options()).await;
    let mut listener = listener(&house).await;
    for level in [4, 5] {
        let mut old = greeted(&house, level, "d", &with_will(&[], &[])).await;
        let new = greeted(&house, level, "d", &with_will(&[], &[])).await;
        while old.packet().await.is_some() {}
        assert_eq!(
            listener.message().await.0,
            "device/d/status",
            "taken over, level {level}"
        );
        drop(new);
        assert_eq!(
            listener.message().await.0,
            "device/d/status",
            "lost, level {level}"
        );
    }
    let will = within("the hook", house.sees.recv()).await.unwrap();
    assert!(will.last_will && will.client_id == "d", "{will:?}");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_limited_and_the_rest_is_counted() {
    let mut house = House::start(options()).await;
    for _ in 0..20 {
        let mut raw = Raw::v3(house.address(), "c").await;
        raw.send(&publish(false, 1, 1, "a/+", b"x")).await;
        assert_eq!(raw.packet().await, None);
    }
    house.figure("events_protocol_error", 20).await;
    let mut told = 0;
    while let Ok(event) = house.tells.try_recv() {
        told += usize::from(event.kind == EventKind::ProtocolError);
    }
    assert_eq!(told, 5);
    house.broker.stop().await;
}
