//! The ML service: request → features → prediction → control.
//!
//! In: inference requests over MQTT, a model file. Out: window commands over MQTT, counters. It stores nothing but, on
//! request, recordings; it never waits for a database, and a newer request of a device replaces an older one.

mod answer;
mod budget;
mod decider;
mod floor;
mod held;
mod law;
mod metrics;
mod models;
mod options;
mod queue;
mod reason;
mod shadow;
mod vitals;
mod worker;

pub use answer::{Answer, FeatureSource};
pub use decider::Decider;
pub use models::{ModelSlot, load};
pub use options::{MlError, MlOptions};
pub use worker::Ml;
