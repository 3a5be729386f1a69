//! The specification's example payloads, verbatim, and what is refused about anything else.

mod arbitrary;
mod devices;
mod explained;
mod forgiven;
mod refusals;
mod round_trips;
mod specified;
mod unusual;

use domain::{ClipLimits, DeviceId, Quantity, Reading, Refusal, Timestamp};
use mqtt::{decode_clip, decode_reading};

const NOON: Timestamp = Timestamp::from_millis(1_761_307_200_000);
const TONE: &[u8] = include_bytes!("tone.wav");

fn device() -> DeviceId {
    DeviceId::parse("sensor-001").expect("a valid id")
}

fn reading(payload: &str) -> Result<Reading, Refusal> {
    decode_reading(Quantity::Temperature, device(), payload.as_bytes())
}

/// A reading of 25.5 °C at noon, with `extra` behind.
fn with(extra: &str) -> String {
    format!(r#"{{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"{extra}}}"#)
}

fn clip(payload: &str) -> Result<mqtt::ReceivedClip, Refusal> {
    decode_clip(device(), payload.as_bytes(), &ClipLimits::default())
}

fn clip_payload(data: &str, rest: &str) -> String {
    format!(r#"{{"data": "{data}", "timestamp": "2025-10-24T12:00:00Z"{rest}}}"#)
}
