//! The store against the real embedded engine, which runs as a child of this test and is killed and restarted.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use clickhouse::Row as ClickHouseRow;
use domain::Quantity;
use serde::Deserialize;
use store::{
    AudioRow, Batch, ComparisonQuery, DeviceEventRow, DeviceRow, IngestErrorRow, InsertError, LabelRow,
    MlPredictionRow, Outcome, ReadingRow, Row, SCHEMA_VERSION, Store, StoreError, StoreOptions, Table,
    WindowActionRow, WindowStateRow,
};

const DIRECTORY: &str = "STORE_TEST_ENGINE_DIRECTORY";
/// 2025-10-24T12:00:00Z, in ms.
const NOON: i64 = 1_761_307_200_000;

/// An engine in a process of its own.
struct Engine {
    child: Child,
    url: String,
}

impl Engine {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "engine_process", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("engine at ").map(str::to_owned));
        Self {
            url: format!("http://{}", address.expect("the engine becomes ready")),
            child,
        }
    }

    fn store(&self) -> Store {
        Store::new(StoreOptions::new(&self.url, "iot")).expect("usable options")
    }

    fn client(&self) -> clickhouse::Client {
        clickhouse::Client::default()
            .with_url(&self.url)
            .with_database("iot")
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Not a test by itself: the engine's process. It ends with the test's.
#[tokio::test]
async fn engine_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let options = engine::Options {
        stop_with_parent: true,
        ..engine::Options::new(directory, listen)
    };
    let ready = |address| println!("\nengine at {address}");
    engine::serve(options, tokio_util::sync::CancellationToken::new(), ready)
        .await
        .unwrap();
}

fn reading(second: i64, device_id: &str, value: f64) -> ReadingRow {
    let timestamp = NOON + second * 1000;
    ReadingRow {
        timestamp,
        device_id: device_id.to_owned(),
        value,
        received_at: timestamp + 123,
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a sane clock");
    since.as_millis() as i64
}

/// One row for every table, with values that are easily lost on the way.
fn one_of_each() -> Vec<Row> {
    let device_id = || "sensor-001".to_owned();
    let (timestamp, received_at) = (NOON + 1, NOON + 124);
    let values = [-0.1 + 0.3, 1e-300, 1e300].into_iter().cycle();
    let readings = Quantity::ALL.into_iter().zip(values).map(|(quantity, value)| {
        let row = ReadingRow {
            timestamp,
            device_id: device_id(),
            value,
            received_at,
        };
        Row::Reading(quantity, row)
    });
    let others = [
        Row::Audio(AudioRow {
            timestamp,
            device_id: device_id(),
            sample_rate: 16_000,
            duration: 2.0,
            format: "wav".into(),
            audio_hash: "ab".repeat(32),
            features: r#"{"rms_mean":0.5,"Ünïcode":"\"'\\?"}"#.into(),
            raw_path: "a/b.wav".into(),
            received_at,
        }),
        Row::WindowAction(WindowActionRow {
            timestamp,
            device_id: device_id(),
            position: 75.5,
            confidence: 0.92,
            temperature: 25.5,
            humidity: 60.0,
            audio_hash: "ab".repeat(32),
            command_id: "c-1".into(),
            model_version: "v1.0.0".into(),
            reason: "temperature".into(),
            received_at,
            origin: "model".into(),
        }),
        Row::MlPrediction(MlPredictionRow {
            timestamp,
            device_id: device_id(),
            prediction: 75.5,
            confidence: 0.92,
            inference_time_ms: 0.25,
            model_version: "v1.0.0".into(),
            command_id: "c-1".into(),
            received_at,
        }),
        Row::Device(DeviceRow {
            device_id: device_id(),
            name: "Küche".into(),
            location: "ground floor".into(),
            registered_at: NOON,
            last_seen: timestamp,
            is_active: true,
            config: r#"{"interval_s":10}"#.into(),
        }),
        Row::WindowState(WindowStateRow {
            timestamp,
            device_id: device_id(),
            position: 74.9,
            received_at,
        }),
        Row::DeviceEvent(DeviceEventRow {
            timestamp,
            device_id: device_id(),
            event: "online".into(),
            detail: "birth".into(),
            received_at,
        }),
        Row::IngestError(IngestErrorRow {
            // Old ones expire.
            received_at: now(),
            topic: "sensor/../x/temperature".into(),
            reason: "topic".into(),
            detail: "not a device id".into(),
            first_bytes: IngestErrorRow::excerpt(b"\xff\x00{"),
        }),
    ];
    readings.chain(others).collect()
}

/// Rows in `table`.
async fn rows_in(engine: &Engine, table: Table) -> u64 {
    let sql = format!("SELECT count() FROM {table}");
    engine.client().query(&sql).fetch_one().await.expect("a count")
}

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
    assert_eq!(
        stored.as_object().map(serde_json::Map::len),
        Some(sent.len()),
        "every column is sent"
    );
    for (column, value) in sent {
        let stored = &stored[column];
        match (row, &column[..]) {
            // Their time is this test's.
            (Row::IngestError(_), "received_at") => {}
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

#[derive(Deserialize, ClickHouseRow)]
struct ColumnRow {
    table: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[tokio::test]
async fn the_specifications_columns_come_first_and_questions_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();

    let sql = "SELECT ?fields FROM system.columns WHERE database = 'iot' ORDER BY table, position";
    let columns = engine.client().query(sql).fetch_all::<ColumnRow>().await.unwrap();
    for (table, specified) in SPECIFIED {
        let ours: Vec<String> = columns
            .iter()
            .filter(|column| column.table == table)
            .map(|column| {
                format!(
                    "{} {}",
                    column.name,
                    column.kind.replace("LowCardinality(String)", "String")
                )
            })
            .collect();
        assert_eq!(ours[..specified.len()], specified[..], "{table}");
    }

    let mut batch = Batch::default();
    for second in 0..600 {
        batch.push(Row::Reading(
            Quantity::Temperature,
            reading(second, "a", second as f64),
        ));
        batch.push(Row::Reading(Quantity::Humidity, reading(second, "b", 50.0)));
    }
    // Late data is not the latest.
    batch.push(Row::Reading(Quantity::Temperature, reading(-60, "a", 99.0)));
    for (second, active) in [(0, true), (1, false)] {
        batch.push(Row::Device(DeviceRow {
            device_id: "a".into(),
            name: String::new(),
            location: String::new(),
            registered_at: NOON,
            last_seen: NOON + second * 1000,
            is_active: active,
            config: "{}".into(),
        }));
    }
    for row in one_of_each()
        .into_iter()
        .filter(|row| row.table() == Table::WindowActions)
    {
        batch.push(row);
    }
    store.insert(&batch, "journal/1-1203").await.unwrap();

    let latest = store.latest_readings(NOON, 100).await.unwrap();
    let latest: Vec<_> = latest
        .iter()
        .map(|r| (&r.device_id[..], &r.quantity[..], r.timestamp, r.value))
        .collect();
    let last = NOON + 599_000;
    assert_eq!(
        latest,
        [("a", "temperature", last, 599.0), ("b", "humidity", last, 50.0)]
    );
    assert!(store.latest_readings(last + 1, 100).await.unwrap().is_empty());
    assert_eq!(
        store.latest_readings(NOON, 1).await.unwrap().len(),
        2,
        "one a quantity"
    );
    let actions = store.latest_actions(NOON, 100).await.unwrap();
    let [action] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (action.position, &action.model_version[..], &action.reason[..]),
        (75.5, "v1.0.0", "temperature")
    );
    let devices = store.devices(100).await.unwrap();
    assert_eq!((devices.len(), devices[0].is_active), (1, false));
    assert!(store.devices(0).await.unwrap().is_empty());
}

const SPECIFIED: [(&str, &[&str]); 6] = [
    (
        "sensor_temperature",
        &["timestamp DateTime64(3)", "device_id String", "value Float64"],
    ),
    (
        "sensor_humidity",
        &["timestamp DateTime64(3)", "device_id String", "value Float64"],
    ),
    (
        "sensor_audio",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "sample_rate UInt32",
            "duration Float64",
            "format String",
            "audio_hash String",
            "features String",
        ],
    ),
    (
        "window_actions",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "position Float64",
            "confidence Float64",
            "temperature Float64",
            "humidity Float64",
            "audio_hash String",
        ],
    ),
    (
        "device_registry",
        &[
            "device_id String",
            "name String",
            "location String",
            "registered_at DateTime64(3)",
            "last_seen DateTime64(3)",
            "is_active Bool",
            "config String",
        ],
    ),
    (
        "ml_predictions",
        &[
            "timestamp DateTime64(3)",
            "device_id String",
            "prediction Float64",
            "confidence Float64",
            "inference_time_ms Float64",
            "model_version String",
        ],
    ),
];

#[tokio::test]
async fn rows_are_blamed_for_what_they_are_and_the_world_for_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    let store = engine.store();
    // Before the tables exist nothing can be taken, and nothing is the rows' fault.
    let batch: Batch = [Row::Reading(Quantity::Humidity, reading(0, "a", 50.0))]
        .into_iter()
        .collect();
    assert!(matches!(
        store.insert(&batch, "j/1-1").await,
        Err(InsertError::Unavailable { .. })
    ));
    store.migrate().await.unwrap();

    let constraint = "ALTER TABLE sensor_humidity ADD CONSTRAINT sane CHECK value <= 100";
    engine.client().query(constraint).execute().await.unwrap();
    let rows = [
        Row::Reading(Quantity::Temperature, reading(0, "a", 20.0)),
        Row::Reading(Quantity::Humidity, reading(0, "a", 50.0)),
        Row::Reading(Quantity::Humidity, reading(1, "a", 140.0)),
    ];
    let batch: Batch = rows.iter().cloned().collect();
    let refused = store.insert(&batch, "j/1-3").await;
    let Err(InsertError::Refused {
        table,
        code,
        message,
        stored,
    }) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (table, code, &stored[..]),
        (
            Table::Sensor(Quantity::Humidity),
            469,
            &[Table::Sensor(Quantity::Temperature)][..]
        )
    );
    assert!(message.contains("sane"), "{message}");

    // The halves leave out what is stored.
    let good: Batch = rows[..2].iter().cloned().collect();
    store.insert_except(&good, "j/1-2", &stored).await.unwrap();
    let bad: Batch = rows[2..].iter().cloned().collect();
    assert!(matches!(
        store.insert_except(&bad, "j/3-3", &stored).await,
        Err(InsertError::Refused { .. })
    ));
    for quantity in [Quantity::Temperature, Quantity::Humidity] {
        assert_eq!(rows_in(&engine, Table::Sensor(quantity)).await, 1, "{quantity}");
    }

    // A hundred and more months in one block are refused, too: it would never get better.
    let months =
        (0..130).map(|month| Row::Reading(Quantity::Temperature, reading(-month * 31 * 86_400, "a", 1.0)));
    let months: Batch = months.collect();
    assert!(matches!(
        store.insert(&months, "j/4-133").await,
        Err(InsertError::Refused { code: 252, .. })
    ));

    let newer = "INSERT INTO schema_migrations (version, name, checksum) SETTINGS insert_deduplication_token = 'newer' \
                 VALUES (999, 'later', '')";
    engine.client().query(newer).execute().await.unwrap();
    assert!(matches!(
        store.migrate().await,
        Err(StoreError::SchemaTooNew { found: 999, .. })
    ));

    engine.kill();
    assert!(matches!(
        store.insert(&good, "j/1-2").await,
        Err(InsertError::Unavailable { .. })
    ));
    assert!(matches!(store.devices(1).await, Err(StoreError::Unavailable(_))));
}

/// A command of `v1` with `v2` beside it, and what each said.
fn decision(second: i64, device_id: &str, positions: [f64; 2]) -> Vec<Row> {
    let timestamp = NOON + second * 1000;
    let command_id = format!("{device_id}-{second}");
    let predicted = |(version, position): (&str, f64)| {
        Row::MlPrediction(MlPredictionRow {
            timestamp,
            device_id: device_id.into(),
            prediction: position,
            confidence: if version == "v1" { 0.9 } else { 0.5 },
            inference_time_ms: if version == "v1" { 0.25 } else { f64::NAN },
            model_version: version.into(),
            command_id: command_id.clone(),
            received_at: timestamp,
        })
    };
    let mut rows: Vec<Row> = ["v1", "v2"].into_iter().zip(positions).map(predicted).collect();
    rows.push(command(timestamp, device_id, positions[0], "v1", &command_id));
    rows
}

fn command(timestamp: i64, device_id: &str, position: f64, version: &str, command_id: &str) -> Row {
    Row::WindowAction(WindowActionRow {
        timestamp,
        device_id: device_id.into(),
        position,
        confidence: 0.9,
        temperature: 20.0,
        humidity: 50.0,
        audio_hash: String::new(),
        command_id: command_id.into(),
        model_version: version.into(),
        reason: String::new(),
        received_at: timestamp,
        origin: String::new(),
    })
}

fn action(second: i64, device_id: &str, position: f64, model_version: &str) -> Row {
    Row::WindowAction(WindowActionRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        position,
        confidence: 1.0,
        temperature: if model_version.is_empty() { f64::NAN } else { 21.5 },
        humidity: if model_version.is_empty() { f64::NAN } else { 51.5 },
        audio_hash: if model_version.is_empty() {
            String::new()
        } else {
            "first".into()
        },
        command_id: String::new(),
        model_version: model_version.into(),
        reason: String::new(),
        received_at: NOON,
        origin: String::new(),
    })
}

fn state(second: i64, device_id: &str, position: f64) -> Row {
    let timestamp = NOON + second * 1000;
    Row::WindowState(WindowStateRow {
        timestamp,
        device_id: device_id.into(),
        position,
        received_at: timestamp,
    })
}

fn clip(second: i64, device_id: &str, hash: &str) -> Row {
    Row::Audio(AudioRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        sample_rate: 16_000,
        duration: 2.0,
        format: "wav".into(),
        audio_hash: hash.into(),
        features: format!("{{\"clip\":\"{hash}\"}}"),
        raw_path: String::new(),
        received_at: NOON,
    })
}

#[tokio::test]
async fn two_models_are_compared_command_by_command() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let query = ComparisonQuery {
        a: "v1".into(),
        b: "v2".into(),
        since: NOON,
        tolerance: 10.0,
    };
    assert_eq!(store.compare(&query).await.unwrap(), []);
    let mut rows = [
        decision(0, "a", [50.0, 58.0]),
        decision(100, "a", [60.0, 90.0]),
        decision(300, "b", [10.0, 0.0]),
        // Before the time that is asked for.
        decision(-5, "a", [0.0, 100.0]),
    ]
    .concat();
    rows.extend([
        // The window of the first command is under way, arrives, and stands: nobody objects.
        state(20, "a", 20.0),
        state(80, "a", 49.0),
        // A person moves it after the second command, and it obeys.
        command(NOON + 130_000, "a", 85.0, "", ""),
        state(200, "a", 84.0),
        // A hand moves the other device's window, and long after that is another story.
        state(400, "b", 30.0),
        state(300 + 3_600, "b", 100.0),
        // A prediction of one model alone is no pair.
        Row::MlPrediction(MlPredictionRow {
            timestamp: NOON + 1,
            device_id: "c".into(),
            prediction: 1.0,
            confidence: 0.5,
            inference_time_ms: f64::NAN,
            model_version: "v2".into(),
            command_id: "alone".into(),
            received_at: NOON,
        }),
    ]);
    store
        .insert(&rows.into_iter().collect::<Batch>(), "journal/1-2")
        .await
        .unwrap();

    let sums = store.compare(&query).await.unwrap();
    assert_eq!(sums.len(), 2);
    let (a, b) = (&sums[0], &sums[1]);
    assert_eq!((a.device_id.as_str(), a.pairs, a.agreed), ("a", 2, 1));
    assert_eq!((a.abs_difference, a.difference, a.largest), (38.0, 38.0, 30.0));
    assert!((a.confidence_a - 1.8).abs() < 1e-9 && (a.confidence_b - 1.0).abs() < 1e-9);
    // The person said 85; that the window then obeyed the person adds nothing.
    assert_eq!((a.outcomes, a.abs_error_a, a.abs_error_b), (1, 25.0, 5.0));
    assert_eq!(
        (b.device_id.as_str(), b.pairs, b.agreed, b.difference),
        ("b", 1, 1, -10.0)
    );
    assert_eq!((b.outcomes, b.abs_error_a, b.abs_error_b), (1, 20.0, 30.0));

    let versions = store.prediction_sums(&query).await.unwrap();
    assert_eq!(
        (versions[0].model_version.as_str(), versions[0].predictions),
        ("v1", 3)
    );
    assert_eq!(
        (versions[1].model_version.as_str(), versions[1].predictions),
        ("v2", 4)
    );
    assert!(
        (versions[0].position - 40.0).abs() < 1e-9 && (versions[0].inference_time_ms - 0.25).abs() < 1e-9
    );
    assert!(versions[1].inference_time_ms.is_nan());
}

#[tokio::test]
async fn labels_are_what_people_chose_with_what_was_known_then() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let humidity = |second: i64, device_id: &str, value: f64| {
        Row::Reading(
            Quantity::Humidity,
            ReadingRow {
                timestamp: NOON + second * 1000,
                device_id: device_id.into(),
                value,
                received_at: NOON,
            },
        )
    };
    let rows: Batch = [
        Row::Reading(Quantity::Temperature, reading(0, "a", 20.0)),
        Row::Reading(Quantity::Temperature, reading(100, "a", 22.0)),
        Row::Reading(Quantity::Temperature, reading(2000, "a", 30.0)),
        humidity(0, "a", 55.0),
        clip(10, "a", "first"),
        clip(50, "a", "second"),
        // A command that names no model is somebody's choice; it carries no climate of its own.
        action(120, "a", 35.0, ""),
        // A model's decision is none, and the window obeys it on its way.
        action(200, "a", 80.0, "v1"),
        state(205, "a", 50.0),
        state(220, "a", 80.0),
        // Then a hand closes it, in steps, and it reports once more.
        state(400, "a", 60.0),
        state(402, "a", 20.0),
        state(450, "a", 20.0),
        // A device without climate has nothing to learn from.
        action(120, "b", 10.0, ""),
    ]
    .into_iter()
    .collect();
    store.insert(&rows, "j/1-14").await.unwrap();

    let seen = |rows: Vec<LabelRow>| -> Vec<(i64, f64, f64, f64, String)> {
        rows.into_iter()
            .map(|row| {
                assert_eq!(row.device_id, "a");
                let second = (row.timestamp - NOON) / 1000;
                (second, row.position, row.temperature, row.humidity, row.features)
            })
            .collect()
    };
    let second_clip = r#"{"clip":"second"}"#.to_owned();
    let chosen = store.labels(Outcome::Chosen, 0).await.unwrap();
    assert_eq!(
        seen(chosen),
        [
            (120, 35.0, 22.0, 55.0, second_clip.clone()),
            (402, 20.0, 22.0, 55.0, second_clip)
        ]
    );
    // Where the window stood a minute or more after the model's decision, with the decision's own inputs.
    let reported = store.labels(Outcome::Reported, 0).await.unwrap();
    assert_eq!(
        seen(reported),
        [(200, 60.0, 21.5, 51.5, r#"{"clip":"first"}"#.to_owned())]
    );
    let later = store.labels(Outcome::Chosen, NOON + 300_000).await.unwrap();
    assert_eq!(seen(later).len(), 1);
}
