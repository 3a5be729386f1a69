//! Broken connections: nothing acknowledged to us twice over, nothing lost, nothing forgotten to subscribe.

mod support;

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use mqtt::{Event, Message, PublishError, Qos, Subscription, connect};
use support::{expect, message, options, subscribed, within};
use testkit::{Mosquitto, Proxy};

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_broker_finds_us_subscribed_and_gets_what_waited() {
    let mut mosquitto = Mosquitto::start().unwrap();
    let mut subscribing = options(mosquitto.addr(), "subscriber").persistent(Duration::from_hours(1));
    subscribing.subscriptions = vec![Subscription::new("t/#"), Subscription::new("u")];
    let (_own, mut incoming) = connect(subscribing);
    subscribed(&mut incoming).await;
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    publisher
        .publish_confirmed("t/1", "before", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(message(&mut incoming).await.payload, "before");

    mosquitto.kill();
    expect(&mut incoming, "the loss", |event| {
        matches!(event, Event::Disconnected { .. })
    })
    .await;
    mosquitto.restart().unwrap();
    let event = expect(&mut incoming, "the connection", |event| {
        matches!(event, Event::Connected { .. })
    })
    .await;
    assert_eq!(
        event,
        Event::Connected {
            session_present: false
        },
        "it kept nothing"
    );
    subscribed(&mut incoming).await;
    publisher
        .publish_confirmed("t/2", "after", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    publisher
        .publish_confirmed("u", "after, too", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(message(&mut incoming).await.payload, "after");
    assert_eq!(message(&mut incoming).await.payload, "after, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_when_the_session_was_lost_is_sent_again() {
    let mut mosquitto = Mosquitto::start().unwrap();
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    publisher
        .publish_confirmed("t", "first", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    mosquitto.kill();
    let waiting: Vec<_> = (0..50)
        .map(|i| {
            let publisher = publisher.clone();
            tokio::spawn(async move {
                publisher
                    .publish_confirmed("t", format!("{i}"), Qos::AtLeastOnce, true)
                    .await
            })
        })
        .collect();
    mosquitto.restart().unwrap();
    for sent in waiting {
        within("the acknowledgement", sent).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_meanwhile_is_not_sent() {
    let mut mosquitto = Mosquitto::start().unwrap();
    let mut subscribing = options(mosquitto.addr(), "subscriber");
    subscribing.subscriptions = vec![Subscription::new("t")];
    let (_own, mut incoming) = connect(subscribing);
    subscribed(&mut incoming).await;
    mosquitto.kill();
    expect(&mut incoming, "the loss", |event| {
        matches!(event, Event::Disconnected { .. })
    })
    .await;
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    let lasting = publisher.send_confirmed(Message::new("t", "lasting").expiring_in(Duration::from_mins(1)));
    let expired = publisher.send_confirmed(Message::new("t", "expired").expiring_in(Duration::ZERO));
    let back = async {
        mosquitto.restart().unwrap();
        subscribed(&mut incoming).await;
    };
    let (expired, lasting, ()) =
        within("both outcomes", async { tokio::join!(expired, lasting, back) }).await;
    assert_eq!((expired, lasting), (Err(PublishError::Expired), Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_come_once_although_we_subscribe_again() {
    let mosquitto = Mosquitto::start().unwrap();
    let proxy = Proxy::start(mosquitto.addr()).await.unwrap();
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    publisher
        .publish_confirmed("t", "kept", Qos::AtLeastOnce, true)
        .await
        .unwrap();
    let mut subscribing = options(proxy.addr(), "subscriber").persistent(Duration::from_hours(1));
    subscribing.subscriptions = vec![Subscription::new("t")];
    let (_own, mut incoming) = connect(subscribing);
    let delivery = message(&mut incoming).await;
    assert!(delivery.retain && delivery.payload == "kept");
    proxy.cut_connections().await;
    let event = expect(&mut incoming, "the connection", |event| {
        matches!(event, Event::Connected { .. })
    })
    .await;
    assert_eq!(
        event,
        Event::Connected {
            session_present: true
        }
    );
    subscribed(&mut incoming).await;
    publisher
        .publish_confirmed("t", "new", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(message(&mut incoming).await.payload, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_acknowledgement_is_dropped_and_its_message_comes_again() {
    let mosquitto = Mosquitto::start().unwrap();
    let proxy = Proxy::start(mosquitto.addr()).await.unwrap();
    let mut subscribing = options(proxy.addr(), "subscriber").persistent(Duration::from_hours(1));
    subscribing.subscriptions = vec![Subscription::new("t")];
    subscribing.manual_acks = true;
    let (_own, mut incoming) = connect(subscribing);
    subscribed(&mut incoming).await;
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    publisher
        .publish_confirmed("t", "a", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    let first = message(&mut incoming).await;
    proxy.cut_connections().await;
    expect(&mut incoming, "the loss", |event| {
        matches!(event, Event::Disconnected { .. })
    })
    .await;
    let again = message(&mut incoming).await;
    incoming.ack(&first);
    assert_eq!(incoming.stats().stale_acks, 1);
    assert_eq!(again.payload, "a");
    assert_ne!(again.token, first.token);
    incoming.ack(&again);
    publisher
        .publish_confirmed("t", "b", Qos::AtLeastOnce, false)
        .await
        .unwrap();
    assert_eq!(message(&mut incoming).await.payload, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_after_cut_nothing_is_lost_and_nothing_acknowledged_comes_again() {
    cut_after_cut(32 << 20).await;
}

/// Mosquitto resumes some of these sessions with far more than the receive maximum; here that is refused.
#[tokio::test(flavor = "multi_thread")]
async fn cut_after_cut_with_a_hard_limit_the_same_holds() {
    cut_after_cut(0).await;
}

/// The line is cut again and again while acknowledgements are held back; every message must be seen, and none may come
/// after it was acknowledged on the connection that delivered it.
async fn cut_after_cut(max_overrun_bytes: usize) {
    const ROUNDS: usize = 10;
    const MESSAGES: usize = 150;
    let mosquitto = Mosquitto::start().expect("Mosquitto starts");
    let proxy = Proxy::start(mosquitto.addr()).await.expect("the proxy listens");
    let mut subscribing = options(proxy.addr(), "subscriber").persistent(Duration::from_hours(1));
    subscribing.subscriptions = vec![Subscription::new("t")];
    subscribing.manual_acks = true;
    subscribing.receive_maximum = 50;
    subscribing.max_overrun_bytes = max_overrun_bytes;
    subscribing.max_backoff = Duration::from_millis(20);
    let (own, mut incoming) = connect(subscribing.clone());
    subscribed(&mut incoming).await;
    let (publisher, _events) = connect(options(mosquitto.addr(), "publisher"));
    let mut seen = BTreeSet::new();
    let mut held = Vec::new();
    let mut deliveries = 0;
    for round in 1..=ROUNDS {
        // What is published after a cut arrives on a newer connection: there are as many as rounds.
        for i in 0..MESSAGES {
            publisher
                .publish("t", format!("{round}/{i}"), Qos::AtLeastOnce, false)
                .await
                .expect("room for it");
        }
        while seen.len() < round * MESSAGES {
            let delivery = message(&mut incoming).await;
            deliveries += 1;
            seen.insert(delivery.payload.clone());
            held.push(delivery);
            // Batches are acknowledged late and backwards; some only after a cut, when they are stale.
            if deliveries % 97 == 0 {
                proxy.cut_connections().await;
            }
            if held.len() >= 20 {
                held.drain(..).rev().for_each(|delivery| incoming.ack(&delivery));
            }
        }
        proxy.cut_connections().await;
    }
    held.drain(..).for_each(|delivery| incoming.ack(&delivery));
    println!(
        "{deliveries} deliveries for {ROUNDS} times {MESSAGES} messages; {:?}",
        incoming.stats()
    );
    assert!(
        incoming.stats().connects >= ROUNDS as u64,
        "{:?}",
        incoming.stats()
    );

    // Whatever was delivered on the last connection is acknowledged by now, except what came after the last look.
    let leftover = drain(&mut incoming, &publisher, "first mark").await;
    assert!(
        leftover.iter().all(|payload| seen.contains(payload)),
        "{leftover:?}"
    );
    own.disconnect().await;
    while incoming.recv().await.is_some() {}

    let (again, mut incoming) = connect(subscribing);
    let leftover = drain(&mut incoming, &publisher, "second mark").await;
    assert!(
        leftover.is_empty(),
        "acknowledged messages came again: {leftover:?}"
    );
    again.disconnect().await;
}

/// Acknowledges everything up to a message published now, which comes behind all others.
async fn drain(incoming: &mut mqtt::Incoming, publisher: &mqtt::Publisher, mark: &str) -> Vec<Bytes> {
    publisher
        .publish_confirmed("t", mark.to_owned(), Qos::AtLeastOnce, false)
        .await
        .expect("the mark arrives");
    let mut payloads = Vec::new();
    loop {
        let delivery = message(incoming).await;
        incoming.ack(&delivery);
        if delivery.payload == mark {
            return payloads;
        }
        payloads.push(delivery.payload);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_on_a_broken_line_gets_everything_through() {
    const MESSAGES: usize = 500;
    let mosquitto = Mosquitto::start().unwrap();
    let mut watching = options(mosquitto.addr(), "watch");
    watching.subscriptions = vec![Subscription::new("t")];
    let (_watcher, mut watched) = connect(watching);
    subscribed(&mut watched).await;
    let proxy = Proxy::start(mosquitto.addr()).await.unwrap();
    let mut publishing = options(proxy.addr(), "publisher");
    publishing.max_backoff = Duration::from_millis(20);
    let (publisher, _events) = connect(publishing);
    let sending = tokio::spawn(async move {
        for i in 0..MESSAGES {
            publisher
                .publish("t", format!("{i}"), Qos::AtLeastOnce, false)
                .await
                .unwrap();
            if i % 50 == 49 {
                publisher
                    .publish_confirmed("t", "mark", Qos::AtLeastOnce, false)
                    .await
                    .unwrap();
                proxy.cut_connections().await;
            }
        }
        publisher.disconnect().await;
    });
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    while seen.len() < MESSAGES {
        let delivery = message(&mut watched).await;
        if delivery.payload != "mark" && seen.insert(delivery.payload.clone()) {
            order.push(
                std::str::from_utf8(&delivery.payload)
                    .unwrap()
                    .parse::<usize>()
                    .unwrap(),
            );
        }
    }
    assert!(order.is_sorted(), "first arrivals keep the order: {order:?}");
    within("the publisher", sending).await.unwrap();
}
