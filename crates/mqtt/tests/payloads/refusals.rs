//! Every fault of a payload has its name.

use domain::{Quantity, RefusalReason};
use mqtt::{decode_control, decode_reading, decode_request};

use crate::{clip, clip_payload, device, reading};

/// A payload, the reason for refusing it, and a word the explanation holds.
const READING_FAULTS: &[(&str, RefusalReason, &str)] = &[
    ("", RefusalReason::NotJson, ""),
    ("hello", RefusalReason::NotJson, ""),
    ("{\"value\": 1", RefusalReason::NotJson, ""),
    (
        "\u{feff}{\"value\": 1}",
        RefusalReason::MissingField,
        "'timestamp'",
    ),
    ("42", RefusalReason::WrongType, "a number"),
    ("[]", RefusalReason::WrongType, "a list"),
    ("null", RefusalReason::WrongType, "null"),
    ("{}", RefusalReason::MissingField, "'value'"),
    (r#"{"value": 1}"#, RefusalReason::MissingField, "'timestamp'"),
    (
        r#"{"value": null, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::MissingField,
        "'value'",
    ),
    (
        r#"{"value": 1, "timestamp": null}"#,
        RefusalReason::MissingField,
        "'timestamp'",
    ),
    (
        r#"{"value": "warm", "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::WrongType,
        "'value' is the text 'warm'",
    ),
    (
        r#"{"value": true, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::WrongType,
        "'value' is a truth value",
    ),
    (
        r#"{"value": 1, "timestamp": true}"#,
        RefusalReason::WrongType,
        "'timestamp' is a truth value",
    ),
    (
        r#"{"value": 1, "timestamp": "2025-10-24T12:00:00Z", "device_id": 7}"#,
        RefusalReason::WrongType,
        "'device_id'",
    ),
    (
        r#"{"value": NaN, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value":nan,"timestamp":"2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": Infinity, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": -Infinity, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": -inf, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        "{\n\"value\":\n-nan,\n\"timestamp\": \"2025-10-24T12:00:00Z\"}",
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": 1e400, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": -1e400, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotFinite,
        "",
    ),
    (
        r#"{"value": 1e3, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::OutOfRange,
        "1000",
    ),
    (
        r#"{"value": 1, "timestamp": "yesterday"}"#,
        RefusalReason::BadTimestamp,
        "yesterday",
    ),
    (
        r#"{"value": 1, "timestamp": "2025-10-24T12:00:00Z", "device_id": "x"}"#,
        RefusalReason::DeviceMismatch,
        "'x'",
    ),
    (
        r#"{"value": 1, "value": 2, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::NotJson,
        "twice",
    ),
];

#[test]
fn every_fault_of_a_reading_has_its_name() {
    use RefusalReason as R;
    for &(payload, reason, word) in READING_FAULTS {
        let refusal = reading(payload).unwrap_err();
        assert_eq!(refusal.reason, reason, "{payload}: {refusal}");
        assert!(refusal.detail.contains(word), "{payload}: {refusal}");
    }
    let humid = decode_reading(
        Quantity::Humidity,
        device(),
        br#"{"value":140,"timestamp":"2025-10-24T12:00:00Z"}"#,
    );
    assert_eq!(humid.unwrap_err().reason, R::OutOfRange);
}

#[test]
fn a_clips_number_in_another_unit_is_told() {
    for (rest, told) in [
        (
            r#", "sample_rate": 16, "duration": 2.0"#,
            "in hertz, not in kilohertz",
        ),
        (
            r#", "sample_rate": 16000, "duration": 2000"#,
            "in seconds, not in milliseconds",
        ),
        (
            r#", "sample_rate": 16000, "duration": 2.0, "format": "mp3""#,
            "not wav, flac or pcm: record PCM",
        ),
    ] {
        let refusal = clip(&clip_payload("YWJj", rest)).unwrap_err();
        assert!(refusal.detail.contains(told), "{rest}: {refusal}");
    }
}

#[test]
fn every_fault_of_a_clip_has_its_name() {
    use RefusalReason as R;
    let whole = r#", "sample_rate": 16000, "duration": 2.0"#;
    for (payload, reason) in [
        (clip_payload("YWJj", ""), R::MissingField),
        (
            clip_payload("YWJj", r#", "sample_rate": "16k", "duration": 2.0"#),
            R::WrongType,
        ),
        (
            clip_payload("YWJj", r#", "sample_rate": 16000.5, "duration": 2.0"#),
            R::OutOfRange,
        ),
        (
            clip_payload("YWJj", r#", "sample_rate": -1, "duration": 2.0"#),
            R::OutOfRange,
        ),
        (
            clip_payload("YWJj", r#", "sample_rate": 0, "duration": 2.0"#),
            R::OutOfRange,
        ),
        (
            clip_payload("YWJj", r#", "sample_rate": 16000, "duration": 61"#),
            R::OutOfRange,
        ),
        (
            clip_payload("YWJj", r#", "sample_rate": 16000, "duration": -1"#),
            R::OutOfRange,
        ),
        (clip_payload("YW!j", whole), R::BadBase64),
        (clip_payload("", whole), R::BadAudio),
        (
            clip_payload("YWJj", &format!(r#"{whole}, "format": "mp3""#)),
            R::BadAudio,
        ),
        (clip_payload(&"A".repeat(1_398_104 + 4), whole), R::TooLarge),
        ("x".repeat(20_000_000), R::TooLarge),
    ] {
        let refusal = clip(&payload).unwrap_err();
        assert_eq!(
            refusal.reason,
            reason,
            "{}: {refusal}",
            &payload[..payload.len().min(200)]
        );
    }
    assert!(
        clip(&clip_payload(&"A".repeat(1_398_100), whole)).is_ok(),
        "a clip of just under 1 MiB"
    );
}

#[test]
fn every_fault_of_a_request_or_command_has_its_name() {
    use RefusalReason as R;
    let request = |rest: &str| {
        let payload = format!(r#"{{"timestamp": "2025-10-24T12:00:00Z", "temperature": 20{rest}}}"#);
        decode_request(device(), payload.as_bytes()).unwrap_err()
    };
    for (rest, reason, word) in [
        ("", R::MissingField, "'humidity'"),
        (r#", "humidity": 101"#, R::OutOfRange, "humidity 101"),
        (r#", "humidity": 1e400"#, R::NotFinite, ""),
        (
            r#", "humidity": 50, "audio_data": "YWJj""#,
            R::MissingField,
            "'audio_metadata'",
        ),
        (
            r#", "humidity": 50, "audio_metadata": {"duration": 1}"#,
            R::MissingField,
            "'audio_metadata.sample_rate'",
        ),
        (
            r#", "humidity": 50, "audio_metadata": 3"#,
            R::WrongType,
            "'audio_metadata'",
        ),
        (
            r#", "humidity": 50, "device_id": "other""#,
            R::DeviceMismatch,
            "'other'",
        ),
        (
            r#", "humidity": 50, "expires_at": "soon""#,
            R::BadTimestamp,
            "'expires_at'",
        ),
    ] {
        let refusal = request(rest);
        assert_eq!(refusal.reason, reason, "{rest}: {refusal}");
        assert!(refusal.detail.contains(word), "{rest}: {refusal}");
    }

    let control = |position: &str, used: &str| {
        let payload = format!(
            r#"{{"timestamp": "2025-10-24T12:00:00Z", "position": {position}, "confidence": 0.5, "features_used": {used}}}"#
        );
        decode_control(device(), payload.as_bytes())
    };
    let used = r#"{"temperature": 20, "humidity": 50}"#;
    assert!(control("50", used).is_ok());
    for (position, used, reason, word) in [
        ("101", used, R::OutOfRange, "'position'"),
        ("-1", used, R::OutOfRange, "'position'"),
        ("\"open\"", used, R::WrongType, "'position'"),
        ("50", "{}", R::MissingField, "'features_used.temperature'"),
        ("50", "null", R::MissingField, "'features_used'"),
        (
            "50",
            r#"{"temperature": 20, "humidity": 50, "audio_features": [1]}"#,
            R::WrongType,
            "audio_features",
        ),
        (
            "50",
            r#"{"temperature": 200, "humidity": 50}"#,
            R::OutOfRange,
            "temperature 200",
        ),
    ] {
        let refusal = control(position, used).unwrap_err();
        assert_eq!(refusal.reason, reason, "{position} {used}: {refusal}");
        assert!(refusal.detail.contains(word), "{position} {used}: {refusal}");
    }
}

#[test]
fn a_good_reading_in_megabytes_is_refused_unread() {
    let padded = |spaces: usize| {
        let filler = " ".repeat(spaces);
        reading(&format!(
            r#"{{"value": 1,{filler} "timestamp": "2025-10-24T12:00:00Z"}}"#
        ))
    };
    assert!(padded(60_000).is_ok());
    assert_eq!(padded(70_000).unwrap_err().reason, RefusalReason::TooLarge);
}
