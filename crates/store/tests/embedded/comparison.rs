//! Two models compared by what they predicted for the same commands.

use store::{Batch, ComparisonQuery, MlPredictionRow, Row};

use crate::{
    engine::Engine,
    rows::{NOON, command, state},
};

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
            held: false,
            ..MlPredictionRow::default()
        })
    };
    let mut rows: Vec<Row> = ["v1", "v2"].into_iter().zip(positions).map(predicted).collect();
    rows.push(command(timestamp, device_id, positions[0], "v1", &command_id));
    rows
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
        until: None,
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
            held: false,
            ..MlPredictionRow::default()
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
