//! Labels for training.

use domain::Quantity;
use store::{AudioRow, Batch, LabelRow, Outcome, ReadingRow, Row, WindowActionRow};

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
