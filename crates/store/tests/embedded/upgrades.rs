//! Changes of the schema that are killed, that fail, and that two processes begin at once.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use store::{Phase, Progress, SCHEMA_VERSION, Store, StoreError};

use crate::{
    engine::Engine,
    rollups::{answer, rollups_equal_rows},
};

/// The last version without rollups. Its tables take every kind of row that a rollup is made of.
const BEFORE_ROLLUPS: u32 = 11;

/// Rows as that version has them, over two months; each table with its count.
const ROWS: [(&str, u64, &str); 6] = [
    (
        "sensor_temperature",
        3_000,
        "(timestamp, device_id, value) SELECT t, d, 20 + n % 50 / 8",
    ),
    (
        "sensor_humidity",
        3_000,
        "(timestamp, device_id, value) SELECT t, d, 40 + n % 50 / 4",
    ),
    (
        "sensor_audio",
        300,
        "(timestamp, device_id, sample_rate, duration, format, audio_hash, features) SELECT t, d, 16000, 2, 'wav', toString(n), \
         '{\"level\":{\"equivalent_dbfs\":-42.5,\"max_dbfs\":-3.5},\"mfcc\":{\"mean\":[-300.5,1.5],\"std\":[1,2]}}'",
    ),
    (
        "window_actions",
        300,
        "(timestamp, device_id, position, confidence, temperature, humidity, audio_hash, command_id, model_version) \
         SELECT t, d, n % 100, 0.8, 21, 50, '', toString(n), 'v1'",
    ),
    (
        "ml_predictions",
        300,
        "(timestamp, device_id, prediction, confidence, inference_time_ms, model_version, held) \
         SELECT t, d, n % 100, n % 10 / 10, 0.5, 'v1', n % 3 = 0",
    ),
    (
        "window_states",
        300,
        "(timestamp, device_id, position) SELECT t, d, n % 100",
    ),
];

/// An engine with the tables of that version.
async fn before_rollups(directory: &Path) -> Engine {
    let engine = Engine::start(directory);
    let store = engine.store();
    store.migrate_until(BEFORE_ROLLUPS, &|_| {}).await.unwrap();
    engine
}

async fn fill(engine: &Engine) {
    for (table, rows, what) in ROWS {
        let sql = format!(
            "INSERT INTO {table} {what} FROM (SELECT number AS n, ['a', 'b'][1 + n % 2] AS d, \
             toDateTime64('2025-10-20 00:00:00', 3, 'UTC') + toIntervalSecond(n * intDiv(1728000, {rows})) AS t \
             FROM numbers({rows}))"
        );
        engine
            .client()
            .query(&sql.replace('?', "??"))
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

async fn assert_filled(engine: &Engine) {
    for (table, rows, _) in ROWS {
        let counted = answer(engine, &format!("SELECT count() FROM {table}")).await;
        assert_eq!(counted.trim(), rows.to_string(), "{table}");
    }
}

async fn version(engine: &Engine) -> u32 {
    let version = answer(engine, "SELECT max(version) FROM schema_migrations").await;
    version.trim().parse().unwrap()
}

/// Every table and view by its name, as ClickHouse would make it.
async fn definitions(engine: &Engine) -> BTreeMap<String, String> {
    let sql = "SELECT name, replaceRegexpAll(create_table_query, 'UUID \\'[^\\']*\\'', '') FROM system.tables \
               WHERE database = 'iot' AND name NOT LIKE '.inner%'";
    let lines = answer(engine, sql).await;
    let pair = |line: &str| {
        line.split_once('\t')
            .map(|(name, sql)| (name.to_owned(), sql.to_owned()))
    };
    lines.lines().filter_map(pair).collect()
}

/// Kills the engine at the first step that was not killed before, a few milliseconds into it. Returns the step, or `None`
/// where the change of the schema was through.
async fn killed(
    engine: &mut Engine,
    until: u32,
    before: &mut HashSet<String>,
    after: Duration,
) -> Option<String> {
    let (store, pid) = (engine.store(), engine.pid());
    let now: Mutex<Option<(String, Option<JoinHandle<()>>)>> = Mutex::default();
    let tell = |progress: &Progress| {
        let mut now = now.lock().unwrap();
        match &mut *now {
            // The next step waits for the kill, which so falls into its own step or right behind it.
            Some((step, killing)) if *step != progress.name => {
                if let Some(killing) = killing.take() {
                    killing.join().unwrap();
                }
            }
            None if progress.phase != Phase::Waiting && !before.contains(&progress.name) => {
                let killing = std::thread::spawn(move || {
                    std::thread::sleep(after);
                    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
                });
                *now = Some((progress.name.clone(), Some(killing)));
            }
            _ => {}
        }
    };
    let migrated = store.migrate_until(until, &tell).await;
    let (step, _) = now.lock().unwrap().take()?;
    // It may have been through before the kill; then it is the last step.
    if let Ok(version) = migrated {
        assert_eq!(version, until);
    }
    engine.kill();
    before.insert(step.clone());
    Some(step)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_a_kill_left_while_it_was_replaced_goes_with_the_upgrade() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate_until(BEFORE_ROLLUPS, &|_| {}).await.unwrap();
    let left = "_tmp_replace_7d62f60bfa455d30_x";
    let sql = format!("CREATE VIEW {left} AS SELECT 1");
    engine.client().query(&sql).execute().await.unwrap();
    store.migrate().await.unwrap();
    assert!(!definitions(&engine).await.contains_key(left));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_is_killed_at_each_step_ends_as_one_that_was_not() {
    let expected = {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::start(directory.path());
        engine.store().migrate().await.unwrap();
        definitions(&engine).await
    };
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    let mut steps = HashSet::new();
    let mut delays = [0, 1, 4, 15, 40].map(Duration::from_millis).into_iter().cycle();
    for until in [BEFORE_ROLLUPS, SCHEMA_VERSION] {
        if until == SCHEMA_VERSION {
            assert_eq!(version(&engine).await, BEFORE_ROLLUPS);
            fill(&engine).await;
        }
        // Each step is killed once, so this ends.
        while let Some(step) = killed(&mut engine, until, &mut steps, delays.next().unwrap()).await {
            engine = Engine::start(directory.path());
            let is_first = until == BEFORE_ROLLUPS;
            if !is_first {
                assert_filled(&engine).await;
                // Until all of it is done, the program of before can go on.
                let version = version(&engine).await;
                assert!(
                    version == BEFORE_ROLLUPS || version == SCHEMA_VERSION && step.contains(' '),
                    "{version} after {step}"
                );
            }
        }
    }
    let migrations = steps.iter().filter(|step| !step.contains(' ')).count();
    assert_eq!(migrations, SCHEMA_VERSION as usize, "{steps:?}");
    let months = steps.len() - migrations;
    assert_eq!(months, 5 * 2, "two months of each rollup: {steps:?}");
    assert_eq!(version(&engine).await, SCHEMA_VERSION);
    assert_filled(&engine).await;
    rollups_equal_rows(&engine).await;
    let held = answer(
        &engine,
        "SELECT sum(held) FROM predictions_by_time WHERE step = 60",
    )
    .await;
    assert_eq!(held.trim(), "100", "what was held before counts once");
    let found = definitions(&engine).await;
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (name, definition) in &expected {
        assert_eq!(&found[name], definition, "{name}");
    }
    assert_eq!(
        answer(&engine, "SELECT count() FROM schema_steps").await.trim(),
        "0"
    );
}

/// What a start was told.
fn listener() -> (Arc<Mutex<Vec<Progress>>>, impl Fn(&Progress) + Send + Sync) {
    let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let told = Arc::clone(&heard);
    (heard, move |progress: &Progress| {
        told.lock().unwrap().push(progress.clone());
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_change_the_schema_at_once_one_does_it() {
    let directory = tempfile::tempdir().unwrap();
    let engine = before_rollups(directory.path()).await;
    fill(&engine).await;
    let start = |store: Store| async move {
        let (heard, tell) = listener();
        store.migrate_telling(&tell).await.unwrap();
        drop(tell);
        Arc::into_inner(heard).unwrap().into_inner().unwrap()
    };
    let several = tokio::join!(
        start(engine.store()),
        start(engine.store()),
        start(engine.store())
    );
    let worked = |heard: &&Vec<Progress>| heard.iter().any(|progress| progress.phase != Phase::Waiting);
    let heard = [several.0, several.1, several.2];
    let workers: Vec<_> = heard.iter().filter(worked).collect();
    assert_eq!(workers.len(), 1, "{heard:?}");
    // Which of how many, in order.
    let migrations: Vec<_> = workers[0]
        .iter()
        .filter(|progress| progress.phase == Phase::Migration && progress.percent.is_none())
        .map(|progress| (progress.step, progress.of))
        .collect();
    let due = (SCHEMA_VERSION - BEFORE_ROLLUPS) as usize;
    let expected: Vec<_> = (1..=due).map(|step| (step, due)).collect();
    assert_eq!(migrations, expected);
    assert_eq!(version(&engine).await, SCHEMA_VERSION);
    assert_filled(&engine).await;
    rollups_equal_rows(&engine).await;
}

/// A holder on another machine that says nothing any more: its turn ends after a while, not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_without_a_sign_of_life_loses_its_turn() {
    let directory = tempfile::tempdir().unwrap();
    let engine = before_rollups(directory.path()).await;
    let taken = "INSERT INTO schema_lock (turn, what, holder) SETTINGS insert_deduplicate = 1, \
                 insert_deduplication_token = 'schema-lock/900' VALUES (900, 'taken', 'elsewhere pid:[1] 77 1 1')";
    engine.client().query(taken).execute().await.unwrap();
    let (heard, tell) = listener();
    let started = Instant::now();
    engine.store().migrate_telling(&tell).await.unwrap();
    assert!(
        started.elapsed() >= Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    let first = heard.lock().unwrap()[0].clone();
    assert_eq!(first.phase, Phase::Waiting);
    assert!(first.to_string().contains("process 77"), "{first}");
}

/// The program of before goes on with a database whose upgrade has failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_fails_leaves_the_version_of_before() {
    let directory = tempfile::tempdir().unwrap();
    let engine = before_rollups(directory.path()).await;
    let store = engine.store();
    fill(&engine).await;
    let run = |sql: &'static str| engine.client().query(sql).execute();
    // 0012 passes, 0013 does not.
    run("RENAME TABLE sensor_audio TO elsewhere").await.unwrap();
    let error = store.migrate().await.unwrap_err();
    let said = error.to_string();
    assert!(
        matches!(error, StoreError::Migration { version: 13, .. }),
        "{error:?}"
    );
    for words in [
        "0013_sound_by_time",
        "tried again",
        "version of Casement of before",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(version(&engine).await, BEFORE_ROLLUPS);
    assert_eq!(
        store.migrate_until(BEFORE_ROLLUPS, &|_| {}).await.unwrap(),
        BEFORE_ROLLUPS
    );
    run(
        "INSERT INTO sensor_temperature (timestamp, device_id, value) VALUES ('2025-10-20 00:00:00', 'c', 1)",
    )
    .await
    .unwrap();
    run("RENAME TABLE elsewhere TO sensor_audio").await.unwrap();
    let (heard, tell) = listener();
    store.migrate_telling(&tell).await.unwrap();
    let first = heard.lock().unwrap()[0].clone();
    assert_eq!(
        (first.step, first.name.as_str()),
        (2, "0013_sound_by_time"),
        "0012 is done"
    );
    rollups_equal_rows(&engine).await;
    let counted = answer(
        &engine,
        "SELECT sum(readings) FROM readings_by_time WHERE step = 60 AND device_id = 'c'",
    )
    .await;
    assert_eq!(counted.trim(), "1", "rows that came between the attempts count");
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_the_way_out_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let newer =
        "INSERT INTO schema_migrations (version, name, checksum, program) VALUES (999, 'later', '', '9.1.0')";
    engine.client().query(newer).execute().await.unwrap();
    let before = definitions(&engine).await;
    let rows = answer(&engine, "SELECT * FROM schema_migrations ORDER BY version").await;
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaTooNew { found: 999, .. }));
    let said = error.to_string();
    for words in [
        "Casement 9.1.0",
        "use the newer version",
        "backup",
        "nothing was changed",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(definitions(&engine).await, before);
    assert_eq!(
        answer(&engine, "SELECT * FROM schema_migrations ORDER BY version").await,
        rows
    );
}
