//! The specification's example payloads, verbatim, and what is refused about anything else.

use std::collections::BTreeMap;

use domain::{
    AudioFormat, AudioHash, Clip, ClipFeatures, ClipLimits, Confidence, DeviceId, FeatureName,
    InferenceRequest, Position, Quantity, Reading, Refusal, RefusalReason, RequestAudio, Summary, Timestamp,
    WindowAction, WindowState,
};
use mqtt::{
    decode_audio_data, decode_clip, decode_control, decode_reading, decode_request, decode_state,
    decode_status, encode_audio_data, encode_clip, encode_control, encode_reading, encode_request,
    encode_state,
};
use proptest::prelude::*;

const NOON: Timestamp = Timestamp::from_millis(1_761_307_200_000);
const TONE: &[u8] = include_bytes!("payloads/tone.wav");

fn device() -> DeviceId {
    DeviceId::parse("sensor-001").expect("a valid id")
}

fn reading(payload: &str) -> Result<Reading, Refusal> {
    decode_reading(Quantity::Temperature, device(), payload.as_bytes())
}

fn clip(payload: &str) -> Result<mqtt::ReceivedClip, Refusal> {
    decode_clip(device(), payload.as_bytes(), &ClipLimits::default())
}

#[test]
fn the_specified_readings_are_read() {
    let temperature = reading(include_str!("payloads/temperature.json")).unwrap();
    assert_eq!((temperature.value(), temperature.timestamp()), (25.5, NOON));
    let humidity = include_bytes!("payloads/humidity.json");
    let humidity = decode_reading(Quantity::Humidity, device(), humidity).unwrap();
    assert_eq!(
        (humidity.value(), humidity.quantity()),
        (60.0, Quantity::Humidity)
    );
}

#[test]
fn the_specified_clip_is_a_placeholder_and_its_twin_a_clip() {
    let refusal = clip(include_str!("payloads/audio.json")).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::BadBase64);
    let received = clip(include_str!("payloads/audio_with_wav.json")).unwrap();
    assert_eq!(received.clip.data, TONE);
    assert_eq!(
        (received.clip.sample_rate, received.clip.duration_s),
        (16_000, 0.005)
    );
    assert_eq!(
        (received.clip.format, received.clip.timestamp),
        (AudioFormat::Wav, NOON)
    );
    assert_eq!(received.data_base64, encode_audio_data(TONE));
}

#[test]
fn the_specified_request_is_read_and_its_placeholder_refused_when_needed() {
    let request = decode_request(device(), include_bytes!("payloads/inference_request.json")).unwrap();
    assert_eq!(
        (request.temperature, request.humidity, request.timestamp),
        (25.5, 60.0, NOON)
    );
    assert_eq!(request.expires_at, None);
    let audio = request.audio.unwrap();
    assert_eq!((audio.sample_rate, audio.duration_s), (16_000, 2.0));
    assert!(audio.audio_hash.is_none() && audio.features.is_none());
    let refusal = decode_audio_data(&audio.data_base64, 1 << 20).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::BadBase64);

    let twin = include_bytes!("payloads/inference_request_with_wav.json");
    let audio = decode_request(device(), twin).unwrap().audio.unwrap();
    assert_eq!(decode_audio_data(&audio.data_base64, 1 << 20).unwrap(), TONE);
}

#[test]
fn the_specified_control_is_read_and_written() {
    let specified = include_bytes!("payloads/window_control.json");
    let action = decode_control(device(), specified).unwrap();
    assert_eq!(
        (action.position.percent(), action.confidence.probability()),
        (75.5, 0.92)
    );
    assert_eq!((action.temperature, action.humidity), (25.5, 60.0));
    assert_eq!(action.audio_features, ["mfcc_mean", "spectral_centroid", "rms"]);
    assert!(action.command_id.is_none() && action.expires_at.is_none());
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(
        json(&encode_control(&action)),
        json(specified),
        "nothing is added to what nobody filled in"
    );
}

#[test]
fn devices_write_exactly_what_is_specified() {
    let reading = Reading::new(device(), Quantity::Temperature, 25.5, NOON).unwrap();
    assert_eq!(
        encode_reading(&reading),
        br#"{"value":25.5,"timestamp":"2025-10-24T12:00:00Z"}"#
    );
    let clip = Clip {
        device_id: device(),
        timestamp: NOON,
        data: b"abc".to_vec(),
        sample_rate: 16_000,
        duration_s: 2.0,
        format: AudioFormat::Wav,
    };
    let text = String::from_utf8(encode_clip(&clip)).unwrap();
    assert_eq!(
        text,
        r#"{"data":"YWJj","sample_rate":16000,"duration":2.0,"timestamp":"2025-10-24T12:00:00Z"}"#
    );
}

/// A payload, the reason for refusing it, and a word the explanation holds.
const READING_FAULTS: &[(&str, RefusalReason, &str)] = &[
    ("", RefusalReason::NotJson, ""),
    ("hello", RefusalReason::NotJson, ""),
    ("{\"value\": 1", RefusalReason::NotJson, ""),
    ("\u{feff}{\"value\": 1}", RefusalReason::NotJson, ""),
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
        r#"{"value": "1", "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::WrongType,
        "'value' is text",
    ),
    (
        r#"{"value": true, "timestamp": "2025-10-24T12:00:00Z"}"#,
        RefusalReason::WrongType,
        "'value' is a truth value",
    ),
    (
        r#"{"value": 1, "timestamp": 1761307200}"#,
        RefusalReason::WrongType,
        "'timestamp' is a number",
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
        "duplicate",
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
fn unusual_but_right_readings_are_read() {
    for payload in [
        r#"{"timestamp": "2025-10-24T14:00:00+02:00", "value": 25.5, "battery": {"volts": [3.7]}}"#,
        r#"{"value": 2.55e1, "timestamp": "2025-10-24T12:00:00.000Z", "device_id": "sensor-001"}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00\u005a"}"#,
        "\r\n\t {\"value\":25.5,\"timestamp\":\"2025-10-24T12:00:00Z\",\"device_id\":null} \n",
    ] {
        let reading = reading(payload).unwrap_or_else(|refusal| panic!("{payload}: {refusal}"));
        assert_eq!((reading.value(), reading.timestamp()), (25.5, NOON));
    }
}

fn clip_payload(data: &str, rest: &str) -> String {
    format!(r#"{{"data": "{data}", "timestamp": "2025-10-24T12:00:00Z"{rest}}}"#)
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
        (
            clip_payload("YWJj", &format!(r#"{whole}, "format": "pcm""#)),
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
fn clips_of_unusual_spelling_are_forwarded_as_standard_base64() {
    let whole = r#", "sample_rate": 16000.0, "duration": 2"#;
    for (data, format) in [
        ("-__-AQ", ""),
        (r"+\/\/+AQ==", ""),
        ("+//+\\r\\nAQ==", r#", "format": "pcm""#),
    ] {
        let received = clip(&clip_payload(data, &format!("{whole}{format}"))).unwrap();
        assert_eq!(received.clip.data, [0xfb, 0xff, 0xfe, 0x01]);
        assert_eq!(received.data_base64, "+//+AQ==");
        assert_eq!(received.clip.format == AudioFormat::Pcm, !format.is_empty());
    }
}

fn features() -> ClipFeatures {
    let summary = Summary {
        mean: vec![0.1],
        std: vec![1.0 / 3.0],
        frames: None,
    };
    ClipFeatures {
        version: "v".into(),
        sample_rate: 16_000,
        samples: 32_000,
        frames: 63,
        level: None,
        summaries: BTreeMap::from([(FeatureName::Rms, summary)]),
    }
}

fn request(audio: Option<RequestAudio>) -> InferenceRequest {
    InferenceRequest {
        device_id: device(),
        timestamp: NOON,
        temperature: 20.25,
        humidity: 55.0,
        audio,
        expires_at: Some(NOON.plus(std::time::Duration::from_millis(1_500))),
    }
}

#[test]
fn requests_come_back_whole() {
    let audio = RequestAudio {
        data_base64: encode_audio_data(TONE),
        sample_rate: 16_000,
        duration_s: 0.005,
        format: AudioFormat::Wav,
        audio_hash: Some(AudioHash::from_digest([7; 32])),
        features: Some(features()),
    };
    let bare = RequestAudio {
        format: AudioFormat::Pcm,
        ..audio.clone()
    };
    let text = String::from_utf8(encode_request(&request(Some(bare.clone())))).unwrap();
    let metadata = r#""audio_metadata":{"sample_rate":16000,"duration":0.005,"format":"pcm"}"#;
    assert!(text.contains(metadata), "{text}");
    for request in [request(None), request(Some(audio)), request(Some(bare))] {
        assert_eq!(
            decode_request(device(), &encode_request(&request)).unwrap(),
            request
        );
    }
}

#[test]
fn foreign_features_count_as_absent() {
    let audio = r#""audio_data": "YWJj", "audio_metadata": {"sample_rate": 16000, "duration": 1}"#;
    for extra in [
        "\"audio_features\": [1, 2]",
        "\"audio_features\": {\"version\": 3}",
        "\"audio_features\": null",
    ] {
        let payload = format!(
            r#"{{"timestamp": "2025-10-24T12:00:00Z", "temperature": 20, "humidity": 50, {audio}, {extra}}}"#
        );
        let request = decode_request(device(), payload.as_bytes()).unwrap();
        assert_eq!(request.audio.unwrap().features, None, "{extra}");
    }
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
            "'temperature'",
        ),
    ] {
        let refusal = control(position, used).unwrap_err();
        assert_eq!(refusal.reason, reason, "{position} {used}: {refusal}");
        assert!(refusal.detail.contains(word), "{position} {used}: {refusal}");
    }
}

#[test]
fn states_come_back_whole() {
    for target in [None, Some(Position::new(80.0).unwrap())] {
        let state = WindowState {
            device_id: device(),
            timestamp: NOON,
            position: Position::new(12.5).unwrap(),
            target,
            command_id: target.map(|_| "c-1".to_owned()),
        };
        assert_eq!(decode_state(device(), &encode_state(&state)).unwrap(), state);
    }
    let refusal = decode_state(
        device(),
        br#"{"timestamp":"2025-10-24T12:00:00Z","position":50,"target":120}"#,
    );
    assert_eq!(refusal.unwrap_err().reason, RefusalReason::OutOfRange);
}

#[test]
fn deep_nesting_is_refused_or_ignored_but_never_fatal() {
    let deep = "[".repeat(60_000);
    assert_eq!(reading(&deep).unwrap_err().reason, RefusalReason::NotJson);
    assert_eq!(
        reading(&format!(r#"{{"x": {deep}"#)).unwrap_err().reason,
        RefusalReason::NotJson
    );
    let closed = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let payload = format!(r#"{{"x": {closed}, "value": 1, "timestamp": "2025-10-24T12:00:00Z"}}"#);
    let _ = reading(&payload);
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

fn decode_all(bytes: &[u8]) {
    let _ = decode_reading(Quantity::Humidity, device(), bytes);
    let _ = decode_clip(device(), bytes, &ClipLimits::default());
    let _ = decode_request(device(), bytes);
    let _ = decode_control(device(), bytes);
    let _ = decode_state(device(), bytes);
    let _ = decode_status(bytes);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_damaged_message_panics(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for whole in [
            &include_bytes!("payloads/temperature.json")[..],
            include_bytes!("payloads/audio_with_wav.json"),
            include_bytes!("payloads/inference_request_with_wav.json"),
            include_bytes!("payloads/window_control.json"),
        ] {
            let mut damaged = whole.to_vec();
            damaged[place.index(whole.len())] = byte;
            decode_all(&damaged);
            decode_all(&whole[..cut.index(whole.len())]);
        }
    }

    #[test]
    fn readings_come_back_whole(value in -60.0_f64..=100.0, millis in 0_i64..4_102_444_800_000) {
        let reading = Reading::new(device(), Quantity::Temperature, value, Timestamp::from_millis(millis)).unwrap();
        let read = decode_reading(Quantity::Temperature, device(), &encode_reading(&reading)).unwrap();
        prop_assert_eq!(read, reading);
    }

    #[test]
    fn commands_come_back_whole(
        (position, confidence) in (0.0_f64..=100.0, 0.0_f64..=1.0),
        (temperature, humidity) in (-60.0_f64..=100.0, 0.0_f64..=100.0),
        names in prop::collection::vec("[a-z_]{1,20}", 0..5),
        extra in any::<bool>(),
        reason in any::<String>(),
    ) {
        let action = WindowAction {
            device_id: device(),
            timestamp: NOON,
            position: Position::new(position).unwrap(),
            confidence: Confidence::new(confidence).unwrap(),
            temperature,
            humidity,
            audio_features: names,
            command_id: extra.then(|| "c-1".to_owned()),
            origin: if extra { domain::Origin::Model("v1.0.0".into()) } else { domain::Origin::Unstated },
            inference_time_ms: extra.then_some(0.25),
            audio_hash: extra.then(|| AudioHash::from_digest([9; 32])),
            reason: extra.then_some(reason),
            expires_at: extra.then_some(NOON),
        };
        prop_assert_eq!(decode_control(device(), &encode_control(&action)).unwrap(), action);
    }
}
