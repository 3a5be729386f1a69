//! The interface to MQTT brokers: topics, JSON payloads, a connection with its acknowledgements.
//!
//! In: bytes from a broker, domain types from services. Out: domain types or refusals, and bytes for a broker. It knows
//! no service and no database, never waits for a consumer, and never acknowledges a message that was not accepted.

mod asyncapi;
mod connection;
pub mod homeassistant;
mod kind;
mod nearby;
mod pattern;
mod payload;
mod schema;
mod topics;

pub use asyncapi::{Server, asyncapi};
pub use connection::{
    AckToken, BrokerUrl, ConnectionOptions, ConnectionStats, Delivery, Event, Incoming, InvalidBrokerUrl,
    Message, Pipe, Protocol, PublishError, Publisher, Qos, Subscription, UnknownProtocol, connect,
    random_client_id,
};
pub use kind::TopicKind;
pub use pattern::{InvalidPattern, TopicPattern, is_topic_filter};
pub use payload::{
    Allowance, Dated, DeviceStatus, OverrideNotice, ReceivedClip, decode_alarm, decode_audio_data,
    decode_clip, decode_clip_or, decode_config, decode_config_ack, decode_control, decode_held,
    decode_reading, decode_reading_or, decode_request, decode_set, decode_shadow, decode_state,
    decode_state_or, decode_status, decode_telemetry, decode_time_request, encode_alarm, encode_audio_data,
    encode_clip, encode_config, encode_config_ack, encode_control, encode_held, encode_override,
    encode_reading, encode_request, encode_set, encode_shadow, encode_state, encode_status, encode_telemetry,
    encode_time, forgiven,
};
pub use schema::{Example, payload_examples, payload_schema};
pub use secrecy::SecretString;
pub use topics::{Inbound, TopicPatterns, Topics};
