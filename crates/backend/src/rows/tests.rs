use domain::{Confidence, DeviceId, Position, RefusalReason};

use super::*;

fn specification_only() -> WindowAction {
    WindowAction {
        device_id: DeviceId::parse("sensor-001").unwrap(),
        timestamp: Timestamp::from_millis(1),
        position: Position::new(75.5).unwrap(),
        confidence: Confidence::new(0.92).unwrap(),
        temperature: 25.5,
        humidity: 60.0,
        audio_features: vec![],
        command_id: None,
        origin: Origin::Unstated,
        inference_time_ms: None,
        audio_hash: None,
        reason: None,
        cause: None,
        expires_at: None,
        contributions: None,
        guard: None,
        wish: None,
    }
}

#[test]
fn a_command_of_the_specifications_fields_alone_fills_both_tables() {
    let hash = domain::AudioHash::from_digest([7; 32]);
    let basis = LastRequest {
        sent: tokio::time::Instant::now(),
        audio_hash: Some(hash.clone()),
    };
    let rows = action(
        &specification_only(),
        Some(&basis),
        Timestamp::from_millis(2),
        false,
    );
    let [Row::WindowAction(told), Row::MlPrediction(predicted)] = &rows[..] else {
        panic!("other rows");
    };
    assert_eq!((told.position, told.audio_hash.as_str()), (75.5, hash.as_str()));
    assert_eq!(
        (predicted.prediction, predicted.model_version.as_str()),
        (75.5, "unknown")
    );
    assert!(predicted.inference_time_ms >= 0.0);
}

#[test]
fn why_a_window_moved_or_stayed_fills_columns() {
    let contributions = Some(Contributions {
        average: 31.0,
        temperature: 38.0,
        humidity: 0.5,
        sound: 6.0,
    });
    let guard = Guard::known(0.97, 5.25);
    let limited = WindowAction {
        contributions,
        guard,
        wish: Some(Position::new(90.0).unwrap()),
        origin: Origin::Model("v1".into()),
        cause: Some("airing".into()),
        ..specification_only()
    };
    let rows = action(&limited, None, Timestamp::from_millis(2), false);
    let [Row::WindowAction(told), Row::MlPrediction(predicted)] = &rows[..] else {
        panic!("other rows");
    };
    assert_eq!(
        (told.verdict.as_str(), predicted.verdict.as_str()),
        ("limited", "limited")
    );
    assert_eq!(told.cause, "airing");
    assert_eq!((told.model_confidence, told.largest_z), (0.97, 5.25));
    assert_eq!((predicted.model_confidence, predicted.largest_z), (0.97, 5.25));
    for row in [
        [
            told.average,
            told.contribution_temperature,
            told.contribution_humidity,
            told.contribution_sound,
        ],
        [
            predicted.average,
            predicted.contribution_temperature,
            predicted.contribution_humidity,
            predicted.contribution_sound,
        ],
    ] {
        assert_eq!(row.map(|points| points.to_string()), ["31", "38", "0.5", "6"]);
    }
    let decision = |verdict: Option<&str>| HeldDecision {
        device_id: DeviceId::parse("sensor-001").unwrap(),
        timestamp: Timestamp::from_millis(1),
        position: Position::new(75.5).unwrap(),
        confidence: Confidence::new(0.92).unwrap(),
        temperature: 25.5,
        humidity: 60.0,
        model_version: "v1".into(),
        inference_time_ms: None,
        reason: Some("wished for 75.5 %".into()),
        verdict: verdict.map(str::to_owned),
        contributions,
        guard,
    };
    for (verdict, stored) in [(Some("override"), "override"), (None, "unsure")] {
        let Row::MlPrediction(row) = held(&decision(verdict), Timestamp::from_millis(2)) else {
            panic!("another row");
        };
        assert_eq!(
            (row.verdict.as_str(), row.reason.as_str()),
            (stored, "wished for 75.5 %")
        );
        assert_eq!(
            (row.temperature, row.humidity, row.contribution_sound),
            (25.5, 60.0, 6.0)
        );
        assert_eq!((row.model_confidence, row.largest_z), (0.97, 5.25));
    }
}

#[test]
fn a_strangers_command_without_a_request_is_logged_too() {
    let rows = action(&specification_only(), None, Timestamp::from_millis(2), false);
    let [_, Row::MlPrediction(predicted)] = &rows[..] else {
        panic!("other rows");
    };
    assert!(predicted.inference_time_ms.is_nan());
    assert!(predicted.model_confidence.is_nan() && predicted.largest_z.is_nan());
}

#[test]
fn what_a_person_chose_is_no_prediction() {
    let by_hand = WindowAction {
        origin: Origin::Person,
        ..specification_only()
    };
    let rows = action(&by_hand, None, Timestamp::from_millis(2), false);
    let [Row::WindowAction(told)] = &rows[..] else {
        panic!("other rows");
    };
    assert_eq!(
        (told.origin.as_str(), told.model_version.as_str()),
        ("person", "")
    );
}

#[test]
fn what_strangers_send_is_cut_to_size() {
    let refusal = Refusal::new(RefusalReason::NotJson, "x".repeat(10_000));
    let Row::IngestError(row) = error_row(
        &"t".repeat(10_000),
        (&refusal).into(),
        &vec![0; 100_000],
        Timestamp::from_millis(0),
    ) else {
        panic!("another row");
    };
    assert!(row.topic.len() == 256 && row.detail.len() == 512 && row.first_bytes.len() <= 1024);
}
