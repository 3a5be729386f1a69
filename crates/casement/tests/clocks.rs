//! Wrong clocks, retained messages and backlogs, with real brokers and restarts in between.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use domain::Timestamp;
use mqtt::Qos;
use support::client::{self, Client, now};
use testkit::{Deployment, DeploymentOptions, Layout, wait_until};

fn prepare(layout: Layout, protocol: &'static str, directory: &std::path::Path) -> Deployment {
    let mut options = DeploymentOptions::new(layout);
    options.protocol = protocol;
    Deployment::prepare(support::casement(), directory, options).expect("a directory and free addresses")
}

fn count(deployment: &Deployment, table: &str, condition: &str) -> usize {
    let sql = format!("SELECT count() FROM iot.{table} WHERE {condition}");
    deployment
        .sql(&sql)
        .expect("an answer")
        .trim()
        .parse()
        .expect("a number")
}

/// Waits until exactly so many rows are there, and nothing waits any more.
async fn stored(deployment: &mut Deployment, table: &str, condition: &str, rows: usize) {
    let what = format!("{rows} rows in {table} where {condition}");
    wait_until(&what, || count(deployment, table, condition) >= rows)
        .await
        .unwrap();
    deployment.wait_stored().await.unwrap();
    assert_eq!(count(deployment, table, condition), rows, "{what}");
}

fn ago(minutes: u64) -> Timestamp {
    now().minus(Duration::from_secs(minutes * 60))
}

async fn climate(client: &Client, device: &str, temperature: f64, at: Timestamp) {
    for (quantity, value) in [("temperature", temperature), ("humidity", 50.0)] {
        let topic = format!("sensor/{device}/{quantity}");
        client.publish(&topic, client::reading(value, at)).await;
    }
}

async fn retain(client: &Client, topic: &str, payload: String) {
    let kept = client
        .publisher
        .publish_confirmed(topic, payload, Qos::AtLeastOnce, true);
    kept.await.unwrap();
}

/// Returns the temperatures that commands to `device` are based on, in order.
fn decided_on(deployment: &Deployment, device: &str) -> String {
    let sql = format!(
        "SELECT arrayStringConcat(groupArray(toString(temperature)), ' ') FROM \
         (SELECT temperature FROM iot.window_actions WHERE device_id = '{device}' ORDER BY received_at)"
    );
    deployment.sql(&sql).unwrap().trim().to_owned()
}

async fn only_what_is_current_decides(protocol: &'static str) {
    let directory = tempfile::tempdir().unwrap();
    let mut deployment = prepare(Layout::ExternalBroker, protocol, directory.path());
    deployment.start_broker().unwrap();
    deployment.start_engine().unwrap();
    let client = Client::connect(deployment.addresses().mqtt, &[]).await;
    // Before the backend ever subscribed: what comes later, with or without the flag, is live.
    for (quantity, value) in [("temperature", 31.5), ("humidity", 70.0)] {
        let unset = format!(r#"{{"value": {value}, "timestamp": "1970-01-01T00:00:20Z"}}"#);
        retain(&client, &format!("sensor/unset/{quantity}"), unset).await;
        let old = format!(r#"{{"value": {value}, "timestamp": "{}"}}"#, ago(120));
        retain(&client, &format!("sensor/old/{quantity}"), old).await;
    }
    let state = format!(r#"{{"position": 40, "timestamp": "{}"}}"#, ago(60));
    retain(&client, "window/room/state", state).await;
    deployment.start_backend().unwrap();
    deployment.start_ml().unwrap();
    deployment.wait_ready().await.unwrap();
    climate(&client, "room", 20.5, now()).await;
    stored(&mut deployment, "window_actions", "device_id = 'room'", 1).await;

    deployment
        .backend
        .take()
        .unwrap()
        .terminate(support::END)
        .unwrap();
    for minutes in [31, 30, 29] {
        climate(&client, "room", 30.0, ago(minutes)).await;
    }

    for start in 1..=3_u32 {
        deployment.start_backend().unwrap();
        deployment.wait_ready().await.unwrap();
        // What was sent before is taken before this: it comes on the same connection.
        let temperature = 20.5 + f64::from(start);
        climate(&client, "room", temperature, now()).await;
        let actions = 1 + start as usize;
        stored(&mut deployment, "window_actions", "device_id = 'room'", actions).await;
        stored(
            &mut deployment,
            "sensor_temperature",
            "device_id = 'room'",
            4 + start as usize,
        )
        .await;
        stored(&mut deployment, "sensor_temperature", "device_id = 'old'", 1).await;
        stored(&mut deployment, "window_states", "position = 40", 1).await;
        assert_eq!(count(&deployment, "sensor_temperature", "device_id = 'unset'"), 0);
        assert!(count(&deployment, "ingest_errors", "reason = 'unknown_time'") >= 2);
        let unknown = "device_id IN ('old', 'unset')";
        assert_eq!(count(&deployment, "window_actions", unknown), 0);
        assert_eq!(count(&deployment, "device_registry", unknown), 0);
        deployment
            .backend
            .take()
            .unwrap()
            .terminate(support::END)
            .unwrap();
    }
    assert_eq!(decided_on(&deployment, "room"), "20.5 21.5 22.5 23.5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_only_what_is_current_decides() {
    only_what_is_current_decides("5").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_only_what_is_current_decides_under_mqtt_311() {
    only_what_is_current_decides("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_loses_nothing_and_hides_nothing_across_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let mut deployment = prepare(Layout::EmbeddedBroker, "auto", directory.path());
    deployment.start().await.unwrap();
    let fixed = ago(30);
    for run in 1..=2 {
        let client = Client::connect(deployment.addresses().mqtt, &[]).await;
        for _ in 0..8 {
            let constant = client::reading(21.5, fixed);
            client.publish("sensor/constant/temperature", constant).await;
        }
        for time in ["1970-01-01T00:00:05Z", "2036-02-07T06:28:16Z"] {
            for position in [0, 50, 0] {
                let state = format!(r#"{{"position": {position}, "timestamp": "{time}"}}"#);
                client.publish("window/w/state", state).await;
            }
        }
        // At this door the flag is the sender's wish: the message is live.
        let live = format!(r#"{{"position": {run}, "timestamp": "{}"}}"#, now());
        retain(&client, "window/kept/state", live).await;
        stored(
            &mut deployment,
            "sensor_temperature",
            "device_id = 'constant'",
            8 * run,
        )
        .await;
        let times = "SELECT uniqExact(timestamp) FROM iot.sensor_temperature";
        assert_eq!(deployment.sql(times).unwrap().trim(), (8 * run).to_string());
        let is_registered = || count(&deployment, "device_registry", "device_id = 'kept'") > 0;
        wait_until("the sender is registered", is_registered)
            .await
            .unwrap();
        let latest = "SELECT argMax(position, timestamp) FROM iot.window_states WHERE device_id = 'w'";
        assert_eq!(deployment.sql(latest).unwrap().trim(), "0");
        assert_eq!(count(&deployment, "window_states", "timestamp > now() + 60"), 0);
        if run == 1 {
            stored(&mut deployment, "window_states", "device_id = 'w'", 6).await;
            deployment.up = None;
            deployment.start_up().unwrap();
            deployment.wait_ready().await.unwrap();
            let url = format!("http://{}/api/v1/devices/kept", deployment.addresses().http);
            let is_known =
                || testkit::get(&url).is_ok_and(|device| device.contains(r#""window":{"value":1.0"#));
            wait_until("where the window stands is known", is_known)
                .await
                .unwrap();
        }
    }
}
