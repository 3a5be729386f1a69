//! Clients that others wrote, unchanged: the official Rust client, Python's clickhouse-connect and `SQLAlchemy`. Those
//! that need tools which Casement itself does not are in `foreign`.
#![allow(missing_docs, clippy::unwrap_used, clippy::float_cmp, clippy::too_many_lines)]

mod support;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    process::Command,
    time::Duration,
};

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

/// What we do not use ourselves, as others do.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Wide {
    key: u8,
    nullable: Option<i32>,
    nested: Vec<Vec<Option<String>>>,
    map: Vec<(String, Vec<u8>)>,
    tuple: (i32, String),
    decimal: i64,
    big_decimal: i128,
    #[serde(with = "clickhouse::serde::uuid")]
    id: uuid::Uuid,
    #[serde(with = "clickhouse::serde::ipv4")]
    v4: Ipv4Addr,
    v6: Ipv6Addr,
    state: i8,
    low: String,
    low_nullable: Option<String>,
    fixed: [u8; 4],
    date: u16,
    huge: i128,
    json: String,
}

#[tokio::test]
async fn the_official_rust_client_with_every_kind_of_column() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let client = Client::default()
        .with_url(&engine.url)
        .with_database("default")
        .with_setting("input_format_binary_read_json_as_string", "1")
        .with_setting("output_format_binary_write_json_as_string", "1");
    client
        .query(
            "CREATE TABLE wide (key UInt8, nullable Nullable(Int32), nested Array(Array(Nullable(String))), \
             map Map(String, Array(UInt8)), tuple Tuple(Int32, String), decimal Decimal(18, 4), big_decimal Decimal(38, 2), \
             id UUID, v4 IPv4, v6 IPv6, state Enum8('open' = 1, 'shut' = -1), low LowCardinality(String), \
             low_nullable LowCardinality(Nullable(String)), fixed FixedString(4), date Date, huge Int128, json JSON) \
             ENGINE = MergeTree ORDER BY key",
        )
        .execute()
        .await
        .unwrap();
    let row = |key: u8| Wide {
        key,
        nullable: (key.is_multiple_of(2)).then_some(-7),
        nested: vec![vec![Some("a".into()), None], vec![]],
        map: vec![("k".into(), vec![1, 2]), ("l".into(), vec![])],
        tuple: (-1, "it's".into()),
        decimal: 12_500,
        big_decimal: -125,
        id: uuid::Uuid::from_u128(u128::from(key) << 64 | 5),
        v4: Ipv4Addr::new(10, 1, 2, 3),
        v6: Ipv6Addr::LOCALHOST,
        state: if key.is_multiple_of(2) { 1 } else { -1 },
        low: format!("low {}", key % 3),
        low_nullable: (key.is_multiple_of(3)).then(|| "x".into()),
        fixed: *b"ab\0\xff",
        date: 20_000,
        huge: i128::MIN,
        json: format!(r#"{{"a":{key},"b":{{"c":"x"}}}}"#),
    };
    let rows: Vec<Wide> = (0..100).map(row).collect();
    let mut insert = client.insert::<Wide>("wide").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
    let stored: Vec<Wide> = client
        .query("SELECT ?fields FROM wide ORDER BY key")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(stored, rows);
    // What the engine understood, not only what it gave back.
    let understood: String = client
        .query(
            "SELECT concat(toString(decimal), ' ', toString(big_decimal), ' ', toString(v6), ' ', toString(state), ' ', \
             toString(date), ' ', toString(json.b.c), ' ', hex(fixed)) FROM wide WHERE key = 2",
        )
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(understood, "1.25 -1.25 ::1 open 2024-10-04 x 616200FF");
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A script of `tests/python` in the environment that `scripts/python-env.sh` makes.
fn python(script: &str) {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(dir.path());
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = crate_dir.join("../../target/python/bin/python");
    assert!(
        python.exists(),
        "the Python environment is missing: run scripts/python-env.sh"
    );
    let script = crate_dir.join("tests/python").join(script);
    succeeds(
        Command::new(python)
            .arg(script)
            .arg(engine.addr.port().to_string()),
    );
}

#[test]
fn clickhouse_connect_from_pypi() {
    python("connect.py");
}

#[test]
fn clickhouse_connect_with_every_kind_of_column() {
    python("columns.py");
}

#[test]
fn sqlalchemy_through_clickhouse_connect() {
    python("alchemy.py");
}
