//! Rows that ClickHouse refuses: found one by one in their batch, listed with ClickHouse's words, and in nobody's way.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::time::Duration;

use support::{client, client::Client};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_leaves_its_batch_and_is_listed() {
    let data = tempfile::tempdir().unwrap();
    let mut up = support::up(data.path(), &[]);
    up.sql("ALTER TABLE iot.sensor_temperature ADD CONSTRAINT lucky CHECK value != 13")
        .unwrap();
    let client = Client::connect(up.mqtt, &[]).await;
    let begin = client::now();
    for n in 0..300_u64 {
        let value = if n == 7 || n == 250 { 13.0 } else { 20.0 };
        let timestamp = begin.plus(Duration::from_millis(n));
        let topic = format!("sensor/room-{}/temperature", n % 3);
        client.publish(&topic, client::reading(value, timestamp)).await;
    }
    up.wait_sql(
        "SELECT count(), uniqExact(timestamp) FROM iot.sensor_temperature",
        "298\t298",
    )
    .unwrap();
    up.wait_sql(
        "SELECT count(), countIf(detail LIKE '%lucky%'), countIf(position(first_bytes, '13') > 0) FROM iot.ingest_errors WHERE topic = 'sensor_temperature'",
        "2\t2\t2",
    ).unwrap();
    // Nothing of it waits for another try, and what follows is stored.
    let after = begin.plus(Duration::from_secs(1));
    client
        .publish("sensor/room-1/temperature", client::reading(21.0, after))
        .await;
    up.wait_sql("SELECT count() FROM iot.sensor_temperature", "299")
        .unwrap();
    up.wait_page("/api/v1/status", "\"journal_records\":0").unwrap();
    up.process.terminate(support::END).unwrap();
}
