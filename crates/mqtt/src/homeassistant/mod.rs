//! What Home Assistant is told by MQTT discovery: a device for each room, with its entities.
//!
//! In: a room as it is known, the installation's topics. Out: topics and payloads, and what a topic of ours was about. Pure:
//! nothing here connects. Names of keys are those of Home Assistant's documentation of MQTT discovery.

mod discovery;
mod entity;
mod service;
mod state;
mod wish;

pub use discovery::{Discovery, Form, Found, InvalidPrefix, Room, UnknownForm, is_birth};
pub use entity::Entity;
pub use service::ServiceTopic;
pub(crate) use service::about;
pub use state::{Decision, Override, RoomState, SoundState, TelemetryState, WindowState, encode_room_state};
pub use wish::{WISH_FILTER, Wish, hold_for, wish_of_topic, wish_topic};

/// Where Casement says whether it is there itself: birth and last will, retained.
pub const STATUS_TOPIC: &str = "casement/status";
