//! What screens ask that explain: how a model does, what clips sounded like, how the service did, which recordings there are.

use domain::DeviceId;
use store::{
    AudioRow, Batch, MlPredictionRow, Page, PageQuery, Period, Row, SpectrumRow, Store, SystemMetricsRow,
};

use crate::{
    engine::Engine,
    rows::{NOON, command, now, one_of_each},
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn device(id: &str) -> DeviceId {
    DeviceId::parse(id).expect("an id")
}

/// A decision of `v1` an hour apart from the others, with its prediction; corrected by `by` points if that is not 0.
fn decision(n: i64, confidence: f64, by: f64) -> Vec<Row> {
    let (timestamp, id) = (NOON + n * HOUR, format!("d-{n}"));
    let mut rows = vec![
        Row::MlPrediction(MlPredictionRow {
            timestamp,
            device_id: "a".into(),
            prediction: 50.0,
            confidence,
            inference_time_ms: 1.0,
            model_version: "v1".into(),
            command_id: id.clone(),
            received_at: timestamp,
            held: false,
            average: 30.0,
            contribution_temperature: if n % 2 == 0 { 12.0 } else { -8.0 },
            contribution_humidity: -2.0,
            contribution_sound: 0.5,
            ..MlPredictionRow::default()
        }),
        match command(timestamp, "a", 50.0, "v1", &id) {
            Row::WindowAction(row) => Row::WindowAction(store::WindowActionRow { confidence, ..row }),
            other => other,
        },
    ];
    if by != 0.0 {
        rows.push(command(timestamp + 120_000, "a", 50.0 + by, "", ""));
    }
    rows
}

#[tokio::test]
async fn a_model_is_as_sure_as_it_is_right_or_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let period = Period {
        since: NOON,
        until: NOON + 2 * DAY,
    };
    let empty = store.quality("v1", period).await.unwrap();
    assert_eq!((empty.reliability.len(), empty.days.len()), (0, 0));
    assert_eq!(empty.contributions.predictions, 0);
    // Four sure decisions of which one is corrected, two unsure ones of which both are; the last of them a day later.
    let mut rows = [
        decision(0, 0.95, 0.0),
        decision(1, 0.92, -30.0),
        decision(2, 1.0, 0.0),
        decision(3, 0.99, 0.0),
        decision(4, 0.31, 20.0),
        decision(25, 0.39, 10.0),
    ]
    .concat();
    // A candidate beside them, whose contributions are nobody's but its own; a prediction of before, which has none.
    rows.extend(["v2", "v1"].map(|version| {
        Row::MlPrediction(MlPredictionRow {
            timestamp: NOON,
            device_id: "b".into(),
            prediction: 10.0,
            confidence: 0.4,
            model_version: version.into(),
            received_at: NOON,
            average: if version == "v2" { 3.0 } else { f32::NAN },
            contribution_temperature: 100.0,
            ..MlPredictionRow::default()
        })
    }));
    store
        .insert(&rows.into_iter().collect::<Batch>(), "j/1-20")
        .await
        .unwrap();
    while store.judge_decisions(NOON + 3 * DAY).await.unwrap() {}

    let known = store.quality("v1", period).await.unwrap();
    let bins: Vec<_> = known
        .reliability
        .iter()
        .map(|bin| (bin.bin, bin.decisions, bin.corrected))
        .collect();
    assert_eq!(bins, [(3, 2, 2), (9, 4, 1)]);
    let [first, second] = known.days[..] else {
        panic!("{:?}", known.days)
    };
    assert_eq!((first.time, second.time), (NOON - 12 * HOUR, NOON + 12 * HOUR));
    assert_eq!((first.predictions, first.decisions, first.corrected), (6, 5, 2));
    assert!((first.correction - 25.0).abs() < 1e-9 && (second.correction - 10.0).abs() < 1e-9);
    let confidence = (0.95 + 0.92 + 1.0 + 0.99 + 0.31 + 0.4) / 6.0;
    assert!(
        (first.confidence - confidence).abs() < 1e-9,
        "{}",
        first.confidence
    );
    let sizes = known.contributions;
    assert_eq!(sizes.predictions, 6);
    assert!(
        (sizes.temperature - (3.0 * 12.0 + 3.0 * 8.0) / 6.0).abs() < 1e-6,
        "{sizes:?}"
    );
    assert!((sizes.humidity - 2.0).abs() < 1e-6 && (sizes.sound - 0.5).abs() < 1e-6);

    // Part of it, and a name that means something else.
    let later = Period {
        since: NOON + DAY,
        ..period
    };
    assert_eq!(store.quality("v1", later).await.unwrap().days.len(), 1);
    let hostile = store.quality("v1' OR 1 = 1 --", period).await.unwrap();
    assert_eq!(hostile.days.len(), 0);
}

fn clip(second: i64, mel_db: &[f32], raw_path: &str) -> Row {
    Row::Audio(AudioRow {
        timestamp: NOON + second * 1000,
        device_id: "a".into(),
        sample_rate: 16_000,
        duration: 2.0,
        format: "wav".into(),
        audio_hash: format!("{second:064}"),
        features: r#"{"level": {"equivalent_dbfs": -40.0, "max_dbfs": -30.0}}"#.into(),
        raw_path: raw_path.into(),
        received_at: NOON,
        spectral_bandwidth: f32::NAN,
        spectral_flatness: f32::NAN,
        mel_db: mel_db.to_vec(),
    })
}

async fn heard() -> (tempfile::TempDir, Engine, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.expect("the schema is made");
    let rows: Batch = [
        clip(0, &[-60.0, -40.0], "00/a.wav"),
        clip(10, &[-50.0, -20.0], ""),
        clip(3_600, &[-10.0, -30.0], "00/b.wav"),
    ]
    .into_iter()
    .collect();
    store.insert(&rows, "j/1-3").await.expect("the rows are stored");
    (directory, engine, store)
}

#[tokio::test]
async fn spectra_are_the_means_of_their_clips_at_every_resolution() {
    let (_directory, _engine, store) = heard().await;
    let period = Period {
        since: NOON,
        until: NOON + 2 * HOUR,
    };
    let of = async |interval_s| store.spectra(&device("a"), period, interval_s).await.unwrap();
    let row = |time: i64, clips, mel_db: &[f64]| SpectrumRow {
        time: NOON + time * 1000,
        clips,
        mel_db: mel_db.to_vec(),
    };
    let later = row(3_600, 1, &[-10.0, -30.0]);
    assert_eq!(
        of(10).await,
        [
            row(0, 1, &[-60.0, -40.0]),
            row(10, 1, &[-50.0, -20.0]),
            later.clone()
        ]
    );
    for interval_s in [30, 60, 300, 3_600] {
        assert_eq!(
            of(interval_s).await,
            [row(0, 2, &[-55.0, -30.0]), later.clone()],
            "{interval_s}"
        );
    }
    let whole = Period {
        since: NOON - 12 * HOUR,
        ..period
    };
    let [day] = &store.spectra(&device("a"), whole, 86_400).await.unwrap()[..] else {
        panic!("one day")
    };
    assert_eq!((day.clips, day.mel_db.as_slice()), (3, &[-40.0, -30.0][..]));
    assert_eq!(store.spectra(&device("b"), period, 60).await.unwrap(), []);
}

#[tokio::test]
async fn recordings_are_listed_and_found_by_their_time() {
    let (_directory, _engine, store) = heard().await;
    let page = PageQuery {
        period: Period {
            since: 0,
            until: NOON + DAY,
        },
        before: None,
        limit: 2,
    };
    let Page { rows, next } = store.clips(&device("a"), false, &page).await.unwrap();
    let times = |rows: &[store::ListedClip]| -> Vec<i64> {
        rows.iter().map(|row| (row.timestamp - NOON) / 1000).collect()
    };
    assert_eq!(times(&rows), [3_600, 10]);
    let rest = PageQuery { before: next, ..page };
    let rest = store.clips(&device("a"), false, &rest).await.unwrap();
    assert_eq!((times(&rest.rows), rest.next), (vec![0], None));
    let kept = store.clips(&device("a"), true, &page).await.unwrap();
    assert_eq!((times(&kept.rows), kept.next), (vec![3_600, 0], None));
    assert!((kept.rows[0].level_dbfs + 40.0).abs() < 1e-3);
    let found = store.kept_clip(&device("a"), NOON).await.unwrap().unwrap();
    assert_eq!(found.raw_path, "00/a.wav");
    for (id, time) in [("a", NOON + 10_000), ("a", NOON + 1), ("b", NOON)] {
        assert_eq!(
            store.kept_clip(&device(id), time).await.unwrap(),
            None,
            "{id} {time}"
        );
    }
}

/// What a backend writes every ten seconds, after `begin`: rows of before the last month would be removed.
fn written((begin, second): (i64, i64), instance: &str, messages: u64, decision_ms: f64) -> Row {
    let row = one_of_each().into_iter().find_map(|row| match row {
        Row::SystemMetrics(row) => Some(row),
        _ => None,
    });
    Row::SystemMetrics(SystemMetricsRow {
        timestamp: begin + second * 1000,
        instance: instance.into(),
        interval_s: 10.0,
        messages: vec![("temperature".into(), messages)],
        refused: vec![("json".into(), 5)],
        rows_stored: messages,
        decision_ms,
        inference_ms: f64::NAN,
        row_delay_ms: decision_ms * 2.0,
        reading_to_row_ms: 100.0,
        journal_records: 3,
        journal_bytes: 1_000,
        database_memory_bytes: if second == 0 { 0 } else { 1 << 20 },
        database_disk_bytes: 2 << 20,
        disk_free_bytes: if second == 0 { 0 } else { 3 << 20 },
        ..row.expect("it is one of each")
    })
}

#[tokio::test]
async fn rates_of_backends_add_up_and_what_is_unknown_stays_so() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let begin = now() / 60_000 * 60_000 - HOUR;
    let rows: Batch = [
        written((begin, 0), "one", 20, 40.0),
        written((begin, 10), "one", 40, f64::NAN),
        written((begin, 10), "two", 100, 60.0),
        written((begin, 120), "one", 0, f64::NAN),
    ]
    .into_iter()
    .collect();
    store.insert(&rows, "j/1-4").await.unwrap();
    let period = Period {
        since: begin,
        until: begin + HOUR,
    };
    let points = store.system_metrics(period, 60).await.unwrap();
    let [first, second] = points[..] else {
        panic!("{points:?}")
    };
    assert_eq!((first.time, second.time), (begin, begin + 120_000));
    assert!(
        (first.messages_per_s - 13.0).abs() < 1e-9,
        "60 in 20 s and 100 in 10 s: {first:?}"
    );
    assert!((first.refused_per_s - 1.0).abs() < 1e-9);
    assert!((first.decision_ms - 50.0).abs() < 1e-9 && (first.row_delay_ms - 120.0).abs() < 1e-9);
    assert!(first.inference_ms.is_nan() && second.decision_ms.is_nan() && second.row_delay_ms.is_nan());
    assert_eq!((first.journal_records, first.journal_bytes), (6, 2_000));
    assert_eq!(
        (first.database_memory_bytes, first.disk_free_bytes),
        (1 << 20, 3 << 20)
    );
    assert_eq!(
        store
            .system_metrics(Period { since: 0, until: 1 }, 60)
            .await
            .unwrap(),
        []
    );
}
