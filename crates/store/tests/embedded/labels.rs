//! Labels for training.

use domain::Quantity;
use store::{
    AudioRow, Batch, CommandStateRow, DeviceEventRow, LabelRow, Outcome, ReadingRow, Row, WindowActionRow,
};

use crate::{
    engine::Engine,
    rows::{NOON, reading, state},
};

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
        ..WindowActionRow::default()
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
        spectral_bandwidth: f32::NAN,
        spectral_flatness: f32::NAN,
        mel_db: vec![],
    })
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
                offset: 0.0,
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

fn told(second: i64, device_id: &str, position: f64, command_id: &str, origin: &str, reason: &str) -> Row {
    Row::WindowAction(WindowActionRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        position,
        confidence: 1.0,
        temperature: 22.0,
        humidity: 50.0,
        command_id: command_id.into(),
        reason: reason.into(),
        received_at: NOON,
        origin: origin.into(),
        ..WindowActionRow::default()
    })
}

fn by_hand(second: i64, device_id: &str, position: i64) -> Row {
    Row::DeviceEvent(DeviceEventRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        event: "moved_by_hand".into(),
        detail: format!("the window stands at {position} % until 2025-10-24T14:00:00.000Z"),
        received_at: NOON,
    })
}

fn failed(second: i64, device_id: &str, command_id: &str) -> Row {
    Row::CommandState(CommandStateRow {
        timestamp: NOON + second * 1000,
        device_id: device_id.into(),
        command_id: command_id.into(),
        state: "failed".into(),
        detail: "the window stands at 50 %; it is told again".into(),
        received_at: NOON,
    })
}

#[tokio::test]
async fn a_window_that_got_stuck_is_nobodys_choice() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(directory.path());
    let store = engine.store();
    store.migrate().await.unwrap();
    let climate = ["stuck", "short", "beyond", "hand", "again"].map(|device_id| {
        [
            Row::Reading(Quantity::Temperature, reading(0, device_id, 22.0)),
            Row::Reading(Quantity::Humidity, reading(0, device_id, 50.0)),
        ]
    });
    let rows: Batch = climate
        .into_iter()
        .flatten()
        .chain([
            // A motor that fails: told to open, and it stops half-way. The backend has found it.
            state(0, "stuck", 20.0),
            told(10, "stuck", 80.0, "c-1", "model", "warm"),
            state(90, "stuck", 50.0),
            failed(100, "stuck", "c-1"),
            // The same of a window whose commands nobody follows.
            state(0, "short", 20.0),
            told(10, "short", 80.0, "", "model", "warm"),
            state(90, "short", 50.0),
            // One that somebody shut while it was to open.
            state(0, "beyond", 20.0),
            told(10, "beyond", 80.0, "c-2", "model", "warm"),
            state(90, "beyond", 0.0),
            // One that somebody moved on its way, as the backend has found; before, it was stuck elsewhere.
            state(0, "hand", 20.0),
            told(10, "hand", 80.0, "c-3", "model", "warm"),
            state(90, "hand", 40.0),
            failed(95, "hand", "c-3"),
            state(300, "hand", 60.0),
            by_hand(320, "hand", 60),
            // A person's wish counts once, however often the motor is told; going back after an airing is nobody's.
            told(10, "again", 70.0, "c-4", "person", "moved by Anna on the page"),
            told(
                80,
                "again",
                70.0,
                "c-5",
                "person",
                "told again (1 of 3): it stopped at 30 % on its way to 70 %",
            ),
            told(
                200,
                "again",
                70.0,
                "c-6",
                "person",
                "back to where it was put by Anna on the page",
            ),
            told(
                300,
                "again",
                100.0,
                "c-7",
                "schedule",
                "airing for 5 min: 1450 ppm CO₂, above 1200",
            ),
            told(
                600,
                "again",
                70.0,
                "c-8",
                "schedule",
                "airing is over: back to where the window was",
            ),
        ])
        .collect();
    store.insert(&rows, "j/1-31").await.unwrap();
    let chosen = store.labels(Outcome::Chosen, 0).await.unwrap();
    let mut seen: Vec<_> = chosen
        .iter()
        .map(|row| (&row.device_id[..], (row.timestamp - NOON) / 1000, row.position))
        .collect();
    seen.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    assert_eq!(
        seen,
        [
            ("again", 10, 70.0),
            ("again", 300, 100.0),
            ("beyond", 90, 0.0),
            ("hand", 300, 60.0)
        ]
    );
    let reported = store.labels(Outcome::Reported, 0).await.unwrap();
    let devices: Vec<&str> = reported.iter().map(|row| &row.device_id[..]).collect();
    assert_eq!(
        devices,
        ["beyond", "short"],
        "what failed is no outcome of a decision"
    );
}
