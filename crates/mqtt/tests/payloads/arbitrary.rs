//! Arbitrary and damaged bytes never panic.

use domain::{ClipLimits, Quantity, RefusalReason};
use mqtt::{
    Allowance, decode_clip, decode_config_ack, decode_control, decode_reading, decode_reading_or,
    decode_request, decode_state, decode_status, decode_telemetry,
};
use proptest::prelude::*;

use crate::{NOON, device, reading};

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

fn decode_all(bytes: &[u8]) {
    let _ = decode_reading(Quantity::Humidity, device(), bytes);
    let _ = decode_clip(device(), bytes, &ClipLimits::default());
    let _ = decode_request(device(), bytes);
    let _ = decode_control(device(), bytes);
    let _ = decode_state(device(), bytes);
    let _ = decode_status(bytes);
    let _ = decode_reading_or(
        Quantity::Humidity,
        device(),
        bytes,
        Allowance {
            otherwise: Some(NOON),
            offset: 0.5,
        },
    );
    let _ = decode_config_ack(device(), bytes);
    let _ = decode_telemetry(device(), bytes);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_damaged_message_panics(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for whole in [
            &include_bytes!("temperature.json")[..],
            include_bytes!("audio_with_wav.json"),
            include_bytes!("inference_request_with_wav.json"),
            include_bytes!("window_control.json"),
            br#"{"version": 7, "status": "refused", "reason": "no motor"}"#,
            br#"{"battery_v": 3.9, "rssi_dbm": -67, "firmware": "1.4.2", "timestamp": "2025-10-24T12:00:00Z"}"#,
        ] {
            let mut damaged = whole.to_vec();
            damaged[place.index(whole.len())] = byte;
            decode_all(&damaged);
            decode_all(&whole[..cut.index(whole.len())]);
        }
    }
}
