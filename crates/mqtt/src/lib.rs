//! The interface to MQTT brokers: topics, JSON payloads, a connection with its acknowledgements.
//!
//! In: bytes from a broker, domain types from services. Out: domain types or refusals, and bytes for a broker. It knows
//! no service and no database, never waits for a consumer, and never acknowledges a message that was not accepted.

mod connection;
mod nearby;
mod pattern;
mod payload;
mod topics;

pub use connection::{
    AckToken, BrokerUrl, ConnectionOptions, ConnectionStats, Delivery, Event, Incoming, InvalidBrokerUrl,
    Message, Pipe, Protocol, PublishError, Publisher, Qos, Subscription, UnknownProtocol, connect,
    random_client_id,
};
pub use pattern::{InvalidPattern, TopicPattern, is_topic_filter};
pub use payload::{
    DeviceStatus, ReceivedClip, decode_audio_data, decode_clip, decode_control, decode_held, decode_reading,
    decode_request, decode_shadow, decode_state, decode_status, encode_audio_data, encode_clip,
    encode_control, encode_held, encode_reading, encode_request, encode_shadow, encode_state, encode_status,
};
pub use secrecy::SecretString;
pub use topics::{Inbound, TopicKind, TopicPatterns, Topics};
