//! What was acknowledged before a backup began is there once after it was restored, with everything around it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use mqtt::{BrokerUrl, ConnectionOptions, Event, Qos, Subscription};
use testkit::{DEADLINE, Up};

use crate::{
    support,
    world::{
        Flood, Places, assert_known, assert_once, backed_up, figures, publish, restored, stored, verify,
        whole,
    },
};

const HOUR: Duration = Duration::from_hours(1);

/// A subscriber whose session outlives its connection.
fn subscriber(up: &Up) -> ConnectionOptions {
    let broker = BrokerUrl::tcp(up.mqtt.ip().to_string(), up.mqtt.port());
    let mut options = ConnectionOptions::new(broker, "lasting").persistent(HOUR);
    options.subscriptions = vec![Subscription::new("notes/#")];
    options
}

/// Waits for the payloads of messages, in any order.
async fn received(options: ConnectionOptions, count: usize) -> Vec<String> {
    let (_publisher, mut incoming) = mqtt::connect(options);
    let mut payloads = Vec::new();
    while payloads.len() < count {
        let event = tokio::time::timeout(DEADLINE, incoming.recv())
            .await
            .unwrap()
            .unwrap();
        if let Event::Message(delivery) = event {
            payloads.push(String::from_utf8(delivery.payload.to_vec()).unwrap());
        }
    }
    payloads.sort();
    payloads
}

async fn subscribe(options: ConnectionOptions) {
    let (publisher, mut incoming) = mqtt::connect(options);
    loop {
        let event = tokio::time::timeout(DEADLINE, incoming.recv())
            .await
            .unwrap()
            .unwrap();
        if matches!(event, Event::Subscribed) {
            break;
        }
    }
    publisher.disconnect().await;
}

fn closed_to_others(dir: &Path) {
    assert_eq!(
        fs::metadata(dir).unwrap().permissions().mode() & 0o777,
        0o700,
        "{}",
        dir.display()
    );
    for path in crate::world::entries(dir) {
        if path.is_dir() {
            closed_to_others(&path);
        } else {
            let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_installation_at_work_is_restored_as_it_was_when_the_backup_began() {
    let places = Places::new();
    let (data, shelf, new) = (places.at("data"), places.at("shelf"), places.at("new"));
    let config = places.at("casement.yaml");
    fs::write(&config, "backend: {max_devices: 321}\n").unwrap();
    let up = support::up(&data, &["--config", &config.display().to_string()]);
    subscribe(subscriber(&up)).await;
    let client = support::client::Client::connect(up.mqtt, &[]).await;
    let publish_note = |payload: &'static str, retain| {
        client
            .publisher
            .publish_confirmed("notes/kitchen", payload, Qos::AtLeastOnce, retain)
    };
    publish_note("waits", false).await.unwrap();
    let mut acknowledged = publish(up.mqtt, "early", 1_700_000_000_000, 3_000).await;
    let flood = Flood::begin(up.mqtt, "flood", 3);
    flood.wait_for(500).await;
    acknowledged.extend(flood.so_far());
    let (from, to) = (data.clone(), shelf.clone());
    let made = tokio::task::spawn_blocking(move || backed_up(&from, &to, &[]))
        .await
        .unwrap();
    flood.wait_for(100).await;
    let all = [acknowledged.clone(), flood.end().await].concat();
    assert!(
        all.len() > acknowledged.len(),
        "the flood went on while the backup was made"
    );

    let backups = whole(&shelf);
    assert_eq!(backups.len(), 1);
    closed_to_others(&backups[0]);
    assert_eq!(made["path"], backups[0].display().to_string());
    assert!(verify(&shelf).status.success());
    // Nothing of it stays behind, and the service is as it was.
    assert!(!data.join("backup-staging").exists() && crate::world::entries(&data.join("backups")).is_empty());
    up.wait_sql(
        "SELECT count() FROM system.databases WHERE name = 'iot_frozen'",
        "0",
    )
    .unwrap();
    assert_once(&stored(&up), &all);
    drop(up);

    restored(&backups[0], &new);
    // Commands that are told its directory do not find the original.
    for name in ["clickhouse.json", "page.json"] {
        assert!(data.join("accounts").join(name).exists() && !new.join("accounts").join(name).exists());
    }
    assert_eq!(
        fs::read(data.join("accounts/accounts.json")).unwrap(),
        fs::read(new.join("accounts/accounts.json")).unwrap()
    );
    assert!(
        fs::read_to_string(new.join("configuration/casement.yaml"))
            .unwrap()
            .contains("321")
    );
    let up = support::up(&new, &[]);
    let found = stored(&up);
    assert_once(&found, &acknowledged);
    assert_known(&found, &all);
    assert_eq!(received(subscriber(&up), 1).await, ["waits"]);
    // A restored journal knows what it took before: a repeat is one.
    let again = publish(up.mqtt, "early", 1_700_000_000_000, 50).await;
    assert_once(&stored(&up), &again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_installation_that_does_not_run_is_restored_to_the_same_counts_and_checksums() {
    let places = Places::new();
    let (data, new) = (places.at("data"), places.at("new"));
    let up = support::up(&data, &[]);
    publish(up.mqtt, "d", 1_700_000_000_000, 2_000).await;
    let client = support::client::Client::connect(up.mqtt, &[]).await;
    client
        .publisher
        .publish_confirmed("notes/hall", "stays", Qos::AtLeastOnce, true)
        .await
        .unwrap();
    let before = figures(&up);
    // As a crash leaves it.
    drop(up);
    let archive = places.at("one.tar.zst");
    let made = backed_up(&data, &archive, &[]);
    let rows = |table: &str| {
        let tables = made["tables"].as_array().unwrap();
        let found = tables.iter().find(|found| found["table"] == table).unwrap();
        found["rows"].as_u64().unwrap()
    };
    assert_eq!((rows("sensor_temperature"), rows("sensor_humidity")), (2_000, 0));
    assert_eq!(
        fs::metadata(&archive).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(verify(&archive).status.success());

    fs::create_dir(&new).unwrap();
    restored(&archive, &new);
    let up = support::up(&new, &[]);
    assert_eq!(figures(&up), before);
    let mut other = subscriber(&up);
    other.client_id = "another".into();
    assert_eq!(received(other, 1).await, ["stays"]);
}
