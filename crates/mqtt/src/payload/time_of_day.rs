//! `device/{device_id}/time`: `{"time": "2025-10-24T12:00:00.000Z", "unix_ms": 1761307200000}`, from the backend; a device
//! asks for it by anything on `device/{device_id}/time/get`, an empty message, too.

use domain::{Refusal, Timestamp};
use serde::Serialize;

use super::field;

#[derive(Serialize)]
struct Outbound {
    time: String,
    unix_ms: i64,
}

/// Encodes the time as a device hears it, with the three digits of milliseconds in every case.
pub fn encode_time(now: Timestamp) -> Vec<u8> {
    let text = now.to_string();
    let (seconds, fraction) = text
        .strip_suffix('Z')
        .unwrap_or(&text)
        .split_once('.')
        .unwrap_or((text.trim_end_matches('Z'), ""));
    field::write(&Outbound {
        time: format!("{seconds}.{fraction:0<3}Z"),
        unix_ms: now.as_millis(),
    })
}

/// Reads a question for the time: whatever it says, it asks.
pub fn decode_time_request(payload: &[u8]) -> Result<(), Refusal> {
    field::check_length(payload)
}
