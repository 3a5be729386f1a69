//! Rollups say what the rows themselves say: after repeats, late rows, a crash, and for rows of before.

use domain::Quantity;
use store::{AudioRow, Batch, MlPredictionRow, Period, Row};

use crate::{
    engine::Engine,
    rows::{NOON, command, reading, state},
};

/// The answer as lines of tab-separated values.
pub(crate) async fn answer(engine: &Engine, sql: &str) -> String {
    let mut answer = engine.client().query(sql).fetch_bytes("TSV").expect("a query");
    let bytes = answer
        .collect()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn run(engine: &Engine, sql: &str) {
    let query = engine.client().query(sql);
    query
        .execute()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Rollups of the rows that [`batch`] has: readings by minute, hour and day, and so on.
const ROLLED_UP: usize = 3 * (2 + 3) + 2;

pub(crate) async fn rollups_equal_rows(engine: &Engine) {
    let compared = engine.store().compare_rollups().await.expect("compared");
    let filled = compared.iter().filter(|one| one.intervals > 0).count();
    assert_eq!(filled, ROLLED_UP, "{compared:?}");
    let different: Vec<_> = compared.iter().filter(|one| one.different > 0).collect();
    assert!(different.is_empty(), "{different:?}");
}

fn clip(second: i64, device_id: &str, level: f64) -> Row {
    Row::Audio(AudioRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        sample_rate: 16_000,
        duration: 2.0,
        format: "wav".into(),
        audio_hash: format!("{second}"),
        features: format!(
            r#"{{"level":{{"equivalent_dbfs":{level},"max_dbfs":-3.5}},"mfcc":{{"mean":[-300.5,{level}],"std":[1,2]}},"rms":{{"mean":[0.25],"std":[0]}}}}"#
        ),
        raw_path: String::new(),
        received_at: NOON + second * 1000,
        spectral_bandwidth: 900.0,
        spectral_flatness: 0.25,
        mel_db: vec![level as f32, -50.5, -100.0],
    })
}

fn prediction(second: i64, confidence: f64) -> Row {
    Row::MlPrediction(MlPredictionRow {
        timestamp: NOON + second * 1000,
        device_id: "a".into(),
        prediction: 41.5,
        confidence,
        inference_time_ms: second as f64 / 10.0,
        model_version: "v1".into(),
        command_id: String::new(),
        received_at: NOON,
        held: confidence < 0.3,
        ..MlPredictionRow::default()
    })
}

/// Two devices over half a day, across a month's end; every seventh row lies a day back.
fn batch(number: i64) -> Batch {
    let mut batch = Batch::default();
    for index in 0..200 {
        let late = if index % 7 == 0 { 86_400 } else { 0 };
        let second = number * 5000 + index * 25 - late + 7 * 86_400;
        let device = ["a", "b"][usize::from(index % 3 == 0)];
        let value = 20.0 + (index as f64) / 8.0;
        batch.push(Row::Reading(
            Quantity::Temperature,
            reading(second, device, value),
        ));
        batch.push(Row::Reading(
            Quantity::Humidity,
            reading(second, device, value * 2.0),
        ));
        batch.push(state(second, device, value));
        if index % 10 == 0 {
            batch.push(clip(second, device, -40.0 - value));
            batch.push(prediction(second, (index as f64) / 200.0));
            let time = NOON + second * 1000;
            batch.push(command(
                time,
                device,
                value,
                ["v1", ""][usize::from(index % 20 == 0)],
                "c",
            ));
        }
    }
    batch
}

#[tokio::test]
async fn rollups_stay_right_with_late_and_repeated_rows_and_across_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    for number in 0..4 {
        let token = format!("j/{number}-{number}");
        engine.store().insert(&batch(number), &token).await.unwrap();
        engine.store().insert(&batch(number), &token).await.unwrap();
    }
    rollups_equal_rows(&engine).await;
    // A crash between a table and its rollup: the rows are there, the rollup's are not; the batch comes again.
    let store = engine.store();
    let inserting = tokio::spawn(async move { store.insert(&batch(5), "j/5-5").await });
    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    engine.kill();
    let _ = inserting.await;
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    engine.store().insert(&batch(5), "j/5-5").await.unwrap();
    rollups_equal_rows(&engine).await;
    run(&engine, "OPTIMIZE TABLE readings_by_time FINAL").await;
    rollups_equal_rows(&engine).await;
}

/// For a part that is no repeat.
const AGAIN: &str = "SETTINGS insert_deduplicate = 0";

/// What must be found: a part too many, a part too few, a row that was never rolled up, and a value of another device.
#[tokio::test]
async fn a_rollup_that_says_something_else_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    engine.store().insert(&batch(0), "j/0-0").await.unwrap();
    rollups_equal_rows(&engine).await;
    let breaks = [
        ("readings_by_time", "step = 60 AND quantity = 'humidity'"),
        ("readings_by_time", "step = 86400 AND quantity = 'temperature'"),
        ("sound_by_time", "step = 3600"),
        ("predictions_by_time", "step = 60"),
        ("commands_by_time", "step = 60"),
        ("positions_by_hour", "kind = 'reported'"),
        ("positions_by_hour", "kind = 'commanded'"),
    ];
    for (table, rows) in breaks {
        let changes = [
            format!("INSERT INTO {table} SELECT * FROM {table} WHERE {rows} LIMIT 1 {AGAIN}"),
            format!(
                "INSERT INTO {table} SELECT * REPLACE('nobody' AS device_id) FROM {table} WHERE {rows} LIMIT 1 {AGAIN}"
            ),
            format!("ALTER TABLE {table} DELETE WHERE {rows} SETTINGS mutations_sync = 1"),
        ];
        for change in changes {
            run(&engine, &format!("CREATE TABLE kept AS {table}")).await;
            run(
                &engine,
                &format!("INSERT INTO kept SELECT * FROM {table} {AGAIN}"),
            )
            .await;
            run(&engine, &change).await;
            let compared = engine.store().compare_rollups().await.unwrap();
            let different: Vec<_> = compared.iter().filter(|one| one.different > 0).collect();
            assert!(
                different.len() == 1 && different[0].rollup == table,
                "{change}: {different:?}"
            );
            run(&engine, &format!("TRUNCATE TABLE {table}")).await;
            run(
                &engine,
                &format!("INSERT INTO {table} SELECT * FROM kept {AGAIN}"),
            )
            .await;
            run(&engine, "DROP TABLE kept").await;
        }
    }
    rollups_equal_rows(&engine).await;
}

#[tokio::test]
async fn rows_of_before_are_rolled_up_once_even_if_that_is_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    for number in 0..3 {
        engine
            .store()
            .insert(&batch(number), &format!("j/{number}-{number}"))
            .await
            .unwrap();
    }
    // As a database without rollups: one month done, one cut off in its middle.
    for table in [
        "sound_by_time",
        "predictions_by_time",
        "commands_by_time",
        "positions_by_hour",
    ] {
        run(&engine, &format!("TRUNCATE TABLE {table}")).await;
    }
    run(&engine, "ALTER TABLE readings_by_time DELETE WHERE time >= '2025-11-01 00:00:00' AND rand() % 2 = 0 SETTINGS mutations_sync = 1").await;
    run(&engine, "TRUNCATE TABLE rollup_backfill").await;
    run(
        &engine,
        "INSERT INTO rollup_backfill VALUES ('readings_by_time', 202510)",
    )
    .await;
    engine.store().migrate().await.unwrap();
    rollups_equal_rows(&engine).await;
    // What is complete stays as it is.
    engine.store().migrate().await.unwrap();
    engine.store().insert(&batch(9), "j/9-9").await.unwrap();
    engine.store().migrate().await.unwrap();
    rollups_equal_rows(&engine).await;
}

/// The newest reading may lie in a whole day, in an hour of the last day or in a minute of the last hour of the period, and
/// what comes after the period hides none of them.
#[tokio::test]
async fn the_latest_reading_is_found_at_any_age() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let until = 30 * 60;
    let ages = [
        0,
        59,
        60,
        1_799,
        1_801,
        7_200,
        43_200,
        45_001,
        86_400,
        86_401,
        5 * 86_400,
        7 * 86_400,
    ];
    let mut rows = Batch::default();
    for (number, age) in ages.into_iter().enumerate() {
        let device = format!("d{number:02}");
        for (second, value) in [
            (until - age, age as f64),
            (until - age - 9, -1.0),
            (until + 61, -2.0),
        ] {
            rows.push(Row::Reading(
                Quantity::Temperature,
                reading(second, &device, value),
            ));
        }
    }
    rows.push(Row::Reading(
        Quantity::Temperature,
        reading(until - 7 * 86_400 - 1, "old", 1.0),
    ));
    store.insert(&rows, "j/1-1").await.unwrap();
    let until = NOON + until * 1_000;
    let since = until - 7 * 86_400_000;
    let latest = store.latest_readings(Period { since, until }, 100).await.unwrap();
    let found: Vec<_> = latest
        .iter()
        .map(|row| (until - row.timestamp, row.value))
        .collect();
    let expected = ages.map(|age| (age * 1_000, age as f64));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_view_takes_the_coarsest_step_that_is_fine_enough() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    engine.store().insert(&batch(0), "j/0-0").await.unwrap();
    let buckets = "SELECT uniqExact(time) FROM readings_by_time WHERE quantity = 'temperature' AND step = ";
    let over = |step: u32| {
        format!(
            "SELECT uniqExact(time), sum(readings) FROM readings_over(step = {step}) WHERE quantity = 'temperature'"
        )
    };
    for (step, stored) in [
        (60, 60),
        (3599, 60),
        (3600, 3600),
        (86_399, 3600),
        (86_400, 86_400),
        (9_999_999, 86_400),
    ] {
        let expected = answer(&engine, &format!("{buckets}{stored}")).await;
        assert_eq!(
            answer(&engine, &over(step)).await,
            format!("{}\t200\n", expected.trim()),
            "{step}"
        );
    }
    let readings = "SELECT uniqExact(timestamp), count() FROM sensor_temperature";
    assert_eq!(answer(&engine, &over(59)).await, answer(&engine, readings).await);
}

#[tokio::test]
async fn decisions_are_judged_once_half_an_hour_later() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let minute = |minute: i64| NOON + minute * 60_000;
    let rows: Batch = [
        // Kept: the window obeys, and a person acts after the next decision.
        command(minute(0), "a", 40.0, "v1", "kept"),
        state(4 * 60, "a", 42.0),
        // Corrected by a person.
        command(minute(5), "a", 80.0, "v1", "told"),
        command(minute(7), "a", 20.0, "", ""),
        // Corrected by a hand.
        command(minute(10), "b", 50.0, "v1", "moved"),
        state(15 * 60, "b", 90.0),
        // Another day, and one that is too young.
        command(minute(3000), "a", 10.0, "v1", "later"),
        command(minute(3100), "a", 10.0, "v1", "young"),
    ]
    .into_iter()
    .collect();
    store.insert(&rows, "j/1-1").await.unwrap();
    let judge = async || {
        let mut rounds = 0;
        while store.judge_decisions(minute(3120)).await.unwrap() {
            rounds += 1;
            assert!(rounds < 10, "it comes to an end");
        }
    };
    judge().await;
    judge().await;
    let sql = "SELECT command_id, corrected, if(corrected, toString(chosen), '') FROM decision_outcomes ORDER BY timestamp";
    let expected = "kept\tfalse\t\ntold\ttrue\t20\nmoved\ttrue\t90\nlater\tfalse\t\n";
    assert_eq!(answer(&engine, sql).await, expected);
    let sql = "SELECT sum(decisions), sum(corrected), sum(correction), sumMap(decision_bins), sumMap(corrected_bins) \
               FROM outcomes_by_time WHERE step = 86400";
    assert_eq!(answer(&engine, sql).await, "4\t2\t100\t{18:4}\t{18:2}\n");
    assert!(!store.judge_decisions(minute(3120) + 3_600_000).await.unwrap());
    let count = answer(&engine, "SELECT count() FROM decision_outcomes").await;
    assert_eq!(count, "5\n");
}

#[tokio::test]
async fn what_was_held_before_is_counted_once_even_if_that_is_interrupted() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    engine.store().migrate().await.unwrap();
    // As a database from before the column: its view counts nothing that is held.
    run(
        &engine,
        "ALTER TABLE ml_predictions_by_time MODIFY QUERY SELECT step, device_id, model_version, \
         toDateTime(intDiv(toUInt32(toStartOfMinute(timestamp)), step) * step, 'UTC') AS time, count() AS predictions, \
         sum(prediction) AS total, sum(p.confidence) AS confidence, \
         sumMap(map(least(toUInt8(floor(p.confidence * 20)), 19), toUInt64(1))) AS confidence_bins, \
         max(p.inference_time_ms) AS slowest_ms FROM ml_predictions AS p \
         ARRAY JOIN [60, 3600, 86400]::Array(UInt32) AS step GROUP BY step, device_id, model_version, time",
    )
    .await;
    engine.store().insert(&batch(0), "j/0-0").await.unwrap();
    for _ in 0..2 {
        run(
            &engine,
            "ALTER TABLE schema_migrations DELETE WHERE version = 19 SETTINGS mutations_sync = 1",
        )
        .await;
        engine.store().migrate().await.unwrap();
        rollups_equal_rows(&engine).await;
    }
    engine.store().insert(&batch(1), "j/1-1").await.unwrap();
    rollups_equal_rows(&engine).await;
}
