//! The layers of the configuration: defaults, file, variables, flags. Errors name the key and the nearest known one.
//!
//! All layers are JSON values of the same shape, that of the defaults. A key outside that shape is an error.

use std::path::PathBuf;

use serde_json::{Map, Value};
use tracing::warn;

use super::{
    Config, ConfigError, Reader, file,
    judge::{self, Problem},
    keys::{self, lookup},
    scope::Scope,
};

const ENV_PREFIX: &str = "CASEMENT__";
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

    /// Reads and merges all layers, and checks every key.
    pub fn load(self) -> Result<Config, ConfigError> {
        self.load_for(Reader::Everything)
    }

    /// Reads and merges all layers, and checks the keys that `reader` uses. Of a key that it does not use and that
    /// cannot be used, the result has the default.
    pub fn load_for(self, reader: Reader) -> Result<Config, ConfigError> {
        let (merged, problems) = self.merge()?;
        let scope = reader.scope(&merged)?;
        judge::refuse(&problems, &scope)?;
        let judged = judge::judge(merged, &scope)?;
        for note in &judged.notes {
            warn!("{note}");
        }
        Ok(judged.config)
    }

    /// Reads and merges all layers. Returns them as they are, without secrets, and what is to be said about them.
    pub fn show(self) -> Result<(Value, Vec<String>), ConfigError> {
        let (merged, problems) = self.merge()?;
        let judged = judge::judge(merged, &Scope::showing())?;
        let mut warnings: Vec<String> = problems
            .into_iter()
            .chain(judged.problems)
            .map(|p| p.to_string())
            .collect();
        warnings.extend(judged.notes);
        Ok((judged.shown, warnings))
    }

    fn merge(self) -> Result<(Value, Vec<Problem>), ConfigError> {
        let known = judge::defaults();
        let (mut merged, mut problems) = (known.clone(), Vec::new());
        if let Some(path) = &self.file {
            let layer = file::read(path)?;
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
            let layer = nest(&key, scalar(&text, lookup(&known, &key)));
            keys::check(&layer, &known, &name)?;
            if text.contains(char::REPLACEMENT_CHARACTER) {
                let reason = format!("the value of {name} is not UTF-8 text");
                problems.push(Problem { key, reason });
            } else {
                merge(&mut merged, layer);
            }
        }
        for (key, value) in self.flags {
            merge(&mut merged, nest(key, value));
        }
        Ok((merged, problems))
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
pub(super) fn variable(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}
