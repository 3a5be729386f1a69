//! Payloads that are right in an unusual way.

use domain::AudioFormat;
use mqtt::decode_request;

use crate::{NOON, clip, clip_payload, device, reading};

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

#[test]
fn clips_of_unusual_spelling_are_forwarded_as_standard_base64() {
    let whole = r#", "sample_rate": 16000.0, "duration": 2"#;
    for (data, format) in [
        ("-__-AQ", ""),
        (r"+\/\/+AQ==", ""),
        ("+//+\\r\\nAQ==", r#", "format": "pcm""#),
        ("data:audio/wav;base64,+//+AQ==", ""),
        (r"+//+AQ==\u0000", ""),
    ] {
        let received = clip(&clip_payload(data, &format!("{whole}{format}"))).unwrap();
        assert_eq!(received.clip.data, [0xfb, 0xff, 0xfe, 0x01]);
        assert_eq!(&*received.data_base64, "+//+AQ==");
        assert_eq!(received.clip.format == AudioFormat::Pcm, !format.is_empty());
    }
}

#[test]
fn formats_have_names_and_media_types_in_any_case() {
    for (name, format) in [
        ("WAV", AudioFormat::Wav),
        ("audio/wav", AudioFormat::Wav),
        ("audio/vnd.wave;codec=1", AudioFormat::Wav),
        ("audio/x-wav", AudioFormat::Wav),
        ("", AudioFormat::Wav),
        ("Flac", AudioFormat::Flac),
        ("audio/flac", AudioFormat::Flac),
        ("PCM", AudioFormat::Pcm),
        ("pcm_s16le", AudioFormat::Pcm),
    ] {
        let rest = format!(r#", "sample_rate": 16000, "duration": 2, "format": "{name}""#);
        assert_eq!(
            clip(&clip_payload("YWJj", &rest)).unwrap().clip.format,
            format,
            "{name}"
        );
    }
}

#[test]
fn text_that_must_be_escaped_is_forwarded_as_it_is() {
    let audio = r#""audio_data": "a\"b\\c\n", "audio_metadata": {"sample_rate": 16000, "duration": 1}"#;
    let payload =
        format!(r#"{{"timestamp": "2025-10-24T12:00:00Z", "temperature": 20, "humidity": 50, {audio}}}"#);
    let request = decode_request(device(), payload.as_bytes()).unwrap();
    assert_eq!(&*request.audio.as_ref().unwrap().data_base64, "a\"b\\c\n");
    assert_eq!(
        decode_request(device(), &mqtt::encode_request(&request)).unwrap(),
        request
    );
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
