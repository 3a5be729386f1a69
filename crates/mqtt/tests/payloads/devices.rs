//! What devices say of themselves, their answers to settings, the time that they are told, and messages without a time.

use domain::{ClipLimits, Quantity, RefusalReason, Settings, SettingsAck, Telemetry, Timestamp};
use mqtt::{
    Allowance, decode_clip_or, decode_config, decode_config_ack, decode_reading_or, decode_state_or,
    decode_telemetry, decode_time_request, encode_config, encode_config_ack, encode_telemetry, encode_time,
};
use serde_json::{Value, json};

use crate::{NOON, device};

#[test]
fn an_answer_to_settings_comes_through() {
    for refused in [None, Some("no motor")] {
        let ack = SettingsAck::new(device(), 7, refused);
        assert_eq!(decode_config_ack(device(), &encode_config_ack(&ack)), Ok(ack));
    }
    let slips = br#"{"Version": "7", "STATUS": "Applied", "more": 1}"#;
    assert_eq!(
        decode_config_ack(device(), slips),
        Ok(SettingsAck::new(device(), 7, None))
    );
    let long = format!(
        r#"{{"version": 1, "status": "refused", "reason": "{}"}}"#,
        "x".repeat(5_000)
    );
    let ack = decode_config_ack(device(), long.as_bytes()).unwrap();
    assert_eq!(ack.refused.unwrap().len(), 200);
    let silent = decode_config_ack(device(), br#"{"version": 1, "status": "refused"}"#).unwrap();
    assert_eq!(silent.refused.as_deref(), Some("the device gives no reason"));
}

#[test]
fn an_answer_that_is_none_is_refused_by_name() {
    for (payload, reason, word) in [
        ("", RefusalReason::NotJson, "empty"),
        ("{}", RefusalReason::MissingField, "'version'"),
        (r#"{"version": 1}"#, RefusalReason::MissingField, "'status'"),
        (
            r#"{"version": 1, "status": "done"}"#,
            RefusalReason::OutOfRange,
            "applied or refused",
        ),
        (
            r#"{"version": -1, "status": "applied"}"#,
            RefusalReason::OutOfRange,
            "'version'",
        ),
        (
            r#"{"version": 1.5, "status": "applied"}"#,
            RefusalReason::OutOfRange,
            "'version'",
        ),
        (
            r#"{"version": 1e300, "status": "applied"}"#,
            RefusalReason::OutOfRange,
            "'version'",
        ),
        (
            r#"{"version": 1, "status": "applied", "device_id": "other"}"#,
            RefusalReason::DeviceMismatch,
            "other",
        ),
    ] {
        let refusal = decode_config_ack(device(), payload.as_bytes()).unwrap_err();
        assert_eq!(refusal.reason, reason, "{payload}");
        assert!(refusal.detail.contains(word), "{refusal}");
    }
}

#[test]
fn telemetry_comes_through_and_each_part_is_optional() {
    let whole = Telemetry {
        battery_v: Some(3.9),
        battery_percent: Some(81.0),
        rssi_dbm: Some(-67.0),
        free_heap_bytes: Some(180_000.0),
        uptime_s: Some(3_600.5),
        firmware: Some("1.4.2".into()),
        ..Telemetry::of(device(), Some(Timestamp::from_millis(1_761_307_200_000)))
    };
    assert_eq!(
        decode_telemetry(device(), &encode_telemetry(&whole)),
        Ok(whole.clone())
    );
    let part = decode_telemetry(device(), br#"{"RSSI_dBm": "-67", "timestamp": ""}"#).unwrap();
    assert_eq!(
        part,
        Telemetry {
            rssi_dbm: Some(-67.0),
            ..Telemetry::of(device(), None)
        }
    );
    let long = format!(r#"{{"firmware": " {}\u0007"}}"#, "x".repeat(5_000));
    let cut = decode_telemetry(device(), long.as_bytes()).unwrap();
    assert_eq!(cut.firmware.unwrap().len(), 64);
}

#[test]
fn telemetry_that_says_nothing_or_the_impossible_is_refused() {
    for (payload, reason, word) in [
        ("{}", RefusalReason::MissingField, "battery_v"),
        (r#"{"firmware": "  "}"#, RefusalReason::MissingField, "firmware"),
        (
            r#"{"timestamp": "2025-10-24T12:00:00Z"}"#,
            RefusalReason::MissingField,
            "nothing",
        ),
        (
            r#"{"battery_percent": 101}"#,
            RefusalReason::OutOfRange,
            "0 to 100",
        ),
        (r#"{"battery_v": "nan"}"#, RefusalReason::NotFinite, "'battery_v'"),
        (r#"{"uptime_s": -1}"#, RefusalReason::OutOfRange, "'uptime_s'"),
        (r#"{"rssi_dbm": true}"#, RefusalReason::WrongType, "'rssi_dbm'"),
        (
            r#"{"rssi_dbm": -60, "timestamp": "soon"}"#,
            RefusalReason::BadTimestamp,
            "soon",
        ),
    ] {
        let refusal = decode_telemetry(device(), payload.as_bytes()).unwrap_err();
        assert_eq!(refusal.reason, reason, "{payload}: {refusal}");
        assert!(refusal.detail.contains(word), "{payload}: {refusal}");
    }
}

#[test]
fn settings_and_time_are_what_the_documentation_says() {
    let settings: Settings = serde_json::from_value(json!({"report_interval_s": 30.0})).unwrap();
    let config: Value = serde_json::from_slice(&encode_config(7, &settings)).unwrap();
    assert_eq!(
        config,
        json!({"version": 7, "settings": {"report_interval_s": 30.0}})
    );
    assert_eq!(decode_config(&encode_config(7, &settings)), Ok((7, settings)));
    assert!(decode_config(b"").is_err() && decode_config(b"{}").is_err());
    for (millis, text) in [
        (1_761_307_200_000, "2025-10-24T12:00:00.000Z"),
        (1_761_307_200_050, "2025-10-24T12:00:00.050Z"),
        (1_761_307_200_100, "2025-10-24T12:00:00.100Z"),
    ] {
        let told: Value = serde_json::from_slice(&encode_time(Timestamp::from_millis(millis))).unwrap();
        assert_eq!(told, json!({"time": text, "unix_ms": millis}));
        assert_eq!(Timestamp::parse(text), Ok(Timestamp::from_millis(millis)));
    }
    for question in ["", "{}", "now?"] {
        assert_eq!(decode_time_request(question.as_bytes()), Ok(()));
    }
    assert!(decode_time_request(&vec![b' '; 100_000]).is_err());
}

#[test]
fn a_message_may_state_no_time_where_there_is_another_for_it() {
    let received = Timestamp::from_millis(NOON.as_millis() + 5_000);
    let reading = |payload: &str, otherwise| {
        decode_reading_or(
            Quantity::Temperature,
            device(),
            payload.as_bytes(),
            Allowance {
                otherwise,
                offset: 0.0,
            },
        )
        .map(|dated| (dated.message.timestamp(), dated.is_stated))
    };
    for undated in [
        r#"{"value": 20}"#,
        r#"{"VALUE": "20"}"#,
        r#"{"value": 20, "timestamp": null}"#,
        r#"{"value": 20, "timestamp": " "}"#,
    ] {
        assert_eq!(
            reading(undated, Some(received)),
            Ok((received, false)),
            "{undated}"
        );
        assert!(reading(undated, None).is_err(), "{undated}");
    }
    for stated in [
        r#"{"value": 20, "timestamp": "2025-10-24T12:00:00Z"}"#,
        r#"{"value": 20, "Timestamp": 1761307200}"#,
    ] {
        assert_eq!(reading(stated, Some(received)), Ok((NOON, true)), "{stated}");
    }
    let wrong = reading(r#"{"value": 20, "timestamp": "noon"}"#, Some(received));
    assert_eq!(wrong.unwrap_err().reason, RefusalReason::BadTimestamp);
    let state = decode_state_or(device(), br#"{"position": 40}"#, Some(received)).unwrap();
    assert_eq!((state.message.timestamp, state.is_stated), (received, false));
    let clip = br#"{"data": "AAAA", "sample_rate": 16000, "duration": 1}"#;
    let heard = decode_clip_or(device(), clip, &ClipLimits::default(), Some(received)).unwrap();
    assert_eq!((heard.message.clip.timestamp, heard.is_stated), (received, false));
    assert!(decode_clip_or(device(), clip, &ClipLimits::default(), None).is_err());
}
