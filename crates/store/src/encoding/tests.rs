use proptest::prelude::*;

use super::*;

#[test]
fn old_encodings_keep_decoding() {
    // Never change these lines: existing journals contain them.
    let reading = b"\x01{\"temperature\":{\"timestamp\":1761307200000,\"device_id\":\"sensor-001\",\"value\":25.5,\"received_at\":1761307200123}}";
    let expected = ReadingRow {
        timestamp: 1_761_307_200_000,
        device_id: "sensor-001".to_owned(),
        value: 25.5,
        received_at: 1_761_307_200_123,
        offset: 0.0,
    };
    let expected = Row::Reading(Quantity::Temperature, expected);
    assert_eq!(Row::decode(reading).unwrap(), expected);
    assert_eq!(expected.encode(), reading, "nothing is written that says nothing");
    let specification_only = br#"{"window_action":{"timestamp":1,"device_id":"a","position":75.5,"confidence":0.92,"temperature":25.5,"humidity":null,"audio_hash":"","received_at":2}}"#;
    let Row::WindowAction(action) = Row::decode(&[&[1], &specification_only[..]].concat()).unwrap() else {
        panic!("another kind of row");
    };
    assert!(action.humidity.is_nan() && action.command_id.is_empty());
    let audio = br#"{"audio":{"timestamp":1,"device_id":"a","sample_rate":16000,"duration":2.0,"format":"wav","audio_hash":"h","features":"{}","received_at":2}}"#;
    let Row::Audio(clip) = Row::decode(&[&[1], &audio[..]].concat()).unwrap() else {
        panic!("another kind of row");
    };
    assert!(clip.spectral_bandwidth.is_nan() && clip.spectral_flatness.is_nan() && clip.mel_db.is_empty());
}

#[test]
fn other_versions_and_nothing_are_refused() {
    assert!(matches!(
        Row::decode(b""),
        Err(DecodeError::Version { version: None })
    ));
    assert!(matches!(
        Row::decode(b"\x07{}"),
        Err(DecodeError::Version { version: Some(7) })
    ));
}

#[test]
fn what_a_newer_program_wrote_is_known_as_such() {
    for (bytes, is_newer) in [
        (&b"\x02anything"[..], true),
        (b"\x01{\"radon\":{\"timestamp\":1}}", true),
        (b"\x01{\"temperature\":{\"timestamp\":1}}", false),
        (b"\xff", false),
    ] {
        assert_eq!(Row::decode(bytes).unwrap_err().is_newer(), is_newer, "{bytes:?}");
    }
}

#[test]
fn nan_survives() {
    let row = WindowStateRow {
        timestamp: 0,
        device_id: String::new(),
        position: f64::NAN,
        received_at: 0,
    };
    let Row::WindowState(row) = Row::decode(&Row::WindowState(row).encode()).unwrap() else {
        panic!()
    };
    assert!(row.position.is_nan());
}

fn reading() -> impl Strategy<Value = ReadingRow> {
    (
        any::<i64>(),
        any::<String>(),
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        any::<i64>(),
        prop_oneof![Just(0.0), -5.0..5.0_f64],
    )
        .prop_map(|(timestamp, device_id, value, received_at, offset)| ReadingRow {
            timestamp,
            device_id,
            value,
            received_at,
            offset,
        })
}

proptest! {
    #[test]
    fn a_row_comes_back_to_the_last_bit(row in reading()) {
        let decoded = Row::decode(&Row::Reading(Quantity::Humidity, row.clone()).encode()).unwrap();
        let Row::Reading(Quantity::Humidity, decoded) = decoded else { panic!("another kind of row") };
        prop_assert_eq!(decoded.value.to_bits(), row.value.to_bits());
        prop_assert_eq!(decoded, row);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Row::decode(&bytes);
        let _ = Row::decode(&[&[JSON_V1], &bytes[..]].concat());
    }
}
