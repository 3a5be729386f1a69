//! The layers of the configuration: defaults, file, `.env`, variables, flags. Errors name the key and the nearest known one.
//!
//! All layers are JSON values of the same shape, that of the defaults. A key outside that shape is an error.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Map, Value};
use tracing::warn;

use super::{
    Audio, Config, ConfigError, Model, Reader, dotenv, file,
    judge::{self, Problem},
    keys::{self, lookup},
    scope::Scope,
};

pub(super) const ENV_PREFIX: &str = "CASEMENT__";
/// Keys that are not allowed in a file.
pub(super) const SECRETS: [&str; 4] = [
    "clickhouse.password",
    "engine.password",
    "engine.reader_password",
    "mqtt.password",
];

/// The layers above the defaults, lowest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A YAML file.
    pub file: Option<PathBuf>,
    /// A file of variables, which need not be there.
    pub dotenv: Option<PathBuf>,
    /// Environment variables; those that do not start with `CASEMENT__` are ignored.
    pub env: Vec<(String, String)>,
    /// The directory for all data, from the flag.
    pub data: Option<PathBuf>,
    /// `section.key` and value, from flags.
    pub flags: Vec<(&'static str, Value)>,
}

/// What `--data DIR` places, and where below it.
const BELOW_DATA: [(&str, &str); 5] = [
    ("accounts.path", "accounts"),
    ("broker.path", "broker"),
    ("engine.path", "engine"),
    ("journal.path", "journal"),
    ("registry.path", "registry"),
];

/// Where recordings are below it, as in a backup that was restored.
const RECORDINGS: &str = "recordings";

impl Sources {
    /// Returns the layers of this process: `file`, `.env` in the working directory, and its variables.
    pub fn process(file: Option<PathBuf>) -> Self {
        // Variables whose names are not UTF-8 are not ours. A value of ours that is not UTF-8 is refused when it is read.
        let env = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self {
            file,
            dotenv: Some(dotenv::FILE.into()),
            env: env.collect(),
            data: None,
            flags: Vec::new(),
        }
    }

    /// Places everything below the directory of the flag `--data`, if it was set. So does every command. Model and
    /// recordings are there, too, unless their keys are set, or there is something at their defaults.
    #[must_use]
    pub fn data(mut self, dir: Option<PathBuf>) -> Self {
        self.data = dir;
        self
    }

    /// Returns what file and variables say of `key`, or its default: what flags say is left out.
    pub fn beneath_flags(&self, key: &str) -> Result<Value, ConfigError> {
        let layers = Self {
            data: None,
            flags: Vec::new(),
            ..self.clone()
        };
        let merged = layers.merge()?;
        Ok(lookup(&merged.value, key).cloned().unwrap_or_default())
    }

    /// Returns whether file or variables say anything of `key`, and be it its default: what flags say is left out.
    pub fn say_beneath_flags(&self, key: &str) -> Result<bool, ConfigError> {
        let mut lowest = judge::defaults();
        merge(&mut lowest, nest(key, Value::Null));
        let layers = Self {
            data: None,
            flags: Vec::new(),
            ..self.clone()
        };
        let merged = layers.merge_over(lowest)?;
        Ok(lookup(&merged.value, key).is_some_and(|value| !value.is_null()))
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
        let merged = self.merge()?;
        for note in &merged.notes {
            warn!("{note}");
        }
        let (of_dotenv, problems) = (merged.of_dotenv, merged.problems);
        let scope = reader.scope(&merged.value)?;
        let judged = judge::refuse(&problems, &scope).and_then(|()| judge::judge(merged.value, &scope));
        let judged = judged.map_err(|error| with_origin(error, &of_dotenv))?;
        for note in &judged.notes {
            warn!("{note}");
        }
        Ok(judged.config)
    }

    /// Reads and merges all layers. Returns them as they are, without secrets, and what is to be said about them.
    pub fn show(self) -> Result<Shown, ConfigError> {
        let merged = self.merge()?;
        let judged = judge::judge(merged.value, &Scope::showing())?;
        let of_dotenv = &merged.of_dotenv;
        let mut warnings = merged.notes;
        let problems = merged.problems.into_iter().chain(judged.problems);
        let problems = problems.map(|problem| with_origin(problem.into(), of_dotenv).to_string());
        warnings.extend(problems);
        warnings.extend(judged.notes);
        Ok(Shown {
            value: judged.shown,
            warnings,
            of_dotenv: merged.of_dotenv,
        })
    }

    fn merge(self) -> Result<Merged, ConfigError> {
        self.merge_over(judge::defaults())
    }

    /// Merges all layers over `lowest`.
    fn merge_over(self, lowest: Value) -> Result<Merged, ConfigError> {
        let known = judge::defaults();
        let mut merged = Merged {
            value: lowest,
            problems: Vec::new(),
            notes: Vec::new(),
            of_dotenv: BTreeSet::new(),
        };
        if let Some(path) = &self.file {
            let layer = file::read(path)?;
            let origin = path.display().to_string();
            keys::check(&layer, &known, &origin)?;
            refuse_secrets(&layer, &origin)?;
            merge(&mut merged.value, layer);
        }
        if let Some(path) = &self.dotenv {
            let found = dotenv::read(path)?;
            merged.notes.extend(found.notes);
            for (name, text) in found.variables {
                let origin = format!("{} ({name})", path.display());
                let set = merged.set(&known, &name, &text, &origin)?;
                merged.of_dotenv.extend(set);
            }
        }
        for (name, text) in self.env {
            let set = merged.set(&known, &name, &text, &name)?;
            set.map(|key| merged.of_dotenv.remove(&key));
        }
        if let Some(dir) = &self.data {
            let text = |below: &str| Value::String(dir.join(below).display().to_string());
            for (key, below) in BELOW_DATA {
                merged.of_dotenv.remove(key);
                merge(&mut merged.value, nest(key, text(below)));
            }
            let model = Model::default().path;
            let model_below = model.strip_prefix(".").unwrap_or(&model).display().to_string();
            for (key, default, below) in [
                ("model.path", &model, model_below.as_str()),
                ("audio.storage_path", &Audio::default().storage_path, RECORDINGS),
            ] {
                let is_default = lookup(&merged.value, key) == lookup(&known, key);
                if is_default && !default.exists() {
                    merge(&mut merged.value, nest(key, text(below)));
                }
            }
        }
        for (key, value) in self.flags {
            merged.of_dotenv.remove(key);
            merge(&mut merged.value, nest(key, value));
        }
        Ok(merged)
    }
}

/// All layers as people see them.
#[derive(Debug)]
pub struct Shown {
    /// Every key, without secrets.
    pub value: Value,
    /// What is to be said about them.
    pub warnings: Vec<String>,
    /// The keys whose values come from `.env`.
    pub of_dotenv: BTreeSet<String>,
}

/// All layers together.
struct Merged {
    value: Value,
    problems: Vec<Problem>,
    /// What people should know of the layers.
    notes: Vec<String>,
    /// The keys whose values come from `.env`.
    of_dotenv: BTreeSet<String>,
}

impl Merged {
    /// Lays a variable over what is there, if it is one of ours. Returns its key.
    fn set(
        &mut self,
        known: &Value,
        name: &str,
        text: &str,
        origin: &str,
    ) -> Result<Option<String>, ConfigError> {
        let Some(path) = name.strip_prefix(ENV_PREFIX) else {
            return Ok(None);
        };
        let key = path.to_ascii_lowercase().replace("__", ".");
        let layer = nest(&key, scalar(text, &key, lookup(known, &key)));
        keys::check(&layer, known, origin)?;
        if text.contains(char::REPLACEMENT_CHARACTER) {
            let reason = format!("the value of {name} is not UTF-8 text");
            self.problems.push(Problem {
                key: key.clone(),
                reason,
            });
        } else {
            merge(&mut self.value, layer);
        }
        Ok(Some(key))
    }
}

/// Says of a value from `.env` that it is from there.
fn with_origin(error: ConfigError, of_dotenv: &BTreeSet<String>) -> ConfigError {
    match error {
        ConfigError::Value { key, reason } if of_dotenv.contains(&key) => ConfigError::Value {
            reason: format!("{reason} (the value comes from {})", dotenv::FILE),
            key,
        },
        other => other,
    }
}

/// Parses a variable by the type of its key: text stays text, everything else is YAML.
fn scalar(text: &str, key: &str, present: Option<&Value>) -> Value {
    let is_text = match present {
        Some(Value::String(_)) => true,
        Some(Value::Null) => !is_other_than_text(key),
        _ => false,
    };
    if is_text {
        return Value::String(text.to_owned());
    }
    serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Whether the schema says that an optional value is a number, a list or the like, and not text.
fn is_other_than_text(key: &str) -> bool {
    let schema = super::json_schema();
    let properties = key
        .split('.')
        .try_fold(&schema, |schema, part| schema["properties"].get(part));
    let types = properties.map(|property| &property["type"]);
    let known = |name: &str| name != "string" && name != "null";
    match types {
        Some(Value::String(name)) => known(name),
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.clone().all(|name| name != "string") && names.any(known)
        }
        _ => false,
    }
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
