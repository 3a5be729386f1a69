//! How fast a subscriber of a real Mosquitto receives at `QoS` 1: ours with manual acknowledgements beside the bare
//! client that acknowledges by itself, in one run. Usage: `cargo bench -p mqtt --bench subscribe`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use mqtt::{ConnectionOptions, Event, Qos, Subscription, connect};
use rumqttc::v5::{
    AsyncClient, Event as ClientEvent, MqttOptions,
    mqttbytes::{QoS, v5::Packet},
};
use support::subscribed;
use testkit::Mosquitto;
use tokio::sync::oneshot;

const SMALL: (&str, usize, usize) = ("readings, 60 bytes", 60, 200_000);
const CLIPS: (&str, usize, usize) = ("clips, 85 KiB", 85 << 10, 4_000);

fn main() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
    };
    for (name, bytes, messages) in [SMALL, CLIPS] {
        for round in 1..=3 {
            let bare = runtime()
                .expect("a runtime")
                .block_on(measure(bytes, messages, false));
            let ours = runtime()
                .expect("a runtime")
                .block_on(measure(bytes, messages, true));
            println!(
                "{name}, round {round}: bare {bare:.0} msg/s, ours {ours:.0} msg/s, {:.2}",
                ours / bare
            );
        }
    }
}

/// Messages a second while a flood is received, in a session that queued all of it before.
async fn measure(bytes: usize, messages: usize, ours: bool) -> f64 {
    let mosquitto = Mosquitto::start().expect("Mosquitto starts");
    let options = || {
        let mut options =
            support::options(mosquitto.addr(), "subscriber").persistent(Duration::from_hours(1));
        options.subscriptions = vec![Subscription::new("t")];
        options.manual_acks = true;
        options
    };
    let (subscriber, mut incoming) = connect(options());
    subscribed(&mut incoming).await;
    subscriber.disconnect().await;
    let (publisher, _events) = connect(ConnectionOptions {
        inflight: 1_000,
        ..support::options(mosquitto.addr(), "publisher")
    });
    for _ in 0..messages {
        publisher
            .publish("t", vec![b'x'; bytes], Qos::AtLeastOnce, false)
            .await
            .expect("a publish");
    }
    publisher.disconnect().await;
    let begun = Instant::now();
    if ours {
        let (subscriber, mut incoming) = connect(options());
        let mut left = messages;
        while left > 0 {
            if let Some(Event::Message(delivery)) = incoming.recv().await {
                incoming.ack(&delivery);
                left -= 1;
            }
        }
        let rate = messages as f64 / begun.elapsed().as_secs_f64();
        subscriber.disconnect().await;
        rate
    } else {
        bare(mosquitto.addr().port(), messages).await;
        messages as f64 / begun.elapsed().as_secs_f64()
    }
}

async fn bare(port: u16, messages: usize) {
    let mut options = MqttOptions::new("subscriber", "127.0.0.1", port);
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(3600));
    options.set_max_packet_size(Some(2 << 20));
    options.set_receive_maximum(Some(1_000));
    let (client, mut event_loop) = AsyncClient::new(options, 100);
    client
        .subscribe("t", QoS::AtLeastOnce)
        .await
        .expect("a subscription");
    let (done, finished) = oneshot::channel();
    tokio::spawn(async move {
        let mut left = messages;
        while left > 0 {
            if let ClientEvent::Incoming(Packet::Publish(_)) = event_loop.poll().await.expect("a packet") {
                left -= 1;
            }
        }
        let _ = done.send(());
    });
    finished.await.expect("the subscriber ends");
}
