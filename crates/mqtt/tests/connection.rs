//! A connection against a real Mosquitto: what comes, what goes, limits, wills, TLS.

mod support;

use std::time::Duration;

use mqtt::{BrokerUrl, ConnectionOptions, Event, Message, PublishError, Qos, Subscription, connect};
use support::{expect, message, subscribed, within};
use testkit::Mosquitto;

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_size_pass() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut options = support::options(mosquitto.addr(), "c");
    options.subscriptions = vec![Subscription::new("t/#")];
    let (publisher, mut incoming) = connect(options);
    subscribed(&mut incoming).await;
    for size in [0, 1, 10_240, 90_000, 1_900_000] {
        let payload: Vec<u8> = (0..size).map(|i: u32| i as u8).collect();
        publisher
            .publish_confirmed("t/x", payload.clone(), Qos::AtLeastOnce, false)
            .await
            .unwrap();
        let delivery = message(&mut incoming).await;
        assert_eq!(
            (delivery.topic.as_str(), delivery.qos, delivery.retain),
            ("t/x", Qos::AtLeastOnce, false)
        );
        assert!(delivery.payload == payload, "{size} bytes");
    }
    publisher.disconnect().await;
    while incoming.recv().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_refused_and_the_connection_lives_on() {
    let mosquitto = Mosquitto::start_with("max_packet_size 100000").unwrap();
    let (publisher, mut incoming) = connect(support::options(mosquitto.addr(), "c"));
    expect(&mut incoming, "the connection", |event| {
        matches!(event, Event::Connected { .. })
    })
    .await;
    let publish = async |topic: &str, bytes: usize| {
        publisher
            .publish_confirmed(topic, vec![0; bytes], Qos::AtLeastOnce, false)
            .await
    };
    assert_eq!(
        publish("t", 100_001).await,
        Err(PublishError::TooLarge { limit: 100_000 })
    );
    assert_eq!(publish("a/+", 1).await, Err(PublishError::BadTopic("a/+".into())));
    assert_eq!(publish("", 1).await, Err(PublishError::BadTopic(String::new())));
    assert_eq!(publish("t", 99_000).await, Ok(()));
    assert_eq!(publisher.stats().connects, 1);
    publisher.disconnect().await;
    assert_eq!(publish("t", 1).await, Err(PublishError::Closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_and_is_too_large_for_the_broker_does_not_block_the_next() {
    let mosquitto = Mosquitto::start_with("max_packet_size 100000").unwrap();
    let (publisher, _incoming) = connect(support::options(mosquitto.addr(), "c"));
    // Queued before the broker has told its limit.
    let large = publisher.publish_confirmed("t", vec![0; 200_000], Qos::AtLeastOnce, false);
    let small = publisher.publish_confirmed("t", "x", Qos::AtLeastOnce, false);
    let (large, small) = within("both outcomes", async { tokio::join!(large, small) }).await;
    assert_eq!(
        (large, small),
        (Err(PublishError::TooLarge { limit: 100_000 }), Ok(()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_slows_the_broker_not_the_connection() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut options = support::options(mosquitto.addr(), "slow");
    options.subscriptions = vec![Subscription::new("t")];
    options.receive_maximum = 10;
    options.manual_acks = true;
    let (own, mut incoming) = connect(options);
    subscribed(&mut incoming).await;
    let (publisher, _events) = connect(support::options(mosquitto.addr(), "fast"));
    for i in 0..100 {
        publisher
            .publish_confirmed("t", format!("{i}"), Qos::AtLeastOnce, false)
            .await
            .unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(message(&mut incoming).await);
    }
    // A round trip of its own on the same connection: the broker has nothing more for us, and the connection works.
    own.publish_confirmed("other", "x", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(incoming.stats().unacknowledged, 10);
    for delivery in held.iter().rev() {
        incoming.ack(delivery);
    }
    for i in 10..100 {
        let delivery = message(&mut incoming).await;
        assert_eq!(delivery.payload, i.to_string());
        incoming.ack(&delivery);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn qos_0_beyond_the_limit_is_dropped_and_counted() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut options = support::options(mosquitto.addr(), "c");
    options.subscriptions = vec![Subscription {
        filter: "t".into(),
        qos: Qos::AtMostOnce,
    }];
    options.max_waiting_qos0 = 5;
    let (publisher, mut incoming) = connect(options);
    subscribed(&mut incoming).await;
    for i in 0..20 {
        publisher
            .publish("t", format!("{i}"), Qos::AtMostOnce, false)
            .await
            .unwrap();
    }
    // Acknowledged after all of them, so they have come back by then: Mosquitto keeps the order of a connection.
    publisher
        .publish_confirmed("t", "last", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    within("all deliveries", async {
        while incoming.stats().dropped_qos0 < 16 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for i in 0..5 {
        assert_eq!(message(&mut incoming).await.payload, i.to_string());
    }
    assert_eq!(incoming.stats().dropped_qos0, 16);
}

/// At `QoS` 0 nothing comes back that would wake the connection.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_fits_into_one_write_leaves_without_waiting_for_anything() {
    const MESSAGES: usize = 100;
    let mosquitto = Mosquitto::start().unwrap();
    let mut options = support::options(mosquitto.addr(), "c");
    options.max_queued_messages = MESSAGES;
    let (publisher, mut incoming) = connect(options);
    expect(&mut incoming, "the connection", |event| {
        matches!(event, Event::Connected { .. })
    })
    .await;
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..MESSAGES {
        let publisher = publisher.clone();
        sending.spawn(async move {
            publisher
                .publish_confirmed("t", vec![0; 20_000], Qos::AtMostOnce, false)
                .await
        });
    }
    within("all of them", async {
        while let Some(sent) = sending.join_next().await {
            sent.unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_is_full_says_so() {
    let mut options = support::options(([127, 0, 0, 1], 1).into(), "nobody-listens");
    options.max_queued_messages = 3;
    let (publisher, _incoming) = connect(options);
    for _ in 0..3 {
        publisher.try_publish("t", "x", Qos::AtLeastOnce, false).unwrap();
    }
    assert_eq!(
        publisher.try_publish("t", "x", Qos::AtLeastOnce, false),
        Err(PublishError::Full)
    );
    let waiting = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.publish("t", "x", Qos::AtLeastOnce, false).await }
    });
    publisher.disconnect().await;
    assert_eq!(
        within("the waiting publisher", waiting).await.unwrap(),
        Err(PublishError::Closed)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn birth_and_will_frame_a_connection_and_a_goodbye_sends_no_will() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut watching = support::options(mosquitto.addr(), "watch");
    watching.subscriptions = vec![Subscription::new("device/+/status")];
    let (_watcher, mut sees) = connect(watching);
    subscribed(&mut sees).await;
    let options = || {
        let mut options = support::options(mosquitto.addr(), "d");
        options.birth = Some(Message::new("device/d/status", "online").retained());
        options.last_will = Some(Message::new("device/d/status", "offline").retained());
        options
    };
    let (publisher, incoming) = connect(options());
    assert_eq!(message(&mut sees).await.payload, "online");
    publisher
        .publish("device/d/status", "bye", Qos::AtLeastOnce, true)
        .await
        .unwrap();
    publisher.disconnect().await;
    drop((publisher, incoming));
    assert_eq!(message(&mut sees).await.payload, "bye");

    let handles = connect(options());
    assert_eq!(message(&mut sees).await.payload, "online", "no will in between");
    drop(handles);
    assert_eq!(message(&mut sees).await.payload, "offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_an_absent_broker_are_told_once_each() {
    let mosquitto = Mosquitto::start_with("allow_anonymous false").unwrap();
    let mut options = support::options(mosquitto.addr(), "c");
    options.username = Some("somebody".into());
    options.password = Some("hunter2".into());
    let (publisher, mut incoming) = connect(options);
    let event = expect(&mut incoming, "the refusal", |_| true).await;
    let Event::Disconnected { reason } = event else {
        panic!("{event:?}")
    };
    assert!(
        reason.contains("refused") && !reason.contains("hunter2"),
        "{reason}"
    );
    assert!(!publisher.is_connected());
    drop(mosquitto);
    let event = expect(&mut incoming, "the absence", |_| true).await;
    assert!(matches!(event, Event::Disconnected { .. }), "{event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_trusts_what_it_is_told_to_and_nothing_else() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = write("cert.pem", certified.cert.pem());
    let key = write("key.pem", certified.signing_key.serialize_pem());
    // Mosquitto started as root drops its rights before it reads the key.
    let mosquitto =
        Mosquitto::start_with(&format!("user root\ncertfile {certificate}\nkeyfile {key}")).unwrap();
    let url = BrokerUrl::parse(&format!("mqtts://localhost:{}", mosquitto.addr().port())).unwrap();

    let mut trusting = ConnectionOptions::new(url.clone(), "trusting");
    trusting.trusted_certificates_pem = Some(certified.cert.pem().into_bytes());
    let (publisher, _incoming) = connect(trusting);
    let sent = publisher.publish_confirmed("t", vec![7; 300_000], Qos::AtLeastOnce, false);
    within("the encrypted publish", sent).await.unwrap();

    let (_publisher, mut incoming) = connect(ConnectionOptions::new(url, "doubting"));
    let event = expect(&mut incoming, "the refusal", |_| true).await;
    let Event::Disconnected { reason } = event else {
        panic!("{event:?}")
    };
    assert!(reason.contains("certificate"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_takes_well_under_a_nagle_delay() {
    let mosquitto = Mosquitto::start().unwrap();
    let mut options = support::options(mosquitto.addr(), "c");
    options.subscriptions = vec![Subscription::new("t")];
    let (publisher, mut incoming) = connect(options);
    subscribed(&mut incoming).await;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = std::time::Instant::now();
        publisher
            .publish("t", "x", Qos::AtLeastOnce, false)
            .await
            .unwrap();
        message(&mut incoming).await;
        times.push(begun.elapsed());
    }
    times.sort();
    println!("publish to delivery: p50 {:?}, p99 {:?}", times[100], times[198]);
    assert!(times[100] < Duration::from_millis(20), "p50 {:?}", times[100]);
}
