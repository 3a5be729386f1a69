//! Greetings that are refused, in the words of the client's version, and why.

mod support;

use std::{process::Stdio, time::Duration};

use broker::{BrokerOptions, EventKind};
use support::{
    Client, House, options,
    raw::{Greeting, Raw, WELCOME, connect, packet, publish, text},
    within,
};

/// The answer to these bytes as a whole; empty where the broker only closes.
async fn answer(house: &House, bytes: &[u8]) -> Vec<u8> {
    let mut raw = Raw::open(house.address()).await;
    raw.send(bytes).await;
    match raw.packet().await {
        Some(answer) => packet(answer.first, &answer.body),
        None => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_versions_are_answered_as_the_standard_says() {
    let mut house = House::start(options()).await;
    let default = Greeting::default();
    for level in [0x84, 0x83, 1, 2, 0] {
        let told = answer(&house, &connect(level, "old", &default)).await;
        assert_eq!(told, [0x20, 2, 0, 1], "level {level}");
        let event = house.event(EventKind::ConnectionRefused).await;
        assert_eq!(event.client_id, "old");
    }
    for level in [6, 7, 0x7F] {
        let told = answer(&house, &connect(level, "new", &default)).await;
        assert_eq!((told[0], told[2], told[3]), (0x20, 0, 0x84), "level {level}");
    }
    // The name of one version with the level of another.
    let mixed = packet(0x10, &[&text("MQTT")[..], &[3, 2, 0, 0], &text("x")].concat());
    assert_eq!(answer(&house, &mixed).await, [0x20, 2, 0, 1]);
    for level in [3, 4] {
        assert_eq!(answer(&house, &connect(level, "known", &default)).await, WELCOME);
    }
    house.broker.stop().await;
}

/// Mosquitto as a bridge, ended with the test.
struct Bridge(std::process::Child);

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquittos_bridge_falls_back_to_the_standard() {
    let house = House::start(options()).await;
    let mut publisher = Client::connect(house.address(), "publisher").await;
    publisher.publish("sensor/a/temperature", "21", true).await;
    publisher.puback().await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("bridge.conf");
    // No settings of the bridge but its topics: the defaults are what people have.
    let text = format!(
        "connection plain\naddress {}\nrestart_timeout 1\ntopic sensor/# in 1\ntopic device/# out 1\n\
         connection five\naddress {0}\nrestart_timeout 1\nbridge_protocol_version mqttv50\ntopic sensor/# in 1\n",
        house.address()
    );
    std::fs::write(&configuration, text).unwrap();
    let mut seen = Client::connect(house.address(), "seen").await;
    seen.subscribe("$SYS/broker/connection/#").await;
    let bridge = std::process::Command::new("mosquitto")
        .arg("-c")
        .arg(&configuration)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Debian's mosquitto is needed");
    let _bridge = Bridge(bridge);
    // Publisher, observer, two bridges.
    house.figure("clients", 4).await;
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_is_checked_as_a_publish_is() {
    let mut house = House::start(options()).await;
    let odd = ["", "#", "device/+/status", "a\0b"];
    for topic in odd.into_iter().chain(["$SYS/x"]) {
        let greeting = Greeting {
            will: Some((topic.into(), b"offline".to_vec())),
            ..Greeting::default()
        };
        let v3 = answer(&house, &connect(4, "poison", &greeting)).await;
        let v5 = answer(&house, &connect(5, "poison", &greeting)).await;
        if topic == "$SYS/x" {
            assert_eq!(v3, [0x20, 2, 0, 5]);
            assert_eq!(v5[3], 0x87, "{v5:?}");
        } else {
            assert!(v3.is_empty(), "{topic:?}: {v3:?}");
            assert_eq!(v5[3], 0x90, "{topic:?}: {v5:?}");
        }
        let event = house.event(EventKind::ConnectionRefused).await;
        assert!(
            event.reason.contains("will") && event.client_id == "poison",
            "{event:?}"
        );
    }
    let mut listener = Client::connect(house.address(), "listener").await;
    listener.subscribe("#").await;
    listener.publish("marker", "x", false).await;
    assert_eq!(
        listener.message().await.0,
        "marker",
        "a refused will was retained or routed"
    );
    assert_eq!(
        within("the hook", house.sees.recv()).await.unwrap().topic,
        "marker"
    );
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_ids() {
    let house = House::start(options()).await;
    let keep = Greeting {
        keep: true,
        ..Greeting::default()
    };
    let clean = Greeting::default();
    assert_eq!(answer(&house, &connect(4, "", &clean)).await, WELCOME);
    assert_eq!(answer(&house, &connect(4, "", &keep)).await, [0x20, 2, 0, 2]);
    assert_eq!(
        answer(&house, &connect(4, &"x".repeat(1_025), &clean)).await,
        [0x20, 2, 0, 2]
    );
    assert_eq!(answer(&house, &connect(4, "a\0", &clean)).await, [0x20, 2, 0, 2]);
    assert_eq!(answer(&house, &connect(5, "a\0", &clean)).await[3], 0x85);
    for greeting in [clean, keep] {
        let connack = answer(&house, &connect(5, "", &greeting)).await;
        assert_eq!(connack[3], 0);
        let assigned = connack.windows(5).any(|part| part == b"auto-");
        assert!(assigned, "the id that the broker chose is not told: {connack:?}");
    }
    let authentication = Greeting {
        properties: [&[0x15][..], &text("SCRAM")].concat(),
        ..Greeting::default()
    };
    assert_eq!(answer(&house, &connect(5, "a", &authentication)).await[3], 0x8C);
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let mut house = House::start(BrokerOptions {
        connect_timeout: Duration::from_millis(200),
        ..options()
    })
    .await;
    let whole = connect(4, "slow", &Greeting::default());
    for begun in [&[][..], &[0x10], &whole[..whole.len() - 1]] {
        let mut raw = Raw::open(house.address()).await;
        raw.send(begun).await;
        assert_eq!(raw.packet().await, None);
        let event = house.event(EventKind::NoGreeting).await;
        assert!(event.reason.contains("0.2 s"), "{event:?}");
    }
    // One that has greeted may be silent.
    let mut raw = Raw::v3(house.address(), "greeted").await;
    assert!(raw.is_quiet().await, "closed after its greeting");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_limited() {
    let mut house = House::start(BrokerOptions {
        max_connections_per_address: 2,
        max_unidentified_per_address: 2,
        ..options()
    })
    .await;
    let first = Raw::v3(house.address(), "a").await;
    let _second = Raw::v3(house.address(), "b").await;
    let default = Greeting::default();
    assert_eq!(answer(&house, &connect(4, "c", &default)).await, [0x20, 2, 0, 3]);
    assert_eq!(answer(&house, &connect(5, "c", &default)).await[3], 0x97);
    let event = house.event(EventKind::ConnectionLimit).await;
    assert_eq!(event.client_id, "c");
    drop(first);
    // There is room again, as soon as the broker has noticed.
    within("room", async {
        while answer(&house, &connect(4, "c", &default)).await != WELCOME {}
    })
    .await;
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_of_one_address_are_limited() {
    let mut house = House::start(BrokerOptions {
        max_unidentified_per_address: 2,
        ..options()
    })
    .await;
    let _first = Raw::open(house.address()).await;
    let _second = Raw::open(house.address()).await;
    let mut third = Raw::open(house.address()).await;
    assert_eq!(third.packet().await, None);
    let event = house.event(EventKind::ConnectionLimit).await;
    assert!(event.reason.contains("CONNECT"), "{event:?}");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_are_named() {
    let mut house = House::start(options()).await;
    let mut browser = Raw::open(house.address()).await;
    browser.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let event = house.event(EventKind::OtherProtocol).await;
    assert!(
        event.reason.contains("HTTP") && event.remedy.contains("ws://"),
        "{event:?}"
    );
    let mut tls = Raw::open(house.address()).await;
    tls.send(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]).await;
    assert_eq!(tls.packet().await, None);
    let event = house.event(EventKind::OtherProtocol).await;
    assert!(
        event.reason.contains("TLS") && event.remedy.contains("mqtt://"),
        "{event:?}"
    );
    let mut early = Raw::open(house.address()).await;
    early.send(&publish(false, 0, 0, "t", b"x")).await;
    assert_eq!(early.packet().await, None);
    let event = house.event(EventKind::ProtocolError).await;
    assert!(event.reason.contains("no CONNECT"), "{event:?}");
    // A CONNECT that promises more than it may is refused before its bytes arrive.
    let mut large = Raw::open(house.address()).await;
    large.send(&[0x10, 0xFF, 0xFF, 0x7F]).await;
    assert_eq!(large.packet().await, None);
    house.broker.stop().await;
}
