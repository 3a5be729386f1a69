//! Defaults under a file under variables under flags, and errors that name the key and the nearest known one.
//!
//! All layers are JSON values of one shape: that of the defaults. A key outside that shape is an error.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{Config, Secret};

const ENV_PREFIX: &str = "CASEMENT__";
const NATIVE_PORT: &str = "9000";

/// The layers above the defaults, lowest first.
#[derive(Debug, Default)]
pub struct Sources {
    /// A YAML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not start with `CASEMENT__` are passed over.
    pub env: Vec<(String, String)>,
    /// `section.key` and value, from flags.
    pub flags: Vec<(&'static str, Value)>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: check the path and its permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not YAML, or not a mapping.
    #[error("{path} is not a YAML mapping: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why, in one line.
        reason: String,
    },
    /// A key that nothing reads.
    #[error("unknown key '{key}' in {origin}{}", suggestion.as_ref().map(|s| format!("; did you mean '{s}'?")).unwrap_or_default())]
    UnknownKey {
        /// Dotted path of the key.
        key: String,
        /// The file or the variable.
        origin: String,
        /// The nearest known key, dotted.
        suggestion: Option<String>,
    },
    /// A value of another type, or one that cannot be.
    #[error("'{key}' cannot be used: {reason}")]
    Value {
        /// Dotted path of the key.
        key: String,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// A secret stands in a file that gets copied around.
    #[error(
        "'{key}' must not stand in {origin}: set {variable} or put it into a file of its own and name that in '{key}_file'"
    )]
    SecretInFile {
        /// Dotted path of the key.
        key: String,
        /// The file.
        origin: String,
        /// The variable to use instead.
        variable: String,
    },
}

impl Sources {
    /// The layers of a process: its variables and the given file.
    pub fn process(file: Option<PathBuf>) -> Self {
        // Variables with other bytes than UTF-8 are not ours.
        let env =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self {
            file,
            env: env.collect(),
            flags: Vec::new(),
        }
    }

    /// Adds a flag where it was given.
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
            check_keys(&layer, &known, &known, "", &origin)?;
            refuse_secrets(&layer, &origin)?;
            merge(&mut merged, layer);
        }
        for (name, text) in self.env {
            let Some(path) = name.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            let key = path.to_ascii_lowercase().replace("__", ".");
            let layer = nest(&key, scalar(&text, lookup(&known, &key)));
            check_keys(&layer, &known, &known, "", &name)?;
            merge(&mut merged, layer);
        }
        for (key, value) in self.flags {
            merge(&mut merged, nest(key, value));
        }
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

/// A variable's text as the type that stands at its key: text stays text, all else is read as YAML.
fn scalar(text: &str, present: Option<&Value>) -> Value {
    // What may be unset is text where it is set.
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

fn lookup<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}

fn merge(base: &mut Value, layer: Value) {
    match (base, layer) {
        (Value::Object(base), Value::Object(layer)) => {
            for (key, value) in layer {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        // `mqtt:` with nothing below it is YAML for null, and means the defaults.
        (Value::Object(_), Value::Null) => {}
        (base, layer) => *base = layer,
    }
}

fn check_keys(
    layer: &Value,
    known: &Value,
    root: &Value,
    path: &str,
    origin: &str,
) -> Result<(), ConfigError> {
    let (Value::Object(layer), Value::Object(known)) = (layer, known) else {
        return Ok(());
    };
    for (key, value) in layer {
        let key_path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(inner) = known.get(key) else {
            let suggestion = nearest(&key_path, root);
            return Err(ConfigError::UnknownKey {
                key: key_path,
                origin: origin.to_owned(),
                suggestion,
            });
        };
        check_keys(value, inner, root, &key_path, origin)?;
    }
    Ok(())
}

/// The known key most like `key`: compared as a whole, and by its last part alone (right key, wrong section).
fn nearest(key: &str, root: &Value) -> Option<String> {
    let mut paths = Vec::new();
    collect_paths(root, "", &mut paths);
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |path: &String| {
        strsim::jaro_winkler(key, path).max(strsim::jaro_winkler(&last(key), &last(path)) - 0.02)
    };
    paths
        .into_iter()
        .map(|path| (likeness(&path), path))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, path)| path)
}

fn collect_paths(value: &Value, path: &str, paths: &mut Vec<String>) {
    let Value::Object(map) = value else { return };
    for (key, inner) in map {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        collect_paths(inner, &path, paths);
        paths.push(path);
    }
}

fn refuse_secrets(layer: &Value, origin: &str) -> Result<(), ConfigError> {
    for key in [
        "clickhouse.password",
        "engine.password",
        "engine.reader_password",
        "mqtt.password",
    ] {
        if lookup(layer, key).is_some_and(|value| !value.is_null()) {
            let variable = format!("{ENV_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"));
            return Err(ConfigError::SecretInFile {
                key: key.into(),
                origin: origin.into(),
                variable,
            });
        }
    }
    Ok(())
}

/// What types alone cannot say.
fn finish(mut config: Config) -> Result<Config, ConfigError> {
    read_secret(
        "mqtt.password_file",
        config.mqtt.password_file.as_deref(),
        &mut config.mqtt.password,
    )?;
    read_secret(
        "clickhouse.password_file",
        config.clickhouse.password_file.as_deref(),
        &mut config.clickhouse.password,
    )?;
    read_secret(
        "engine.password_file",
        config.engine.password_file.as_deref(),
        &mut config.engine.password,
    )?;
    read_secret(
        "engine.reader_password_file",
        config.engine.reader_password_file.as_deref(),
        &mut config.engine.reader_password,
    )?;
    let value = |key: &str, reason: &str| {
        Err(ConfigError::Value {
            key: key.into(),
            reason: reason.into(),
        })
    };
    if config.clickhouse.addr.rsplit(':').next() == Some(NATIVE_PORT) {
        return value(
            "clickhouse.addr",
            "port 9000 speaks ClickHouse's native protocol; Casement uses its HTTP interface, usually port 8123",
        );
    }
    let change = &config.change_detection;
    for (key, threshold) in [
        ("temperature_threshold", change.temperature_threshold),
        ("humidity_threshold", change.humidity_threshold),
    ] {
        if !(threshold.is_finite() && threshold >= 0.0) {
            return value(
                &format!("change_detection.{key}"),
                "a threshold is a finite number, 0 or more",
            );
        }
    }
    if !(4_000..=192_000).contains(&config.audio.sample_rate) {
        return value("audio.sample_rate", "a sample rate is 4000 to 192000 Hz");
    }
    for name in &config.audio.features {
        if let Err(reason) = name.parse::<domain::FeatureName>() {
            return value("audio.features", &reason);
        }
    }
    let audio = &config.audio;
    if !matches!(
        audio.preprocessing.normalization.as_str(),
        "none" | "peak" | "rms"
    ) {
        return value("audio.preprocessing.normalization", "expected none, peak or rms");
    }
    let frames = audio::FeatureOptions {
        n_mfcc: audio.n_mfcc,
        n_fft: audio.n_fft,
        hop: audio.hop_length,
        ..audio::FeatureOptions::default()
    };
    if let Err(error) = frames.check() {
        return value("audio", &error.to_string());
    }
    if let Err(reason) = config.model.device.parse::<model::Device>() {
        return value("model.device", &reason.to_string());
    }
    Ok(config)
}

fn read_secret(key: &str, file: Option<&Path>, secret: &mut Option<Secret>) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    let unreadable = |error: io::Error| ConfigError::Value {
        key: key.into(),
        reason: format!("cannot read {}: {error}", path.display()),
    };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    secret.get_or_insert_with(|| Secret::new(text.lines().next().unwrap_or_default()));
    Ok(())
}
