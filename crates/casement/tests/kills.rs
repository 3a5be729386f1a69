//! `kill -9` under load: what was acknowledged is in ClickHouse once, no process is left, the restart is immediate.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use mqtt::Qos;
use support::{client, client::Client};
use testkit::{Signal, Up, children, has_ended, signal, wait_until, wait_until_blocking};
use tokio::task::JoinSet;

const SENDERS: usize = 4;

/// Publishes distinct readings until the broker is gone; gives those that were acknowledged.
async fn send(up: (std::net::SocketAddr, usize), round: usize) -> Vec<(String, i64)> {
    let (broker, sender) = up;
    let client = Client::connect(broker, &[]).await;
    let device_id = format!("r{round}-s{sender}");
    let topic = format!("sensor/{device_id}/temperature");
    let mut acknowledged = Vec::new();
    let start = client::now().as_millis() - 3_600_000;
    for i in 0..100_000 {
        let timestamp = domain::Timestamp::from_millis(start + i);
        let confirmed = client.publisher.publish_confirmed(
            topic.clone(),
            client::reading(20.0, timestamp),
            Qos::AtLeastOnce,
            false,
        );
        match tokio::time::timeout(Duration::from_millis(500), confirmed).await {
            Ok(Ok(())) => acknowledged.push((device_id.clone(), timestamp.as_millis())),
            _ => break,
        }
    }
    acknowledged
}

fn wait_until_gone(pid: u32) {
    let started = Instant::now();
    wait_until_blocking(&format!("process {pid} has ended"), || has_ended(pid)).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

fn kill(pid: u32) {
    signal(pid, Signal::KILL).unwrap();
}

fn engine_of(up: &Up) -> u32 {
    children(up.process.pid())[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_or_doubled() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    let mut acknowledged: Vec<(String, i64)> = Vec::new();
    for round in 0..4 {
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            senders.spawn(send((up.mqtt, sender), round));
        }
        // Under way for a different while each time, so that the kill falls into different phases of a batch.
        tokio::time::sleep(Duration::from_millis(1_300 + 370 * round as u64)).await;
        let engines = children(up.process.pid());
        assert_eq!(engines.len(), 1, "the engine is the only child");
        if round == 1 {
            // Only the engine dies: decisions and acknowledgements go on, and it comes back.
            kill(engines[0]);
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
        kill(up.process.pid());
        while let Some(sent) = senders.join_next().await {
            acknowledged.extend(sent.unwrap());
        }
        for engine in engines {
            wait_until_gone(engine);
        }
        up.restart().unwrap();
    }
    assert!(
        acknowledged.len() > 200,
        "only {} acknowledged",
        acknowledged.len()
    );
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    let stored = up.sql("SELECT device_id, toUnixTimestamp64Milli(timestamp), count() FROM iot.sensor_temperature GROUP BY 1, 2 FORMAT TSV").unwrap();
    let mut counts: HashMap<(String, i64), u32> = HashMap::new();
    for line in stored.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        counts.insert(
            (fields[0].to_owned(), fields[1].parse().unwrap()),
            fields[2].parse().unwrap(),
        );
    }
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|key| !counts.contains_key(key))
        .collect();
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost: {:?}",
        lost.len(),
        acknowledged.len(),
        &lost[..lost.len().min(5)]
    );
    assert!(
        doubled.is_empty(),
        "{} doubled: {:?}",
        doubled.len(),
        &doubled[..doubled.len().min(5)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_does_not_keep_the_system_from_ending() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    let engine = engine_of(&up);
    signal(engine, Signal::STOP).unwrap();
    let client = Client::connect(up.mqtt, &[]).await;
    client
        .publish("sensor/hung/temperature", client::reading(21.0, client::now()))
        .await;
    up.process.terminate(support::END).unwrap();
    wait_until_gone(engine);
    // What was acknowledged meanwhile waited in the journal.
    up.restart().unwrap();
    up.wait_sql(
        "SELECT value FROM iot.sensor_temperature WHERE device_id = 'hung'",
        "21",
    )
    .unwrap();
}

/// The engine alone dies again and again under load: decisions go on, and nothing acknowledged is lost or doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_that_dies_again_and_again_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    let sender = tokio::spawn(send((up.mqtt, 9), 9));
    let mut windows = Client::connect(up.mqtt, &["window/+/control"]).await;
    for round in 0..3 {
        let engine = engine_of(&up);
        kill(engine);
        // Deciding never waits for the database: a new device's window moves while there is none.
        let device_id = format!("decided-{round}");
        for quantity in ["temperature", "humidity"] {
            let payload = client::reading(30.0, client::now());
            windows
                .publish(&format!("sensor/{device_id}/{quantity}"), payload)
                .await;
        }
        while windows.json().await.0 != format!("window/{device_id}/control") {}
        let ping = format!("http://{}/?query=SELECT+1", up.clickhouse);
        let answers = || testkit::get(&ping).is_ok();
        wait_until("the engine answers again", answers).await.unwrap();
    }
    up.process.terminate(support::END).unwrap();
    let acknowledged = sender.await.unwrap();
    up.restart().unwrap();
    let count = acknowledged.len();
    assert!(count > 50, "only {count} acknowledged");
    up.wait_sql(
        "SELECT count() - uniqExact(timestamp) FROM iot.sensor_temperature WHERE device_id = 'r9-s9'",
        "0",
    )
    .unwrap();
    let list = acknowledged
        .iter()
        .map(|(_, at)| at.to_string())
        .collect::<Vec<_>>()
        .join(",");
    up.wait_sql(
        &format!("SELECT uniqExact(timestamp) FROM iot.sensor_temperature WHERE device_id = 'r9-s9' AND toUnixTimestamp64Milli(timestamp) IN ({list})"),
        &count.to_string(),
    ).unwrap();
}
