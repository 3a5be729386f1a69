//! Refusals as the person who writes the firmware reads them: what stands where, and what to send instead.

use domain::{Quantity, RefusalReason as R};
use mqtt::{decode_control, decode_reading, decode_state};
use proptest::prelude::*;

use crate::{device, reading, with};

/// A payload, the reason for refusing it, and words of the explanation.
const EXPLAINED: &[(&str, R, &str)] = &[
    ("", R::NotJson, "the payload is empty"),
    (" \r\n", R::NotJson, "the payload is empty"),
    ("\0\0\0\0", R::NotJson, "the payload is empty"),
    ("25.5", R::WrongType, r#"send an object, like {"value": 25.5, "#),
    ("hello", R::NotJson, "'hello': the payload is no JSON object"),
    ("<html>", R::NotJson, "XML or HTML"),
    ("eyJ2YWx1ZSI6IDI1LjV9", R::NotJson, "Base64"),
    ("{'value': 25.5}", R::NotJson, "single quotes"),
    (r#"{"value": '25.5'}"#, R::NotJson, "single quotes"),
    ("{value: 25.5}", R::NotJson, "a key without quotes"),
    (
        r#"{"value": 25.5, "timestamp": "2025-10-"#,
        R::NotJson,
        "ends after 38 bytes",
    ),
    (
        r#"{"value": 25.5,}"#,
        R::NotJson,
        "comma stands before the closing bracket",
    ),
    (
        r#"{"value": 25,5, "timestamp": "x"}"#,
        R::NotJson,
        "decimal comma",
    ),
    (r#"{"value": 021.5}"#, R::NotJson, "'value' has a leading zero"),
    (r#"{"value": +21.5}"#, R::NotJson, "plus sign"),
    (r#"{"value": .5}"#, R::NotJson, "begins with a point"),
    (r#"{"value": 21.}"#, R::NotJson, "a digit is missing"),
    (r#"{"value": 0.}"#, R::NotJson, "a digit is missing"),
    (r#"{"value": 0x15}"#, R::NotJson, "'value' is no number"),
    (r#"{"value": 25.5°C}"#, R::NotJson, "send the number alone"),
    (r#"{"value": }"#, R::NotJson, "'value' has no value"),
    (r#"{"value": warm}"#, R::NotJson, "text without quotes"),
    (r#"{"value": None}"#, R::NotJson, "word of Python"),
    (r#"{"value" 25.5}"#, R::NotJson, "colon is missing after 'value'"),
    (
        r#"{"value": 25.5 "timestamp": 0}"#,
        R::NotJson,
        "comma is missing",
    ),
    (
        r#"{"value": 1} {"value": 2}"#,
        R::NotJson,
        "send one object in a message",
    ),
    ("{\"value\": \"a\nb\"}", R::NotJson, "line break"),
    (r#"{"path": "C:\dir"}"#, R::NotJson, "backslash"),
    (r#"{"value": NaN}"#, R::NotFinite, "'value' is NaN"),
    (r#"{"value": -nan}"#, R::NotFinite, "'value' is nan"),
    (r#"{"value": -Infinity}"#, R::NotFinite, "'value' is Infinity"),
    (
        r#"{"value": "nan", "timestamp": 0}"#,
        R::NotFinite,
        "'value' is the text 'nan'",
    ),
    (r#"{"value": 1e400}"#, R::NotFinite, "too large"),
    (r#"[{"value": 25.5}]"#, R::WrongType, "send one object"),
    (r#""{\"value\": 25.5}""#, R::WrongType, "encoded twice"),
    ("true", R::WrongType, "a truth value"),
    (
        r#"{"value": 1, "value": 2, "timestamp": 0}"#,
        R::NotJson,
        "'value' stands twice",
    ),
    (
        r#"{"Value": 1, "Value": 2, "timestamp": 0}"#,
        R::NotJson,
        "'Value' stands twice",
    ),
    (
        r#"{"Value": 1, "VALUE": 2, "timestamp": 0}"#,
        R::NotJson,
        "may both mean 'value'",
    ),
    (
        r#"{"temperature": 25.5, "timestamp": 0}"#,
        R::MissingField,
        "did you mean 'value' by 'temperature'?",
    ),
    (
        r#"{"value": 25.5, "ts": 0}"#,
        R::MissingField,
        "did you mean 'timestamp' by 'ts'?",
    ),
    (
        r#"{"value": 25.5, "timestmap": 0}"#,
        R::MissingField,
        "did you mean 'timestamp' by 'timestmap'?",
    ),
    (
        r#"{"data": {"value": 25.5, "timestamp": 0}}"#,
        R::MissingField,
        "inside of 'data'",
    ),
    (
        r#"{"value": 25.5, "timestamp": null}"#,
        R::MissingField,
        "'timestamp' is missing: it is null",
    ),
    (r#"{"a": 1, "b": 2}"#, R::MissingField, "there is 'a', 'b'"),
    (
        r#"{"value": {"celsius": 25.5}, "timestamp": 0}"#,
        R::WrongType,
        "'value' is an object",
    ),
    (r#"{"value": "1,013", "timestamp": 0}"#, R::WrongType, "thousands"),
    (
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00"}"#,
        R::BadTimestamp,
        "append Z",
    ),
    (
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00+25:00"}"#,
        R::BadTimestamp,
        "-14:00 to +14:00",
    ),
    (
        r#"{"value": 25.5, "timestamp": 20251024120000}"#,
        R::BadTimestamp,
        "without its separators",
    ),
    (
        r#"{"value": 25.5, "timestamp": 0, "unit": "%"}"#,
        R::BadUnit,
        "send °C",
    ),
    (
        r#"{"value": 25.5, "timestamp": 0, "UNIT": "hPa"}"#,
        R::BadUnit,
        "'hPa'",
    ),
    (
        r#"{"value": 25.5, "timestamp": 0, "unit": 7}"#,
        R::WrongType,
        "'unit' is a number",
    ),
    (
        r#"{"value": 25.5, "timestamp": 0, "Unit": "F", "units": "C"}"#,
        R::NotJson,
        "may both mean 'unit'",
    ),
    (
        r#"{"value": 300, "timestamp": 0, "unit": "F"}"#,
        R::OutOfRange,
        "temperature 148.8",
    ),
    (r#"{"value": -127, "timestamp": 0}"#, R::OutOfRange, "DS18B20"),
    (
        r#"{"value": 1, "timestamp": 0, "device_id": "aa:bb:cc:dd:ee:02"}"#,
        R::DeviceMismatch,
        "the topic 'sensor-001'",
    ),
];

#[test]
fn every_slip_is_explained() {
    for &(payload, reason, words) in EXPLAINED {
        let refusal = reading(payload).unwrap_err();
        assert_eq!(refusal.reason, reason, "{payload}: {refusal}");
        assert!(refusal.detail.contains(words), "{payload}: {refusal}");
        assert!(!refusal.detail.contains("column"), "{refusal}");
    }
}

#[test]
fn a_bare_number_is_shown_where_it_belongs() {
    let refusal = decode_state(device(), b"40").unwrap_err();
    assert!(refusal.detail.contains(r#"like {"position": 40, "#), "{refusal}");
    let refusal = decode_control(device(), b"40").unwrap_err();
    assert!(refusal.detail.ends_with("send an object in { }"), "{refusal}");
}

#[test]
fn encodings_are_named() {
    let text = with(r#", "unit": "°C""#);
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (payload, words) in [
        (little.clone(), "UTF-16, little-endian"),
        ([&b"\xff\xfe"[..], &little].concat(), "UTF-16, little-endian"),
        (big.clone(), "UTF-16, big-endian"),
        ([&b"\xfe\xff"[..], &big].concat(), "UTF-16, big-endian"),
        (b"\xff\xfe\0\0{\0\0\0".to_vec(), "UTF-32"),
        (latin1, "byte 0xB0 at 62"),
        (b"\x1f\x8b\x08\0\0\0".to_vec(), "gzip"),
        (b"\xa2\x65value\x18\x19".to_vec(), "begins with the bytes a2 65"),
        (25.5_f32.to_le_bytes().to_vec(), "binary"),
        ([b"\0", text.as_bytes()].concat(), "NUL bytes stand before"),
        (
            [b"\xef\xbb\xbf".repeat(2), text.clone().into_bytes()].concat(),
            "U+FEFF",
        ),
        (format!("\u{200b}{text}").into_bytes(), "U+200B"),
    ] {
        let refusal = decode_reading(Quantity::Temperature, device(), &payload).unwrap_err();
        assert_eq!(refusal.reason, R::NotJson, "{refusal}");
        assert!(refusal.detail.contains(words), "{words}: {refusal}");
    }
}

#[test]
fn an_explanation_is_short_whatever_is_sent() {
    let long = "x".repeat(60_000);
    let many: Vec<String> = (0..6_000).map(|n| format!("\"k{n}\":1,")).collect();
    for payload in [
        long.clone(),
        format!("{{\"{long}\": NaN}}"),
        format!(r#"{{"value": "{long}", "timestamp": 0}}"#),
        format!(r#"{{"value": 1, "timestamp": "{long}"}}"#),
        format!(r#"{{"value": 1, "timestamp": 0, "unit": "{long}"}}"#),
        format!(r#"{{"{long}": {{"value": 1}}}}"#),
        format!(r#"{{"value": 1, "timestamp": 0, "device_id": "{long}"}}"#),
        format!("{{{} \"z\": 1}}", many.join("")),
    ] {
        let refusal = reading(&payload).unwrap_err();
        assert!(refusal.detail.len() < 512, "{} bytes", refusal.detail.len());
    }
}

proptest! {
    #[test]
    fn a_cut_message_ends_too_early(cut in 1_usize..50) {
        let whole = with("");
        let refusal = reading(&whole[..cut.min(whole.len() - 1)]).unwrap_err();
        prop_assert_eq!(refusal.reason, R::NotJson);
        prop_assert!(refusal.detail.contains("before it is complete"), "{}", refusal);
    }
}
