//! What is stored, by month, and its removal.

use std::path::Path;

use domain::Quantity;
use store::{Batch, Kept, Row, Store, StoredMonth};

use crate::{
    engine::Engine,
    rows::{NOON, command, reading},
};

const DAY_S: i64 = 86_400;
/// The most that the configuration takes.
const MOST_DAYS: u32 = 36_500;

async fn answer<T: clickhouse::RowOwned + clickhouse::RowRead>(engine: &Engine, sql: &str) -> T {
    let answer = engine.client().query(sql).fetch_one().await;
    answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn run(engine: &Engine, sql: &str) {
    let done = engine.client().query(sql).execute().await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// An engine with this version's tables.
async fn started(directory: &Path) -> (Engine, Store) {
    let engine = Engine::start(directory);
    let store = engine.store();
    store.migrate().await.expect("this version's tables");
    (engine, store)
}

/// A reading of each climate quantity every ten minutes of `days` days from October 24th 2025, 12:00, and a command a day.
async fn fill(store: &Store, days: i64) {
    let mut batch = Batch::default();
    for second in (0..days * DAY_S).step_by(600) {
        for quantity in Quantity::CLIMATE {
            batch.push(Row::Reading(quantity, reading(second, "a", second as f64 / 1e6)));
        }
        if second % DAY_S == 0 {
            batch.push(command(NOON + second * 1_000, "a", 40.0, "v1", "c"));
        }
    }
    store.insert(&batch, "j/1-1").await.expect("rows are stored");
}

fn of<'a>(months: &'a [StoredMonth], table: &str) -> Vec<&'a StoredMonth> {
    months.iter().filter(|month| month.table == table).collect()
}

#[tokio::test]
async fn figures_are_those_of_the_parts() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    fill(&store, 20).await;
    let months = store.stored_months().await.unwrap();
    let (rows, bytes): (u64, u64) = answer(
        &engine,
        "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'iot'",
    )
    .await;
    assert_eq!(months.iter().map(|month| month.rows).sum::<u64>(), rows);
    assert_eq!(months.iter().map(|month| month.bytes).sum::<u64>(), bytes);
    let temperature: Vec<_> = of(&months, "sensor_temperature")
        .iter()
        .map(|month| (month.month, month.rows))
        .collect();
    // From October 24th, 12:00, to November 13th, 12:00.
    assert_eq!(temperature, [(202_510, 7 * 144 + 72), (202_511, 12 * 144 + 72)]);
    assert_eq!(of(&months, "schema_migrations")[0].month, 0);
    let disk = store.disk().await.unwrap().expect("a disk");
    assert_eq!(disk.name, "default");
    assert!(disk.free_bytes <= disk.total_bytes && disk.total_bytes > 0);

    // On November 13th at 13:00 the seven days before count, and today does not.
    let now = NOON + (20 * DAY_S + 3_600) * 1_000;
    let growth = store.growth(now).await.unwrap();
    let of_table = |table: &str| growth.iter().find(|growth| growth.table == table).cloned();
    let temperature = of_table("sensor_temperature").expect("it grows");
    assert_eq!((temperature.days, temperature.rows_a_day), (7, 144.0));
    // A daily row is in 1,440 minutes, 24 hours and one day of the rollups; ten minutes apart there are 144 minutes.
    let rollups = of_table("readings_by_time").expect("they grow");
    assert_eq!(
        (rollups.days, rollups.rows_a_day),
        (7, 2.0 * (144.0 + 24.0 + 1.0))
    );
    assert!(of_table("device_registry").is_none());
    // On October 24th there is no full day yet; on the 26th one, since the first began at noon.
    let growth_on = async |day: i64| store.growth(NOON + day * DAY_S * 1_000).await.unwrap();
    assert_eq!(
        growth_on(1)
            .await
            .iter()
            .find(|growth| growth.table == "sensor_temperature"),
        None
    );
    let second = growth_on(2).await;
    assert!(
        second
            .iter()
            .any(|growth| growth.table == "sensor_humidity" && growth.days == 1)
    );
}

#[tokio::test]
async fn a_month_goes_and_nothing_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    fill(&store, 20).await;
    let before = store.stored_months().await.unwrap();
    let october = of(&before, "sensor_temperature")[0].clone();
    store
        .drop_month(&october.table, october.month, october.bytes)
        .await
        .unwrap();
    // Once more changes nothing, and is no error; neither is one that is said to be unusually large.
    store
        .drop_month(&october.table, october.month, u64::MAX)
        .await
        .unwrap();
    let after = store.stored_months().await.unwrap();
    let expected: Vec<_> = before.iter().filter(|month| **month != october).collect();
    assert_eq!(after.iter().collect::<Vec<_>>(), expected);
    // What is charted is still there.
    let charted: u64 = answer(
        &engine,
        "SELECT sum(readings) FROM readings_over(step = 3600) WHERE quantity = 'temperature' AND time < '2025-11-01 00:00:00'",
    )
    .await;
    assert_eq!(charted, october.rows);
}

#[tokio::test]
async fn rolled_up_is_what_the_rollups_have_every_row_of() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    fill(&store, 20).await;
    let is_rolled_up = async |table, month| store.is_rolled_up(table, month).await.unwrap();
    assert!(is_rolled_up("sensor_temperature", 202_510).await);
    // A day is missing.
    run(
        &engine,
        "ALTER TABLE readings_by_time DELETE WHERE quantity = 'humidity' AND toDate(time) = '2025-10-28' SETTINGS mutations_sync = 1",
    )
    .await;
    assert!(is_rolled_up("sensor_temperature", 202_510).await);
    assert!(!is_rolled_up("sensor_humidity", 202_510).await);
    assert!(is_rolled_up("sensor_humidity", 202_511).await);
    // Rows of before are not all rolled up yet.
    run(&engine, "TRUNCATE TABLE rollup_backfill").await;
    for table in ["sensor_temperature", "sensor_audio", "window_states"] {
        assert!(!is_rolled_up(table, 202_511).await, "{table}");
    }
    assert!(
        is_rolled_up("device_events", 202_511).await,
        "nothing follows from it"
    );
}

#[tokio::test]
async fn the_database_removes_small_tables_rows_itself_and_is_told_only_of_changes() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    for kept in [Kept::Errors, Kept::SystemMetrics, Kept::Audit] {
        let (table, column) = (kept.tables()[0], kept.time_to_live().expect("a column"));
        let default = if kept == Kept::Audit { 365 } else { 30 };
        for (days, is_change) in [
            // The schema's own expression overflows with many days, and is replaced.
            (default, true),
            (default, false),
            (7, true),
            (7, false),
            (0, true),
            (0, false),
            (30, true),
        ] {
            let changed = store.keep_for(table, column, days).await.unwrap();
            assert_eq!(changed, is_change, "{table} {days}");
        }
        let sql = format!(
            "SELECT create_table_query FROM system.tables WHERE database = 'iot' AND name = '{table}'"
        );
        let create: String = answer(&engine, &sql).await;
        let ttl = format!(
            "TTL toDateTime(least(intDiv(toUnixTimestamp64Milli({column}), 1000) + 2592000, 4294967295))"
        );
        assert!(create.contains(&ttl), "{create}");
    }
    assert!(!store.keep_for("no_such_table", "t", 7).await.unwrap());
}

#[tokio::test]
async fn the_most_days_keep_every_row_and_few_days_only_the_new_ones() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    for kept in [Kept::Errors, Kept::SystemMetrics, Kept::Audit] {
        let (table, column) = (kept.tables()[0], kept.time_to_live().expect("a column"));
        let left = async || -> String {
            run(&engine, &format!("OPTIMIZE TABLE {table} FINAL")).await;
            answer(
                &engine,
                &format!("SELECT toString(groupArray(age)) FROM (SELECT dateDiff('day', {column}, now64(3)) AS age FROM {table} ORDER BY age)"),
            )
            .await
        };
        store.keep_for(table, column, MOST_DAYS).await.unwrap();
        for days in [-2, 0, 29, 31, 20_000] {
            run(
                &engine,
                &format!("INSERT INTO {table} ({column}) SELECT now64(3) - toIntervalDay({days})"),
            )
            .await;
        }
        assert_eq!(left().await, "[-2,0,29,31,20000]", "{table}");
        // And so it does remove what is older.
        assert!(store.keep_for(table, column, 30).await.unwrap());
        assert_eq!(left().await, "[-2,0,29]", "{table}");
    }
}

#[tokio::test]
async fn every_table_of_the_schema_has_its_time_or_is_kept_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    let sql =
        "SELECT name FROM system.tables WHERE database = 'iot' AND engine LIKE '%MergeTree' ORDER BY name";
    let tables: Vec<String> = engine.client().query(sql).fetch_all().await.unwrap();
    let for_ever = [
        "device_registry",
        "rollup_backfill",
        "schema_lock",
        "schema_migrations",
        "schema_steps",
    ];
    for table in &tables {
        assert_eq!(
            Kept::of(table).is_none(),
            for_ever.contains(&table.as_str()),
            "{table}"
        );
    }
    for table in Kept::ALL.into_iter().flat_map(Kept::tables) {
        assert!(tables.iter().any(|known| known == table), "{table}");
    }
    // What goes by months is divided by them.
    let sql = "SELECT name FROM system.tables WHERE database = 'iot' AND partition_key LIKE 'toYYYYMM(%)'";
    let divided: Vec<String> = engine.client().query(sql).fetch_all().await.unwrap();
    for table in Kept::ALL.into_iter().flat_map(Kept::tables) {
        assert!(divided.iter().any(|known| known == table), "{table}");
    }
}

#[tokio::test]
async fn readings_of_before_the_present_codecs_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, store) = started(directory.path()).await;
    let codecs = "SELECT toString(groupArray((name, compression_codec))) FROM system.columns WHERE database = 'iot' \
                  AND table = 'sensor_wind' AND name IN ('timestamp', 'value')";
    let present: String = answer(&engine, codecs).await;
    assert!(
        present.contains("Delta(8), T64, ZSTD(5)") && present.contains("ZSTD(10)"),
        "{present}"
    );
    let sums =
        "SELECT toString((count(), sum(cityHash64(timestamp, device_id, value)))) FROM sensor_temperature";
    run(
        &engine,
        "ALTER TABLE sensor_temperature MODIFY COLUMN timestamp CODEC(Delta(8), ZSTD(3)), MODIFY COLUMN value CODEC(ZSTD(3))",
    )
    .await;
    fill(&store, 9).await;
    let before: String = answer(&engine, sums).await;
    run(
        &engine,
        "ALTER TABLE schema_migrations DELETE WHERE version = 18 SETTINGS mutations_sync = 1",
    )
    .await;
    store.migrate().await.unwrap();
    assert_eq!(answer::<String>(&engine, sums).await, before);
    run(&engine, "OPTIMIZE TABLE sensor_temperature FINAL").await;
    assert_eq!(answer::<String>(&engine, sums).await, before);
}
