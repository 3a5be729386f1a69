//! What people ask for: histories of every kind, lists page by page, files.

use std::collections::BTreeSet;

use domain::{DeviceId, Quantity};
use store::{
    AudioRow, Batch, DeviceEventRow, ExportFormat, Exported, IngestErrorRow, PageQuery, Period, Place, Row,
    Series, Store, StoreError, whole_intervals,
};

use crate::{
    engine::Engine,
    rows::{NOON, command, now, one_of_each, reading, state},
};

const HOUR: i64 = 3_600_000;
const PERIOD: Period = Period {
    since: NOON,
    until: NOON + 12 * HOUR,
};
/// What a stranger writes where a word is expected.
const HOSTILE: [&str; 5] = [
    "' OR 1 = 1 --",
    "\\' OR 1 = 1 --",
    "a'; DROP TABLE device_events; --",
    "??",
    "{x:String}",
];

fn device(id: &str) -> DeviceId {
    DeviceId::parse(id).expect("an id")
}

async fn filled(engine: &Engine, batch: &Batch) -> Store {
    let store = engine.store();
    store.migrate().await.expect("a schema");
    store.insert(batch, "j/1-1").await.expect("rows");
    store
}

/// A clip whose every feature is a number of its own, twice a minute.
pub(crate) fn clip(n: i64) -> Row {
    let value = n as f64;
    let features = serde_json::json!({
        "level": {"equivalent_dbfs": -40.0 - value / 100.0, "max_dbfs": -30.0},
        "rms": {"mean": [value]}, "spectral_centroid": {"mean": [value + 1.0]},
        "spectral_rolloff": {"mean": [value + 2.0]}, "zero_crossing_rate": {"mean": [value + 3.0]},
        "mfcc": {"mean": [value + 4.0, value + 5.0]},
    });
    Row::Audio(AudioRow {
        timestamp: NOON + n * 30_000,
        device_id: "a".into(),
        sample_rate: 16_000,
        duration: 2.0,
        format: "wav".into(),
        audio_hash: n.to_string(),
        features: features.to_string(),
        raw_path: String::new(),
        received_at: NOON,
        spectral_bandwidth: value as f32 + 6.0,
        spectral_flatness: value as f32 + 7.0,
        mel_db: vec![],
    })
}

#[tokio::test]
async fn a_feature_has_the_same_history_from_clips_and_from_rollups() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = filled(&engine, &(0..1_440).map(clip).collect()).await;
    let first = [
        ("rms", 0.0),
        ("spectral_centroid", 1.0),
        ("spectral_rolloff", 2.0),
        ("zero_crossing_rate", 3.0),
        ("mfcc_0", 4.0),
        ("mfcc_1", 5.0),
        ("spectral_bandwidth", 6.0),
        ("spectral_flatness", 7.0),
    ];
    for interval in [1, 60, 300, 3_600, 21_600, 86_400] {
        for (word, offset) in first {
            let series = Series::from_word(word).unwrap();
            let found = store
                .series(&device("a"), series, PERIOD, interval)
                .await
                .unwrap();
            let clips: u64 = found.iter().map(|point| point.readings).sum();
            let total: f64 = found.iter().map(|point| point.mean * point.readings as f64).sum();
            assert_eq!(clips, 1_440, "{word} by {interval} s");
            let expected = 1_440.0 * (719.5 + offset);
            assert!((total - expected).abs() < 1.0, "{word} by {interval} s: {total}");
            assert!(
                found
                    .iter()
                    .all(|point| point.lowest <= point.mean && point.mean <= point.highest)
            );
            let (lowest, highest) = (found[0].lowest, found.last().unwrap().highest);
            // Of a rollup, the means of its first and last minutes or hours.
            let blur = if interval < 14_400 { 0.5 } else { 60.0 };
            assert!(
                (lowest - offset).abs() <= blur,
                "{word} by {interval} s: {lowest}"
            );
            assert!(
                (highest - 1_439.0 - offset).abs() <= blur,
                "{word} by {interval} s: {highest}"
            );
        }
        let level = Series::from_word("sound_level").unwrap();
        let found = store.series(&device("a"), level, PERIOD, interval).await.unwrap();
        assert!(
            found.iter().all(|point| point.lowest <= point.mean + 1e-6),
            "{interval}"
        );
        assert!((found[0].highest + 30.0).abs() < 1e-3);
    }
    let absent = Series::from_word("mfcc_2").unwrap();
    for interval in [1, 3_600] {
        let found = store
            .series(&device("a"), absent, PERIOD, interval)
            .await
            .unwrap();
        assert_eq!(found, [], "a coefficient that no clip has");
    }
}

#[tokio::test]
async fn every_series_answers_and_a_long_period_is_cut_to_whole_intervals() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let batch = (0..600)
        .map(|n| Row::Reading(Quantity::Co2, reading(n * 60, "a", n as f64)))
        .chain([state(0, "a", 5.0)])
        .collect();
    let store = filled(&engine, &batch).await;
    for word in Series::words() {
        let series = Series::from_word(&word).unwrap();
        for interval in [1, 60, 3_600, 86_400, 31_536_000] {
            let found = store.series(&device("a"), series, PERIOD, interval).await;
            assert!(found.is_ok(), "{word} by {interval} s: {found:?}");
        }
    }
    let late = Period {
        since: NOON + 90_000,
        ..PERIOD
    };
    let co2 = Series::Quantity(Quantity::Co2);
    for interval in [3_600, 86_400] {
        let whole = whole_intervals(late, interval);
        let found = store.series(&device("a"), co2, whole, interval).await.unwrap();
        assert_eq!(found.iter().map(|point| point.readings).sum::<u64>(), 600);
    }
    assert!(store.knows(&device("a")).await.unwrap());
    assert!(!store.knows(&device("b")).await.unwrap());
}

fn event(second: i64, device_id: &str, event: &str) -> Row {
    Row::DeviceEvent(DeviceEventRow {
        timestamp: NOON + second * 1_000,
        device_id: device_id.into(),
        event: event.into(),
        detail: String::new(),
        received_at: NOON,
    })
}

const fn page(before: Option<Place>, limit: u32) -> PageQuery {
    PageQuery {
        period: PERIOD,
        before,
        limit,
    }
}

#[tokio::test]
async fn a_list_has_each_row_once_while_others_come() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    // Ten events of each second.
    let batch = (0..200)
        .map(|n| event(n / 10, "a", &format!("event {n}")))
        .collect();
    let store = filled(&engine, &batch).await;
    let (mut seen, mut before, mut last) = (Vec::new(), None, i64::MAX);
    for number in 0.. {
        let found = store.device_events(None, &page(before, 7)).await.unwrap();
        assert!(found.rows.is_sorted_by(|a, b| a.timestamp >= b.timestamp));
        assert!(found.rows[0].timestamp <= last);
        last = found.rows.last().unwrap().timestamp;
        seen.extend(found.rows.into_iter().map(|row| row.event));
        before = found.next;
        if before.is_none() {
            break;
        }
        let newer: Batch = [event(30 + number, "b", "newer")].into_iter().collect();
        store
            .insert(&newer, &format!("j/{number}-{number}"))
            .await
            .unwrap();
    }
    assert_eq!(seen.len(), 200);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 200);
    let of_one = store
        .device_events(Some(&device("b")), &page(None, 1_000))
        .await
        .unwrap();
    assert!(of_one.rows.len() > 20 && of_one.rows.iter().all(|row| row.device_id == "b"));
    let none = store
        .device_events(Some(&device("c")), &page(None, 1))
        .await
        .unwrap();
    assert_eq!((none.rows.len(), none.next), (0, None));
}

#[tokio::test]
async fn lists_are_filtered_by_values_and_by_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let error = |reason: &str, topic: &str| {
        Row::IngestError(IngestErrorRow {
            received_at: now(),
            topic: topic.into(),
            reason: reason.into(),
            detail: "why".into(),
            first_bytes: "\\x00".into(),
        })
    };
    let mut rows = one_of_each();
    rows.extend([
        error("json", "sensor/a/temperature"),
        error("not_finite", "a'b\\c"),
    ]);
    let store = filled(&engine, &rows.into_iter().collect()).await;
    // Old rows of these tables go by themselves.
    let all = PageQuery {
        period: Period {
            since: 0,
            until: now() + HOUR,
        },
        ..page(None, 1_000)
    };
    let known = device("sensor-001");
    assert_eq!(store.commands(&known, &all).await.unwrap().rows.len(), 1);
    assert_eq!(store.predictions(&known, None, &all).await.unwrap().rows.len(), 1);
    assert_eq!(store.audit(None, None, &all).await.unwrap().rows.len(), 1);
    let errors = async |reason, topic| store.ingest_errors(reason, topic, &all).await.unwrap().rows.len();
    let before = errors(None, None).await;
    assert!(before >= 3);
    assert_eq!(errors(Some("json"), None).await, 1);
    assert_eq!(errors(Some("not_finite"), Some("a'b\\c")).await, 1);
    for hostile in HOSTILE {
        assert_eq!(errors(Some(hostile), None).await, 0, "{hostile:?}");
        assert_eq!(errors(None, Some(hostile)).await, 0, "{hostile:?}");
        assert!(
            store
                .audit(Some(hostile), Some(hostile), &all)
                .await
                .unwrap()
                .rows
                .is_empty()
        );
        let predictions = store.predictions(&known, Some(hostile), &all).await.unwrap();
        assert!(predictions.rows.is_empty());
    }
    assert_eq!(errors(None, None).await, before);
}

/// A whole export.
async fn exported(store: &Store, what: Exported, format: ExportFormat) -> Result<Vec<u8>, StoreError> {
    let mut export = store.export(&device("a"), what, PERIOD, format).await?;
    let mut file = Vec::new();
    while let Some(piece) = export.next().await? {
        file.extend_from_slice(&piece);
    }
    Ok(file)
}

#[tokio::test]
async fn an_export_is_a_file_that_the_engine_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let mut batch: Batch = (0..40_000)
        .map(|n| Row::Reading(Quantity::Co2, reading(n, "a", n as f64 / 8.0)))
        .collect();
    batch.push(Row::Reading(Quantity::Temperature, reading(3, "a", -0.5)));
    batch.push(Row::Reading(Quantity::Co2, reading(3, "b", 1.0)));
    batch.push(state(1, "a", 5.0));
    batch.push(event(2, "a", "online, \"again\""));
    batch.push(command(NOON, "a", 50.0, "v1", "c"));
    batch.push(clip(0));
    let store = filled(&engine, &batch).await;
    let co2 = Exported::Quantity(Quantity::Co2);

    let csv = String::from_utf8(exported(&store, co2, ExportFormat::Csv).await.unwrap()).unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(r#""time","device_id","quantity","value","offset","received_at""#)
    );
    assert_eq!(
        lines.next(),
        Some(r#""2025-10-24T12:00:00.000Z","a","co2",0,0,"2025-10-24T12:00:00.000Z""#)
    );
    assert_eq!(lines.count(), 39_999);
    let jsonl = String::from_utf8(
        exported(&store, Exported::Readings, ExportFormat::JsonLines)
            .await
            .unwrap(),
    )
    .unwrap();
    assert_eq!(jsonl.lines().count(), 40_001);
    let row: serde_json::Value = serde_json::from_str(jsonl.lines().next().unwrap()).unwrap();
    assert!(row["value"].is_number(), "{row}");

    let client = engine.client();
    let columns = "time DateTime64(3), device_id String, quantity String, value Float64, offset Float64, received_at DateTime64(3)";
    for (format, name, magic) in [
        (ExportFormat::Parquet, "Parquet", &b"PAR1"[..]),
        (ExportFormat::Arrow, "ArrowStream", &b"\xff\xff\xff\xff"[..]),
    ] {
        let file = exported(&store, co2, format).await.unwrap();
        assert!(file.starts_with(magic), "{name}");
        let create = format!("CREATE TABLE back ({columns}) ENGINE = Memory");
        client.query(&create).execute().await.unwrap();
        let mut insert = client.insert_formatted_with(format!("INSERT INTO back FORMAT {name}"));
        insert.send(file.into()).await.unwrap();
        insert.end().await.unwrap();
        let sql = "SELECT count(), sum(value), min(quantity) FROM back WHERE device_id = 'a'";
        let back: (u64, f64, String) = client.query(sql).fetch_one().await.unwrap();
        assert_eq!(back, (40_000, 39_999.0 * 20_000.0 / 8.0, "co2".into()), "{name}");
        client.query("DROP TABLE back").execute().await.unwrap();
    }
    for word in Exported::words() {
        let what = Exported::from_word(word).unwrap();
        for format in ExportFormat::ALL {
            let file = exported(&store, what, format).await;
            assert!(file.is_ok(), "{word} {format:?}: {file:?}");
        }
    }
}

#[tokio::test]
async fn exports_have_few_turns_and_one_that_breaks_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut engine = Engine::start(directory.path());
    let store = filled(&engine, &Batch::default()).await;
    // Twenty megabytes are more than lies in buffers between engine and client.
    let fill = "INSERT INTO sensor_co2 (timestamp, device_id, value) SELECT fromUnixTimestamp64Milli(toInt64(? + number)), 'a', \
                number FROM numbers(1000000)";
    engine.client().query(fill).bind(NOON).execute().await.unwrap();
    let co2 = Exported::Quantity(Quantity::Co2);
    let begin = async || {
        store
            .export(&device("a"), co2, PERIOD, ExportFormat::JsonLines)
            .await
    };
    let (mut first, second) = (begin().await.unwrap(), begin().await.unwrap());
    assert!(matches!(begin().await, Err(StoreError::Busy)));
    drop(second);
    drop(begin().await.unwrap());
    assert!(first.next().await.unwrap().is_some());
    engine.kill();
    let broken = loop {
        match first.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "a file that was cut looked complete");
    let away = store.export(&device("a"), co2, PERIOD, ExportFormat::Csv).await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
}
