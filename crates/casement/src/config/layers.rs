//! The layers of the configuration: defaults, file, variables, flags. Errors name the key and the nearest known one.
//!
//! All layers are JSON values of the same shape, that of the defaults. A key outside that shape is an error.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    Config, ConfigError, bounds, json_schema,
    keys::{self, lookup},
    secret,
};

const ENV_PREFIX: &str = "CASEMENT__";
const NATIVE_PORTS: [&str; 2] = ["9000", "9440"];
/// Keys that are not allowed in a file.
pub(super) const SECRETS: [&str; 4] = [
    "clickhouse.password",
    "engine.password",
    "engine.reader_password",
    "mqtt.password",
];

/// The layers above the defaults, lowest first.
#[derive(Debug, Default)]
pub struct Sources {
    /// A YAML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not start with `CASEMENT__` are ignored.
    pub env: Vec<(String, String)>,
    /// `section.key` and value, from flags.
    pub flags: Vec<(&'static str, Value)>,
}

impl Sources {
    /// Returns the layers of this process: its variables and `file`.
    pub fn process(file: Option<PathBuf>) -> Self {
        // Variables whose names are not UTF-8 are not ours. A value of ours that is not UTF-8 is refused when it is read.
        let env = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self {
            file,
            env: env.collect(),
            flags: Vec::new(),
        }
    }

    /// Adds a flag, if it was set.
    #[must_use]
    pub fn flag(mut self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.flags.extend(value.map(|value| (key, value.into())));
        self
    }

    /// Reads, merges and checks all layers.
    pub fn load(self) -> Result<Config, ConfigError> {
        let known = serde_json::to_value(Config::default()).expect("the defaults are plain data");
        let mut merged = known.clone();
        if let Some(path) = &self.file {
            let layer = read_file(path)?;
            let origin = path.display().to_string();
            keys::check(&layer, &known, &origin)?;
            refuse_secrets(&layer, &origin)?;
            merge(&mut merged, layer);
        }
        for (name, text) in self.env {
            let Some(path) = name.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            let key = path.to_ascii_lowercase().replace("__", ".");
            if text.contains(char::REPLACEMENT_CHARACTER) {
                return Err(ConfigError::Value {
                    key,
                    reason: format!("the value of {name} is not UTF-8 text"),
                });
            }
            let layer = nest(&key, scalar(&text, lookup(&known, &key)));
            keys::check(&layer, &known, &name)?;
            merge(&mut merged, layer);
        }
        for (key, value) in self.flags {
            merge(&mut merged, nest(key, value));
        }
        bounds::check(&json_schema(), &merged, "")?;
        let config: Config =
            serde_path_to_error::deserialize(merged).map_err(|error| ConfigError::Value {
                key: error.path().to_string(),
                reason: error.into_inner().to_string(),
            })?;
        finish(config)
    }
}

fn read_file(path: &Path) -> Result<Value, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.into(),
        source,
    })?;
    let syntax = |reason: String| ConfigError::Syntax {
        path: path.into(),
        reason,
    };
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(Value::Object(Map::new()));
    }
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| {
        let first = error.to_string();
        syntax(
            first
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("unreadable")
                .trim()
                .to_owned(),
        )
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(syntax("expected sections such as 'mqtt:'".into()))
    }
}

/// Parses a variable by the type of its key: text stays text, everything else is YAML.
fn scalar(text: &str, present: Option<&Value>) -> Value {
    // An optional value is text if it is set.
    if present.is_some_and(|value| value.is_string() || value.is_null()) {
        return Value::String(text.to_owned());
    }
    serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn nest(key: &str, value: Value) -> Value {
    key.rsplit('.').fold(value, |inner, part| {
        Value::Object(Map::from_iter([(part.to_owned(), inner)]))
    })
}

fn merge(base: &mut Value, layer: Value) {
    match (base, layer) {
        (Value::Object(base), Value::Object(layer)) => {
            for (key, value) in layer {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        // `mqtt:` with nothing below it is null in YAML, and means the defaults.
        (Value::Object(_), Value::Null) => {}
        (base, layer) => *base = layer,
    }
}

fn refuse_secrets(layer: &Value, origin: &str) -> Result<(), ConfigError> {
    for key in SECRETS {
        if lookup(layer, key).is_some_and(|value| !value.is_null()) {
            return Err(ConfigError::SecretInFile {
                key: key.into(),
                origin: origin.into(),
                variable: variable(key),
            });
        }
    }
    Ok(())
}

/// Returns the variable of a key.
fn variable(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Checks rules that types and bounds cannot express.
fn finish(mut config: Config) -> Result<Config, ConfigError> {
    let Config {
        mqtt,
        clickhouse,
        engine,
        ..
    } = &mut config;
    for (key, file, value) in [
        ("mqtt.password", &mqtt.password_file, &mut mqtt.password),
        (
            "clickhouse.password",
            &clickhouse.password_file,
            &mut clickhouse.password,
        ),
        ("engine.password", &engine.password_file, &mut engine.password),
        (
            "engine.reader_password",
            &engine.reader_password_file,
            &mut engine.reader_password,
        ),
    ] {
        secret::read(key, &variable(key), file.as_deref(), value)?;
    }
    let value = |key: &str, reason: &str| {
        Err(ConfigError::Value {
            key: key.into(),
            reason: reason.into(),
        })
    };
    let (addr, url) = (&config.clickhouse.addr, config.clickhouse.url());
    if !["http://", "https://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return value(
            "clickhouse.addr",
            "write HOST:PORT, http://HOST:PORT or https://HOST:PORT",
        );
    }
    if addr
        .rsplit(':')
        .next()
        .is_some_and(|port| NATIVE_PORTS.contains(&port))
    {
        return value(
            "clickhouse.addr",
            "ports 9000 and 9440 speak ClickHouse's native protocol; Casement uses its HTTP interface, usually port \
             8123, with TLS 8443",
        );
    }
    if let Err(error) = mqtt::Topics::new(&config.mqtt.topics) {
        return value("mqtt.topics", &error.to_string());
    }
    let audio = &config.audio;
    let features = audio::FeatureOptions {
        n_mfcc: audio.n_mfcc,
        n_fft: audio.n_fft,
        hop: audio.hop_length,
        ..audio::FeatureOptions::default()
    };
    if let Err(error) = features.check() {
        return value("audio", &error.to_string());
    }
    Ok(config)
}
