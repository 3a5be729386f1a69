//! Clients that others wrote, unchanged: the official Rust client, and Python's clickhouse-connect.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{path::Path, process::Command, time::Duration};

use clickhouse::{Client, Row, inserter::Inserter};
use serde::{Deserialize, Serialize};
use support::Engine;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Sample {
    timestamp: i64,
    device_id: String,
    value: f64,
    active: bool,
    tags: Vec<String>,
    note: Option<String>,
}

fn sample(i: i64) -> Sample {
    Sample {
        timestamp: 1_760_000_000_000 + i,
        device_id: format!("d-{}", i % 7),
        value: i as f64 / 3.0,
        active: i % 2 == 0,
        tags: vec!["a".into(); (i % 3) as usize],
        note: (i % 5 == 0).then(|| format!("note {i}")),
    }
}

#[tokio::test]
async fn the_official_rust_client_with_validation_inserter_and_lz4() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let client = Client::default().with_url(&engine.url).with_database("default");
    client
        .query("CREATE TABLE samples (timestamp DateTime64(3), device_id LowCardinality(String), value Float64, active Bool, tags Array(String), note Nullable(String)) ENGINE = MergeTree ORDER BY (device_id, timestamp)")
        .execute()
        .await
        .unwrap();
    let mut inserter: Inserter<Sample> = client
        .inserter("samples")
        .with_max_rows(1_000)
        .with_period(Some(Duration::from_secs(1)));
    let rows: Vec<Sample> = (0..2_500).map(sample).collect();
    for row in &rows {
        inserter.write(row).await.unwrap();
        inserter.commit().await.unwrap();
    }
    inserter.end().await.unwrap();
    let stored: Vec<Sample> = client
        .query("SELECT ?fields FROM samples ORDER BY timestamp")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(stored, rows);
    let one: u64 = client
        .query("SELECT count() FROM samples WHERE device_id = ?")
        .bind("d-3")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(
        one,
        rows.iter().filter(|row| row.device_id == "d-3").count() as u64
    );
    let none: Vec<Sample> = client
        .query("SELECT ?fields FROM samples WHERE 0")
        .fetch_all()
        .await
        .unwrap();
    assert!(none.is_empty());
    let parameter: String = client
        .query("SELECT {x:String}")
        .param("x", "it's")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(parameter, "it's");
    let wrong = client
        .query("SELECT * FROM nosuch")
        .fetch_all::<u8>()
        .await
        .unwrap_err();
    assert!(wrong.to_string().contains("UNKNOWN_TABLE"), "{wrong}");
}

#[test]
fn clickhouse_connect_from_pypi() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/python/bin/python");
    assert!(
        python.exists(),
        "the Python environment is missing: run scripts/python-env.sh"
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/connect.py");
    let output = Command::new(python)
        .arg(script)
        .arg(engine.addr.port().to_string())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
