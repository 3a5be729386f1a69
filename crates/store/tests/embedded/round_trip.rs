//! Rows come back as they went in, once.

use std::collections::BTreeMap;

use domain::Quantity;
use store::{Batch, Row, SCHEMA_VERSION, Table};

use crate::{
    engine::{Engine, rows_in},
    rows::{NOON, one_of_each},
};

/// All rows of a table as one line of JSON each: whole, whatever the columns.
async fn json_of(engine: &Engine, table: Table) -> Vec<serde_json::Value> {
    let sql =
        format!("SELECT * FROM {table} ORDER BY ALL SETTINGS output_format_json_quote_64bit_integers = 0");
    let mut lines = engine
        .client()
        .query(&sql)
        .fetch_bytes("JSONEachRow")
        .expect("a query");
    let bytes = lines.collect().await.expect("an answer");
    let text = std::str::from_utf8(&bytes).expect("JSON");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn rows_come_back_as_they_went_in_and_a_token_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    let store = engine.store();
    assert_eq!(store.migrate().await.unwrap(), SCHEMA_VERSION);
    assert_eq!(store.migrate().await.unwrap(), SCHEMA_VERSION);

    let rows = one_of_each();
    let batch: Batch = rows.iter().cloned().collect();
    store.insert(&batch, "journal/1-9").await.unwrap();
    store.insert(&batch, "journal/1-9").await.unwrap();
    engine.kill();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    store.insert(&batch, "journal/1-9").await.unwrap();
    for table in Table::ALL {
        assert_eq!(rows_in(&engine, table).await, 1, "{table}");
    }

    for row in rows {
        compare(&row, &json_of(&engine, row.table()).await[0]);
    }
    // The same rows under another token are other rows: two equal readings are two readings.
    store.insert(&batch, "journal/10-18").await.unwrap();
    assert_eq!(rows_in(&engine, Table::Sensor(Quantity::Temperature)).await, 2);
}

/// Every field of `row` against the columns of what ClickHouse stored.
fn compare(row: &Row, stored: &serde_json::Value) {
    let sent = serde_json::to_value(row).expect("a row is JSON");
    let (_, sent) = sent.as_object().expect("tagged").iter().next().expect("one kind");
    let sent = sent.as_object().expect("fields");
    // Most columns of a clip's features follow from their JSON.
    let derived = if matches!(row, Row::Audio(_)) { 7 } else { 0 };
    assert_eq!(
        stored.as_object().map(serde_json::Map::len),
        Some(sent.len() + derived),
        "every column is sent"
    );
    for (column, value) in sent {
        let stored = &stored[column];
        match (row, &column[..]) {
            // Their time is this test's.
            (Row::IngestError(_), "received_at") | (Row::SystemMetrics(_) | Row::Audit(_), "timestamp") => {}
            (Row::SystemMetrics(_), "messages" | "refused") => {
                let pairs: Vec<(String, u64)> = serde_json::from_value(value.clone()).expect("pairs");
                let map = serde_json::to_value(pairs.into_iter().collect::<BTreeMap<_, _>>());
                assert_eq!(stored, &map.expect("a map"), "{column}");
            }
            (Row::Reading(..), "received_at") => {
                assert_eq!(stored, "2025-10-24 12:00:00.000");
            }
            (_, "timestamp" | "received_at" | "registered_at" | "last_seen") => {
                assert_eq!(stored, &clock(value.as_i64().expect("ms")), "{column}");
            }
            _ if value.is_f64() => assert_eq!(stored.as_f64(), value.as_f64(), "{column}"),
            _ => assert_eq!(stored, value, "{column}"),
        }
    }
}

/// `2025-10-24 12:00:00.001`, for times on that day.
fn clock(ms: i64) -> String {
    let since_noon = ms - NOON;
    format!(
        "2025-10-24 12:{:02}:{:02}.{:03}",
        since_noon / 60_000,
        since_noon / 1000 % 60,
        since_noon % 1000
    )
}
