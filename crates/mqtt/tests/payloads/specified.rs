//! The specification's example payloads.

use domain::{AudioFormat, Clip, Quantity, Reading, RefusalReason};
use mqtt::{
    decode_audio_data, decode_control, decode_reading, decode_request, encode_audio_data, encode_clip,
    encode_control, encode_reading,
};

use crate::{NOON, TONE, clip, device, reading};

#[test]
fn the_specified_readings_are_read() {
    let temperature = reading(include_str!("temperature.json")).unwrap();
    assert_eq!((temperature.value(), temperature.timestamp()), (25.5, NOON));
    let humidity = include_bytes!("humidity.json");
    let humidity = decode_reading(Quantity::Humidity, device(), humidity).unwrap();
    assert_eq!(
        (humidity.value(), humidity.quantity()),
        (60.0, Quantity::Humidity)
    );
}

#[test]
fn the_specified_clip_is_a_placeholder_and_its_twin_a_clip() {
    let refusal = clip(include_str!("audio.json")).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::BadBase64);
    let received = clip(include_str!("audio_with_wav.json")).unwrap();
    assert_eq!(received.clip.data, TONE);
    assert_eq!(
        (received.clip.sample_rate, received.clip.duration_s),
        (16_000, 0.005)
    );
    assert_eq!(
        (received.clip.format, received.clip.timestamp),
        (AudioFormat::Wav, NOON)
    );
    assert_eq!(*received.data_base64, *encode_audio_data(TONE));
}

#[test]
fn the_specified_request_is_read_and_its_placeholder_refused_when_needed() {
    let request = decode_request(device(), include_bytes!("inference_request.json")).unwrap();
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

    let twin = include_bytes!("inference_request_with_wav.json");
    let audio = decode_request(device(), twin).unwrap().audio.unwrap();
    assert_eq!(decode_audio_data(&audio.data_base64, 1 << 20).unwrap(), TONE);
}

#[test]
fn the_specified_control_is_read_and_written() {
    let specified = include_bytes!("window_control.json");
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
