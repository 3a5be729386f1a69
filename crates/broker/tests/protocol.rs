//! MQTT with real clients: both versions on one port, retained messages, shared subscriptions, large packets.

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use rumqttc::v5::mqttbytes::v5::Packet;
use support::{
    Client, client_options, mosquitto,
    raw::{Greeting, Raw, connect, packet, publish, text},
    spawn_mosquitto, start, within,
};

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_meet_on_one_port() {
    let (broker, _sees) = start().await;
    for version in ["mqttv311", "mqttv5", "mqttv31"] {
        let mut listener = Client::connect(broker.listen(), "listener").await;
        listener.subscribe("sensor/+/temperature").await;
        let message = [
            "-V",
            version,
            "-q",
            "1",
            "-t",
            "sensor/s-1/temperature",
            "-m",
            version,
        ];
        let sent = mosquitto("mosquitto_pub", broker.listen(), &message).await;
        assert!(sent.status.success(), "{sent:?}");
        assert_eq!(
            listener.message().await,
            ("sensor/s-1/temperature".into(), version.into())
        );
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_wait_for_later_subscribers() {
    let (broker, _sees) = start().await;
    let mut client = Client::connect(broker.listen(), "c").await;
    client.publish("device/a/status", "online", true).await;
    client.puback().await;
    for version in ["mqttv311", "mqttv5"] {
        let subscription = [
            "-V",
            version,
            "-t",
            "device/+/status",
            "-C",
            "1",
            "-W",
            "5",
            "-F",
            "%r %t %p",
        ];
        let got = mosquitto("mosquitto_sub", broker.listen(), &subscription).await;
        assert_eq!(String::from_utf8_lossy(&got.stdout), "1 device/a/status online\n");
    }
    client.publish("device/a/status", "", true).await;
    client.puback().await;
    let got = mosquitto(
        "mosquitto_sub",
        broker.listen(),
        &["-t", "device/+/status", "-C", "1", "-W", "1"],
    )
    .await;
    assert!(got.stdout.is_empty(), "an empty message removes it");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_subscription_divides_the_messages() {
    let (broker, _sees) = start().await;
    let mut first = Client::connect(broker.listen(), "first").await;
    let mut second = Client::connect(broker.listen(), "second").await;
    first.subscribe("$share/ml/work/#").await;
    second.subscribe("$share/ml/work/#").await;
    let mut publisher = Client::connect(broker.listen(), "publisher").await;
    for i in 0..20 {
        publisher.publish(&format!("work/{i}"), "x", false).await;
        publisher.puback().await;
    }
    let mut counts = [0, 0];
    while counts[0] + counts[1] < 20 {
        let (who, packet) = within("the shared messages", async {
            tokio::select! {
                packet = first.packets.recv() => (0, packet),
                packet = second.packets.recv() => (1, packet),
            }
        })
        .await;
        counts[who] += usize::from(matches!(packet, Some(Packet::Publish(_))));
    }
    assert_eq!(counts, [10, 10]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_subscriber_finds_its_messages_in_order() {
    let (broker, _sees) = start().await;
    let address = broker.listen();
    let options = || {
        let mut options = client_options(address, "absent");
        options.set_clean_start(false);
        options.set_session_expiry_interval(Some(3600));
        options
    };
    let mut subscriber = Client::with(options()).await;
    subscriber.subscribe("a/#").await;
    drop(subscriber);
    let mut publisher = Client::connect(address, "publisher").await;
    for i in 0..200 {
        publisher.publish("a/b", i.to_string(), false).await;
        publisher.puback().await;
    }
    let mut subscriber = Client::with(options()).await;
    for i in 0..200 {
        assert_eq!(
            subscriber.message().await,
            ("a/b".into(), i.to_string().into_bytes())
        );
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_pass_whole() {
    let (broker, mut sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("sensor/+/audio").await;
    let clip: Vec<u8> = (0..90_000_u32).map(|i| b'A' + (i % 26) as u8).collect();
    let mut device = Client::connect(broker.listen(), "device").await;
    for _ in 0..20 {
        device.publish("sensor/s-1/audio", clip.clone(), false).await;
        device.puback().await;
        assert_eq!(sees.recv().await.unwrap().bytes, clip.len());
        assert_eq!(listener.message().await.1, clip);
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_too_large_costs_its_sender_the_connection_and_nobody_else_anything() {
    let (broker, mut sees) = start().await;
    let mut good = Client::connect(broker.listen(), "good").await;
    // Written by hand: client libraries respect the broker's limit.
    let address = broker.listen();
    let rejected = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
            .write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil")
            .unwrap();
        let mut connack = [0; 4];
        socket.read_exact(&mut connack).unwrap();
        assert_eq!(connack, [0x20, 2, 0, 0]);
        // PUBLISH at QoS 1 with 20,000,005 bytes: topic "t", packet id 1, then the payload.
        let mut sent = socket.write_all(b"\x32\x85\xda\xc4\x09\x00\x01t\x00\x01");
        let block = vec![b'x'; 1 << 16];
        for _ in 0..20_000_000 / block.len() {
            sent = sent.and_then(|()| socket.write_all(&block));
        }
        sent.is_err() || !matches!(socket.read(&mut connack), Ok(n) if n > 0)
    });
    assert!(
        within("the broker's answer", rejected).await.unwrap(),
        "it was let through"
    );

    let sent = mosquitto(
        "mosquitto_pub",
        broker.listen(),
        &["-q", "1", "-t", "t", "-m", "after"],
    )
    .await;
    assert!(sent.status.success(), "{sent:?}");
    good.publish("t", "still here", false).await;
    good.puback().await;
    assert_eq!(sees.recv().await.unwrap().bytes, 5);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_sent_before_the_end_arrives() {
    let (broker, mut sees) = start().await;
    for goodbye in [&[0xE0, 0][..], &[]] {
        let mut raw = Raw::v3(broker.listen(), "hasty").await;
        let all: Vec<u8> = (0..5_000_u32)
            .flat_map(|i| publish(false, 0, 0, "t", &vec![b'x'; i as usize % 100]))
            .collect();
        raw.send(&all).await;
        raw.send(goodbye).await;
        drop(raw);
        for i in 0..5_000 {
            let bytes = within("the hook", sees.recv()).await.unwrap().bytes;
            assert_eq!(bytes, i % 100);
        }
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_to_a_wildcard_is_refused() {
    let (broker, mut sees) = start().await;
    let address = broker.listen();
    let closed = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
            .write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil")
            .unwrap();
        socket.read_exact(&mut [0; 4]).unwrap();
        socket.write_all(b"\x32\x08\x00\x03a/#\x00\x01x").unwrap();
        socket.read(&mut [0; 4]).unwrap_or(0) == 0
    });
    assert!(
        within("the broker's answer", closed).await.unwrap(),
        "acknowledged"
    );
    let mut good = Client::connect(broker.listen(), "good").await;
    good.publish("t", "x", false).await;
    good.puback().await;
    assert_eq!(sees.recv().await.unwrap().topic, "t");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_message_takes_well_under_a_nagle_delay() {
    let (broker, _sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("t").await;
    let mut publisher = Client::connect(broker.listen(), "publisher").await;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        publisher.publish("t", "x", false).await;
        listener.message().await;
        times.push(begun.elapsed());
        publisher.puback().await;
    }
    times.sort();
    println!("publish to delivery: p50 {:?}, p99 {:?}", times[100], times[198]);
    assert!(times[100] < Duration::from_millis(20), "p50 {:?}", times[100]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquittos_clients_exchange_messages() {
    let (broker, _sees) = start().await;
    let child = spawn_mosquitto(
        "mosquitto_sub",
        broker.listen(),
        &["-q", "1", "-t", "x/#", "-C", "3", "-W", "8"],
    );
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    // The subscription stands when a retained message has come back through it, so send until all have arrived.
    while !waiting.is_finished() {
        let sent = mosquitto(
            "mosquitto_pub",
            broker.listen(),
            &["-q", "1", "-t", "x/1", "-m", "hello"],
        )
        .await;
        assert!(sent.status.success());
    }
    let got = waiting.await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&got.stdout), "hello\nhello\nhello\n");
    broker.stop().await;
}

/// The standard allows a Message Expiry Interval of 0; such a message lives for its delivery.
#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_of_nothing_is_no_fault() {
    const EXPIRY: [u8; 5] = [2, 0, 0, 0, 0];
    let (broker, _sees) = start().await;
    let mut listener = Client::connect(broker.listen(), "listener").await;
    listener.subscribe("t/#").await;
    let mut raw = Raw::open(broker.listen()).await;
    let greeting = Greeting {
        will: Some(("t/will".into(), b"gone".to_vec())),
        will_properties: EXPIRY.to_vec(),
        ..Greeting::default()
    };
    raw.send(&connect(5, "c", &greeting)).await;
    let connack = raw.packet().await.expect("CONNACK");
    assert_eq!(connack.body[1], 0, "{connack:?}");
    let body = [&text("t/now")[..], &[0, 1, EXPIRY.len() as u8], &EXPIRY, b"x"].concat();
    raw.send(&packet(0x32, &body)).await;
    assert_eq!(raw.packet_of(4).await.body, [0, 1]);
    assert_eq!(listener.message().await, ("t/now".into(), b"x".to_vec()));
    drop(raw);
    assert_eq!(listener.message().await, ("t/will".into(), b"gone".to_vec()));
    broker.stop().await;
}
