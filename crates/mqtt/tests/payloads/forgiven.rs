//! Payloads that are almost right and can mean one thing only.

use domain::{ClipLimits, DeviceId, Quantity};
use mqtt::{DeviceStatus, decode_clip, decode_control, decode_reading, decode_state, decode_status};
use proptest::prelude::*;

use crate::{NOON, device, reading, with};

/// Spellings of one reading.
fn spellings() -> Vec<Vec<u8>> {
    let whole = with("");
    let mut spellings: Vec<Vec<u8>> = [
        r#"{"value": "25.5", "timestamp": "2025-10-24T12:00:00Z"}"#,
        r#"{"value": "25,5", "timestamp": "2025-10-24T12:00:00Z"}"#,
        r#"{"Value": 25.5, "Timestamp": "2025-10-24T12:00:00Z"}"#,
        r#"{"VALUE": "25.5", "TIMESTAMP": "2025-10-24T12:00:00Z", "DEVICE_ID": "sensor-001"}"#,
        r#"{"value": 25.5, "timestamp": 1761307200}"#,
        r#"{"value": 25.5, "timestamp": 1761307200000}"#,
        r#"{"value": 25.5, "timestamp": 1761307200.0}"#,
        r#"{"value": 25.5, "timestamp": "1761307200"}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24 12:00:00 UTC"}"#,
        r#"{"value": 77.9, "timestamp": "2025-10-24T12:00:00Z", "unit": "F"}"#,
        r#"{"value": 77.9, "timestamp": "2025-10-24T12:00:00Z", "Unit": "°F"}"#,
        r#"{"value": 77.9, "timestamp": "2025-10-24T12:00:00Z", "uNiT": "Fahrenheit"}"#,
        r#"{"value": 77.9, "timestamp": "2025-10-24T12:00:00Z", "units": "degF"}"#,
        r#"{"value": 77.9, "timestamp": "2025-10-24T12:00:00Z", "unit_of_measurement": "°F"}"#,
        r#"{"value": 298.65, "timestamp": "2025-10-24T12:00:00Z", "unit": "K"}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z", "unit": "\u00b0C"}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z", "unit": ""}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z", "unit": null}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z", "unit_id": 7}"#,
        r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z", "battery": 1, "battery": 2}"#,
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    spellings.push([whole.as_bytes(), b"\0"].concat());
    spellings.push([whole.as_bytes(), &[0; 40]].concat());
    spellings.push([whole.as_bytes(), b"\0\x12\xa5\x3f"].concat());
    spellings.push([b"\xef\xbb\xbf", whole.as_bytes(), b"\r\n\0"].concat());
    spellings
}

#[test]
fn every_spelling_of_a_reading_is_that_reading() {
    for payload in spellings() {
        let shown = String::from_utf8_lossy(&payload).into_owned();
        let reading = decode_reading(Quantity::Temperature, device(), &payload)
            .unwrap_or_else(|refusal| panic!("{shown}: {refusal}"));
        assert_eq!((reading.value(), reading.timestamp()), (25.5, NOON), "{shown}");
    }
}

#[test]
fn the_exact_key_wins_over_another_spelling() {
    let payload = r#"{"value": "25.5", "Value": 3, "timestamp": "2025-10-24T12:00:00Z"}"#;
    assert_eq!(reading(payload).unwrap().value().to_bits(), 25.5_f64.to_bits());
}

#[test]
fn a_humidity_above_100_is_clamped_and_says_so() {
    let humidity = |value: &str| {
        let payload = format!(r#"{{"value": {value}, "timestamp": "2025-10-24T12:00:00Z"}}"#);
        decode_reading(Quantity::Humidity, device(), payload.as_bytes()).unwrap()
    };
    let clamped = humidity("104.5");
    assert_eq!((clamped.value(), clamped.is_clamped()), (100.0, true));
    assert!(!humidity("100").is_clamped());
}

#[test]
fn a_mac_address_in_the_payload_is_the_topics_id() {
    let id = DeviceId::parse("aabbccddee01").unwrap();
    for claimed in ["aa:bb:cc:dd:ee:01", "AA-BB-CC-DD-EE-01", "AABBCCDDEE01"] {
        let payload = with(&format!(r#", "device_id": "{claimed}""#));
        let reading = decode_reading(Quantity::Temperature, id.clone(), payload.as_bytes());
        assert_eq!(reading.unwrap().device_id(), &id);
    }
}

#[test]
fn every_kind_of_message_is_forgiven_the_same() {
    let state = decode_state(device(), b"{\"Position\": \"40,5\", \"timestamp\": 1761307200}\0").unwrap();
    assert_eq!((state.position.percent(), state.timestamp), (40.5, NOON));
    let control = br#"{"Timestamp": "2025-10-24T12:00:00Z", "position": "50", "confidence": 0.5,
        "features_used": {"Temperature": "20,5", "humidity": 50}, "expires_at": 1761307260}"#;
    let action = decode_control(device(), control).unwrap();
    assert_eq!((action.position.percent(), action.temperature), (50.0, 20.5));
    assert_eq!(action.expires_at.map(|at| at.millis_since(NOON)), Some(60_000));
    let clip = br#"{"Data": "YWJj", "sample_rate": "16000", "duration": "1,5", "timestamp": 1761307200}"#;
    let received = decode_clip(device(), clip, &ClipLimits::default()).unwrap();
    assert_eq!(
        (received.clip.sample_rate, received.clip.duration_s),
        (16_000, 1.5)
    );
    for online in [
        &b"online\0"[..],
        b"\xef\xbb\xbfonline\n",
        b"{\"status\": \"Online\"}\0\0",
    ] {
        assert_eq!(decode_status(online), Ok(DeviceStatus::Online));
    }
}

proptest! {
    #[test]
    fn forgiving_never_changes_a_right_reading(value in -60.0_f64..=100.0, junk in prop::collection::vec(any::<u8>(), 0..20)) {
        let right = format!(r#"{{"value": {value}, "timestamp": "2025-10-24T12:00:00Z"}}"#);
        let read = reading(&right).unwrap();
        for text in [format!("\u{feff}{right}"), right.replace("value", "VALUE"), right.replace(&value.to_string(), &format!("\"{value}\""))] {
            let payload = [text.as_bytes(), b"\0", &junk].concat();
            prop_assert_eq!(&decode_reading(Quantity::Temperature, device(), &payload).unwrap(), &read);
        }
    }

    #[test]
    fn no_damaged_spelling_panics(
        spelling in prop::sample::select(spellings()), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut payload = spelling;
        let place = place.index(payload.len());
        payload[place] = byte;
        for quantity in Quantity::ALL {
            if let Ok(reading) = decode_reading(quantity, device(), &payload) {
                prop_assert!(reading.value().is_finite());
            }
        }
    }
}
