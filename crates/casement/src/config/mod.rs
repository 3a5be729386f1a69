//! The configuration: read once, here, and handed to the services as plain options.
//!
//! In: defaults, a YAML file, `.env` in the working directory, `CASEMENT__SECTION__KEY` variables and flags, each taking
//! precedence over the previous one. Out: a [`Config`], of which the keys that the command uses are checked, or one error that names the key. Nothing
//! else in Casement reads a file or a variable for settings.

mod account;
mod address;
mod backup;
mod bounds;
mod broker_limits;
mod defaults;
mod doors;
mod dotenv;
mod embedded;
mod error;
mod file;
mod home_assistant;
mod http;
mod judge;
mod keys;
mod layers;
mod parts;
mod paths;
mod retention;
mod schema;
mod scope;
mod secret;
mod text;
mod value;
mod windows;
mod words;

pub use backup::{Backup, Every};
pub use broker_limits::BrokerLimits;
pub use doors::{Anonymous, BrokerListener, HttpListener, Registration};
pub use embedded::Embedded;
pub use error::ConfigError;
pub use home_assistant::HomeAssistant;
pub use http::{Http, HttpLimits};
pub use judge::shown;
pub use layers::{Shown, Sources};
pub use paths::parse as path;
pub use retention::Retention;
pub use schema::{
    Accounts, Audio, Backend, Broker, ChangeDetection, ClickHouse, Config, Engine, EngineLimits, Journal, Ml,
    Model, Mqtt, Registry, Tls,
};

pub use scope::Reader;
pub use secret::secret_in;

/// Returns the JSON Schema of the configuration file: keys, types, values, bounds and defaults.
pub fn json_schema() -> serde_json::Value {
    // Editors support an older draft without references best.
    let settings =
        schemars::generate::SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<Config>()
        .to_value()
}

#[cfg(test)]
mod tests;
