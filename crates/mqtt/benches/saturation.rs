//! A subscriber behind a saturated Mosquitto: publishers keep a number of messages sent and not yet stored, and the
//! consumer acknowledges in batches. Prints what arrives, a line a second, and fails if anything is missing at the end.
//! Usage: `cargo bench -p mqtt --bench saturation -- [SECONDS] [KEEP_ALIVE_S] [OUTSTANDING]`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use mqtt::{Delivery, Event, Incoming, Qos, Subscription, connect};
use support::subscribed;
use testkit::Mosquitto;
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

const PUBLISHERS: usize = 20;
const PAYLOAD_BYTES: usize = 60;
/// As the backend does: a batch by number or by time, stored before it is acknowledged.
const BATCH: usize = 5_000;
const BATCH_TIME: Duration = Duration::from_millis(20);
const STORE_TIME: Duration = Duration::from_millis(50);
/// Time for what is left when the publishers have ended.
const REST: Duration = Duration::from_mins(1);

#[derive(Default)]
struct Counts {
    stored: AtomicU64,
    repeated: AtomicU64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let number = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let (seconds, keep_alive_s, outstanding) = (number(0, 20), number(1, 5), number(2, 150_000));
    let mosquitto = Mosquitto::start().expect("Mosquitto starts");
    let mut options = support::options(mosquitto.addr(), "subscriber").persistent(Duration::from_hours(1));
    options.subscriptions = vec![Subscription::new("t/#")];
    options.manual_acks = true;
    options.keep_alive = Duration::from_secs(keep_alive_s);
    let (own, mut incoming) = connect(options);
    subscribed(&mut incoming).await;

    let window = Arc::new(Semaphore::new(outstanding as usize));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut publishing = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let options = support::options(mosquitto.addr(), &format!("publisher{publisher}"));
        publishing.spawn(publish(options, publisher, Arc::clone(&window), until));
    }
    let counts = Arc::new(Counts::default());
    let consuming = tokio::spawn(consume(incoming, Arc::clone(&counts), window));
    let mut before = 0;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let begun = Instant::now();
    let mut published = 0;
    while begun.elapsed() < Duration::from_secs(seconds) + REST {
        second.tick().await;
        while let Some(sent) = publishing.try_join_next() {
            published += sent.expect("a publisher ends");
        }
        let (stored, repeated) = (counts.stored.load(Relaxed), counts.repeated.load(Relaxed));
        let stats = own.stats();
        println!(
            "{:3.0} s: {:6} new, {repeated} repeated, {} connections, {} overruns, {} stale, {} unacknowledged",
            begun.elapsed().as_secs_f64(),
            stored - before,
            stats.connects,
            stats.overruns,
            stats.stale_acks,
            stats.unacknowledged,
        );
        before = stored;
        if publishing.is_empty() && stored == published {
            break;
        }
    }
    own.disconnect().await;
    consuming.await.expect("the consumer ends");
    let stored = counts.stored.load(Relaxed);
    let rate = stored as f64 / begun.elapsed().as_secs_f64();
    println!("published {published}, stored {stored}, {rate:.0} messages/s");
    assert_eq!(stored, published, "nothing is missing");
}

async fn publish(
    options: mqtt::ConnectionOptions,
    publisher: usize,
    window: Arc<Semaphore>,
    until: Instant,
) -> u64 {
    let (own, _events) = connect(options);
    let mut sent = 0_u64;
    while let left = until.saturating_duration_since(Instant::now())
        && !left.is_zero()
    {
        let Ok(Ok(permit)) = timeout(left, window.acquire()).await else {
            break;
        };
        permit.forget();
        let payload = format!("{publisher} {sent:0PAYLOAD_BYTES$}");
        own.publish(format!("t/{publisher}"), payload, Qos::AtLeastOnce, false)
            .await
            .expect("a publish");
        sent += 1;
    }
    own.disconnect().await;
    sent
}

async fn consume(mut incoming: Incoming, counts: Arc<Counts>, window: Arc<Semaphore>) {
    let mut seen = vec![Vec::<bool>::new(); PUBLISHERS];
    let mut batch: Vec<Delivery> = Vec::new();
    let mut ended = false;
    while !ended {
        let full = Instant::now() + BATCH_TIME;
        while batch.len() < BATCH && !ended {
            match timeout(full.saturating_duration_since(Instant::now()), incoming.recv()).await {
                Ok(Some(Event::Message(delivery))) => batch.push(delivery),
                Ok(Some(Event::Disconnected { reason })) => println!("disconnected: {reason}"),
                Ok(Some(_)) => {}
                Ok(None) => ended = true,
                Err(_) => break,
            }
        }
        tokio::time::sleep(STORE_TIME).await;
        for delivery in batch.drain(..) {
            if is_new(&mut seen, &delivery) {
                counts.stored.fetch_add(1, Relaxed);
                window.add_permits(1);
            } else {
                counts.repeated.fetch_add(1, Relaxed);
            }
            incoming.ack(&delivery);
        }
    }
}

fn is_new(seen: &mut [Vec<bool>], delivery: &Delivery) -> bool {
    let text = std::str::from_utf8(&delivery.payload).expect("text");
    let (publisher, sequence) = text.split_once(' ').expect("two numbers");
    let (publisher, sequence): (usize, usize) = (
        publisher.parse().expect("a number"),
        sequence.parse().expect("a number"),
    );
    let seen = &mut seen[publisher];
    if seen.len() <= sequence {
        seen.resize(sequence + 1, false);
    }
    !std::mem::replace(&mut seen[sequence], true)
}
