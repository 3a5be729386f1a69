//! The load generator at a real Mosquitto: what it says was acknowledged is what a subscriber sees.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp)]

mod support;

use std::{sync::Arc, time::Duration};

use simulator::{
    DeliveryLog, SimulationOptions,
    delivery_log::Outcome,
    load::{self, LoadOptions},
};
use support::{PATIENCE, Watcher, record, url};
use testkit::Mosquitto;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

fn options(broker: &Mosquitto, delivery_log: &Arc<DeliveryLog>) -> LoadOptions {
    LoadOptions::new(SimulationOptions {
        devices: 3,
        delivery_log: Some(Arc::clone(delivery_log)),
        ..SimulationOptions::new(url(broker))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_and_the_books_balance() {
    let broker = Mosquitto::start().unwrap();
    let mut watcher = Watcher::join(url(&broker)).await;
    let delivery_log = Arc::new(DeliveryLog::new());
    let load = LoadOptions {
        messages: Some(1_000),
        clip_every: Some(50),
        ..options(&broker, &delivery_log)
    };
    let running = tokio::spawn(load::run(load, CancellationToken::new()));
    let mut stored = Vec::new();
    for _ in 0..1_000 {
        let (kind, device, payload) = watcher.next().await;
        stored.extend(record(kind, device, &payload));
    }
    let report = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(
        (report.acknowledged(), delivery_log.count(Outcome::Acknowledged)),
        (1_000, 1_000)
    );
    assert_eq!(report.summary.of(mqtt::TopicKind::Audio).acknowledged, 18);
    assert_eq!((report.latencies.count(), report.summary.devices), (1_000, 3));
    assert!(report.latencies.quantile(0.5) <= report.latencies.quantile(0.99));
    let reconciliation = delivery_log.reconcile(stored);
    assert!(
        reconciliation.is_consistent() && reconciliation.found == 1_000,
        "{reconciliation:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_until_shutdown() {
    let broker = Mosquitto::start().unwrap();
    let delivery_log = Arc::new(DeliveryLog::new());
    let load = LoadOptions {
        messages_per_s: Some(600.0),
        ..options(&broker, &delivery_log)
    };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(load::run(load, shutdown.clone()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    shutdown.cancel();
    let report = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    // The machine may be busy; it may be slower, but never faster.
    assert!(
        (300..=1_300).contains(&report.acknowledged()),
        "{}",
        report.acknowledged()
    );
    assert_eq!(delivery_log.count(Outcome::Pending), 0);
}
