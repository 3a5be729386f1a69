//! The ML service: request → features → prediction → control.
//!
//! In: inference requests over MQTT, a model file. Out: window commands over MQTT, counters. It stores nothing but, on
//! request, recordings; it never waits for a database, and a newer request of a device replaces an older one.

mod budget;
mod desk;
mod metrics;
mod models;
mod options;
mod service;
mod shadow;
mod worker;

pub use metrics::Metrics;
pub use models::{ModelSlot, load};
pub use options::{MlError, MlOptions};
pub use service::{Answer, FeatureSource, Service};
pub use worker::Ml;
