//! JSON payloads, one file for each kind of message.
//!
//! In: a payload and the device that its topic names. Out: domain types, or a refusal that names the wrong field; and
//! the reverse. Unknown fields are ignored, slips with one meaning
//! forgiven. Nothing here panics, whatever the bytes.

mod alarm;
mod base64;
mod clip;
mod config;
mod control;
mod explain;
mod field;
mod forgiven;
mod held;
mod hints;
mod number;
mod object;
mod reading;
mod repair;
mod request;
mod set;
mod shadow;
mod state;
mod status;
mod syntax;
mod telemetry;
mod time;
mod time_of_day;

pub use alarm::{decode_alarm, encode_alarm};
pub use base64::{decode_audio_data, encode_audio_data};
pub use clip::{ReceivedClip, decode_clip, decode_clip_or, encode_clip};
pub use config::{decode_config, decode_config_ack, encode_config, encode_config_ack};
pub use control::{decode_control, encode_control};
pub use field::Dated;
pub use forgiven::forgiven;
pub use held::{decode_held, encode_held};
pub use reading::{Allowance, decode_reading, decode_reading_or, encode_reading};
pub use request::{decode_request, encode_request};
pub use set::{OverrideNotice, decode_set, encode_override, encode_set};
pub use shadow::{decode_shadow, encode_shadow};
pub use state::{decode_state, decode_state_or, encode_state};
pub use status::{DeviceStatus, decode_status, encode_status};
pub use telemetry::{decode_telemetry, encode_telemetry};
pub use time_of_day::{decode_time_request, encode_time};

pub(crate) use field::{Field, Kind};

use crate::TopicKind;

/// The fields that the decoder of a kind knows; none where nothing of ours decodes it, or it is no object.
pub(crate) const fn fields(kind: TopicKind) -> &'static [Field] {
    match kind {
        TopicKind::Reading(_) => reading::FIELDS,
        TopicKind::Audio => clip::FIELDS,
        TopicKind::InferenceRequest => request::FIELDS,
        TopicKind::WindowControl => control::FIELDS,
        TopicKind::WindowState => state::FIELDS,
        TopicKind::Telemetry => telemetry::FIELDS,
        TopicKind::ConfigAck => config::FIELDS,
        TopicKind::Alarm
        | TopicKind::DeviceStatus
        | TopicKind::WindowSet
        | TopicKind::WindowOverride
        | TopicKind::DeviceConfig
        | TopicKind::DeviceTime
        | TopicKind::TimeRequest
        | TopicKind::RoomState => &[],
        TopicKind::ShadowPrediction => shadow::FIELDS,
        TopicKind::Prediction => held::FIELDS,
    }
}
