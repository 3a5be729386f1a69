//! JSON payloads, one file for each kind of message.
//!
//! In: a payload and the device that its topic names. Out: domain types, or a refusal that names the wrong field; and
//! the reverse. Unknown fields are ignored, slips with one meaning
//! forgiven. Nothing here panics, whatever the bytes.

mod base64;
mod clip;
mod control;
mod explain;
mod field;
mod held;
mod hints;
mod number;
mod object;
mod reading;
mod repair;
mod request;
mod shadow;
mod state;
mod status;
mod syntax;
mod time;

pub use base64::{decode_audio_data, encode_audio_data};
pub use clip::{ReceivedClip, decode_clip, encode_clip};
pub use control::{decode_control, encode_control};
pub use held::{decode_held, encode_held};
pub use reading::{decode_reading, encode_reading};
pub use request::{decode_request, encode_request};
pub use shadow::{decode_shadow, encode_shadow};
pub use state::{decode_state, encode_state};
pub use status::{DeviceStatus, decode_status, encode_status};
