//! Sessions: exactly once, in order, within bounds, whatever one of the clients does.

mod support;

use broker::{BrokerOptions, EventKind};
use support::{
    Client, House, client_options, options,
    raw::{Greeting, Raw, connect, id_of, message, packet, publish},
    within,
};

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_messages_may_await_their_release() {
    let mut house = House::start(options()).await;
    let mut listener = Client::connect(house.address(), "listener").await;
    listener.subscribe("#").await;
    let mut raw = Raw::v3(house.address(), "c").await;
    let all: Vec<u8> = (1..=1_500_u16)
        .flat_map(|id| publish(false, 2, id, "t", &id.to_be_bytes()))
        .collect();
    raw.send(&all).await;
    for id in 1..=1_500 {
        assert_eq!(id_of(&raw.packet_of(5).await), id, "PUBREC in order");
    }
    // Repeated before its release, a message is acknowledged and not taken again.
    raw.send(&publish(false, 2, 700, "t", b"again")).await;
    assert_eq!(id_of(&raw.packet_of(5).await), 700);
    let releases: Vec<u8> = (1..=1_500_u16)
        .flat_map(|id| packet(0x62, &id.to_be_bytes()))
        .collect();
    raw.send(&releases).await;
    for id in 1..=1_500 {
        assert_eq!(id_of(&raw.packet_of(7).await), id, "PUBCOMP in order");
    }
    for id in 1..=1_500_u16 {
        assert_eq!(listener.message().await.1, id.to_be_bytes());
        assert_eq!(within("the hook", house.sees.recv()).await.unwrap().bytes, 2);
    }
    // Released, its id is free again.
    raw.send(&publish(false, 2, 700, "t", b"new")).await;
    assert_eq!(id_of(&raw.packet_of(5).await), 700);
    assert_eq!(listener.message().await.1, b"new");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_survives_a_lost_connection() {
    let mut house = House::start(options()).await;
    let keep = Greeting {
        keep: true,
        ..Greeting::default()
    };
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(4, "c", &keep)).await;
    raw.packet_of(2).await;
    raw.send(&publish(false, 2, 7, "t", b"once")).await;
    raw.packet_of(5).await;
    drop(raw);
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(4, "c", &keep)).await;
    assert_eq!(raw.packet_of(2).await.body, [1, 0], "the session is there");
    let mut repeated = publish(false, 2, 7, "t", b"once");
    repeated[0] |= 0x08;
    raw.send(&repeated).await;
    assert_eq!(id_of(&raw.packet_of(5).await), 7);
    raw.send(&packet(0x62, &[0, 7])).await;
    assert_eq!(id_of(&raw.packet_of(7).await), 7);
    raw.send(&publish(false, 1, 8, "end", b"x")).await;
    raw.packet_of(4).await;
    for topic in ["t", "end"] {
        assert_eq!(within("the hook", house.sees.recv()).await.unwrap().topic, topic);
    }
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_is_repeated_in_order() {
    let house = House::start(options()).await;
    let keep = Greeting {
        keep: true,
        ..Greeting::default()
    };
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(4, "c", &keep)).await;
    raw.packet_of(2).await;
    raw.subscribe(false, "t", 2).await;
    let mut publisher = Client::connect(house.address(), "p").await;
    for i in 0..3 {
        let qos = rumqttc::v5::mqttbytes::QoS::ExactlyOnce;
        publisher
            .sender
            .publish("t", qos, false, i.to_string())
            .await
            .unwrap();
    }
    let mut ids = Vec::new();
    for i in 0..3 {
        let got = raw.packet_of(3).await;
        assert_eq!(message(&got).1, i.to_string().as_bytes());
        ids.push(id_of(&got));
    }
    // The first is complete, the second received, the third unanswered.
    for id in &ids[..2] {
        raw.send(&packet(0x50, &id.to_be_bytes())).await;
        assert_eq!(id_of(&raw.packet_of(6).await), *id);
    }
    raw.send(&packet(0x70, &ids[0].to_be_bytes())).await;
    raw.send(&[0xC0, 0]).await;
    raw.packet_of(13).await;
    drop(raw);
    publisher.publish("t", "later", false).await;
    publisher.puback().await;
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(4, "c", &keep)).await;
    raw.packet_of(2).await;
    let release = raw.packet().await.unwrap();
    assert_eq!((release.first, id_of(&release)), (0x62, ids[1]));
    let repeated = raw.packet().await.unwrap();
    assert_eq!((repeated.first, id_of(&repeated)), (0x3C, ids[2]), "DUP at QoS 2");
    assert_eq!(message(&raw.packet_of(3).await).1, b"later");
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_large_for_a_client_is_dropped_for_it_alone() {
    let mut house = House::start(options()).await;
    let maximum_100 = [0x27, 0, 0, 0, 100];
    let mut small = Raw::v5(house.address(), "small", &maximum_100).await;
    small.subscribe(true, "#", 1).await;
    let mut large = Client::connect(house.address(), "large").await;
    large.subscribe("#").await;
    let mut publisher = Client::connect(house.address(), "p").await;
    for payload in [90, 200, 10] {
        publisher.publish("t", vec![b'x'; payload], false).await;
        publisher.puback().await;
        assert_eq!(large.message().await.1.len(), payload);
    }
    for payload in [90, 10] {
        let got = small.packet_of(3).await;
        assert_eq!(got.body.len(), 2 + 1 + 2 + 1 + payload);
        small.send(&packet(0x40, &id_of(&got).to_be_bytes())).await;
    }
    house.event(EventKind::MessagesDropped).await;
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_no_more_than_its_receive_maximum() {
    let house = House::start(options()).await;
    let mut narrow = Raw::v5(house.address(), "narrow", &[0x21, 0, 2]).await;
    narrow.subscribe(true, "t", 1).await;
    let mut publisher = Client::connect(house.address(), "p").await;
    for i in 0..5 {
        publisher.publish("t", i.to_string(), false).await;
        publisher.puback().await;
    }
    let first = narrow.packet_of(3).await;
    let second = narrow.packet_of(3).await;
    assert!(
        narrow.is_quiet().await,
        "a third message without an acknowledgement"
    );
    for got in [second, first] {
        narrow.send(&packet(0x40, &id_of(&got).to_be_bytes())).await;
        narrow.packet_of(3).await;
    }
    assert!(narrow.is_quiet().await);
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_loses_the_oldest_and_stops_nobody() {
    let mut house = House::start(BrokerOptions {
        max_queued_messages: 100,
        max_queued_bytes: 400_000,
        ..options()
    })
    .await;
    let address = house.address();
    let persistent = || {
        let mut options = client_options(address, "absent");
        options.set_clean_start(false);
        options.set_session_expiry_interval(Some(3_600));
        options
    };
    let mut absent = Client::with(persistent()).await;
    absent.subscribe("t").await;
    drop(absent);
    house.figure("clients", 0).await;
    let mut publisher = Client::connect(address, "p").await;
    for i in 0..300 {
        publisher.publish("t", i.to_string(), false).await;
        publisher.puback().await;
    }
    let mut back = Client::with(persistent()).await;
    for i in 200..300 {
        assert_eq!(back.message().await.1, i.to_string().into_bytes());
    }
    drop(back);
    house.figure("clients", 1).await;
    house.event(EventKind::MessagesDropped).await;
    // The same in bytes.
    for i in 0..10_u8 {
        publisher.publish("t", vec![i; 100_000], false).await;
        publisher.puback().await;
    }
    let mut back = Client::with(persistent()).await;
    for i in 7..10 {
        assert_eq!(back.message().await.1[0], i);
    }
    // One that is connected and does not read.
    let mut stuck = Raw::v3(address, "stuck").await;
    stuck.subscribe(false, "t", 0).await;
    for i in 0..200_u8 {
        publisher.publish("t", vec![i; 100_000], false).await;
        publisher.puback().await;
        assert_eq!(back.message().await.1[0], i);
    }
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_limited_and_faulty_ones_refused() {
    let mut house = House::start(BrokerOptions {
        max_subscriptions: 2,
        ..options()
    })
    .await;
    for v5 in [false, true] {
        let mut raw = if v5 {
            Raw::v5(house.address(), "c", &[]).await
        } else {
            Raw::v3(house.address(), "c").await
        };
        let mut code = async |filter| *raw.subscribe(v5, filter, 1).await.body.last().unwrap();
        let (invalid, quota) = if v5 { (0x8F, 0x97) } else { (0x80, 0x80) };
        assert_eq!(code("a/#").await, 1);
        for filter in ["a#", "#/a", "te+p", "$share/g"] {
            assert_eq!(code(filter).await, invalid, "{filter}");
        }
        assert_eq!(code("b").await, 1);
        assert_eq!(code("c").await, quota);
        assert_eq!(code("b").await, 1, "one that exists is no more");
        let event = house.event(EventKind::SubscriptionRefused).await;
        assert!(event.reason.contains("is refused"), "{event:?}");
    }
    house.broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_messages_are_not_delivered() {
    let house = House::start(options()).await;
    let keep = Greeting {
        keep: true,
        properties: vec![0x11, 0, 0, 0, 60],
        ..Greeting::default()
    };
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(5, "c", &keep)).await;
    raw.packet_of(2).await;
    raw.subscribe(true, "t", 1).await;
    drop(raw);
    let mut publisher = Raw::v5(house.address(), "p", &[]).await;
    for (seconds, payload) in [(1, b'a'), (60, b'b')] {
        let body = [&[0, 1, b't', 0, 1, 5, 2, 0, 0, 0, seconds][..], &[payload]].concat();
        publisher.send(&packet(0x32, &body)).await;
        publisher.packet_of(4).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let mut raw = Raw::open(house.address()).await;
    raw.send(&connect(5, "c", &keep)).await;
    let got = raw.packet_of(3).await;
    assert_eq!(got.body.last(), Some(&b'b'));
    // Topic, packet id, then the time that is left.
    let left = got.body[5..].to_vec();
    assert_eq!(left[..5], [5, 2, 0, 0, 0]);
    assert!((50..60).contains(&left[5]), "{left:?}");
    house.broker.stop().await;
}
