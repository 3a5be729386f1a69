//! The configuration: read once, here, and handed to the services as plain options.
//!
//! In: defaults, a YAML file, `CASEMENT__SECTION__KEY` variables and flags, each over the one before. Out: a checked
//! [`Config`] or one error that names the key. Nothing else in Casement reads a file or a variable for settings.

mod layers;
mod schema;

pub use layers::{ConfigError, Sources};
pub use schema::{
    Audio, Broker, ChangeDetection, ClickHouse, Config, Engine, EngineLimits, Http, JournalSection, Model,
    Mqtt, Secret,
};

#[cfg(test)]
mod tests;
