//! Virtual ESP32s in physical rooms: real MQTT clients whose windows really cool, dry and let noise in.
//!
//! In: options and a shutdown token, or nothing but a seed. Out: messages as devices send them, or the same world
//! without any IO ([`Simulation`]), labelled by a comfort policy ([`dataset`]). Everything is drawn from the seed; it
//! never talks to anything but a broker.

mod air;
mod caretaking;
mod clock;
pub mod dataset;
pub mod delivery_log;
mod device;
mod error;
pub mod history;
pub mod load;
mod mishaps;
mod noise;
mod options;
pub mod policy;
mod profile;
mod recording;
mod room;
mod sensor;
mod service;
mod simulation;
pub mod sound;
mod summary;
mod uplink;
mod weather;
mod window;

pub use delivery_log::DeliveryLog;
pub use error::SimulationError;
pub use mishaps::Mishaps;
pub use options::SimulationOptions;
pub use profile::{Activity, Profile, RoomKind};
pub use room::{Flows, Room};
pub use sensor::Sensors;
pub use service::run;
pub use simulation::{Observation, Simulation, Take, VirtualRoom, default_start};
pub use summary::{Commands, Counts, Summary};
pub use weather::{Outdoor, SimulatedTime, Weather};
pub use window::{CommandOutcome, Window};
