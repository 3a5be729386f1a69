//! The judgement of the merged layers: accounts in URLs, paths, bounds, types, and the rules that none of them expresses.
//!
//! In: the layers, and which keys count. Out: a [`Config`], or the first fault of a key that counts. Other faults are
//! kept, for whoever shows the configuration; the key then has its default.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    Config, ConfigError, account, bounds, json_schema,
    keys::{lookup, lookup_mut},
    layers::{SECRETS, variable},
    paths,
    scope::Scope,
    secret, value,
};
use crate::telemetry::redaction::{REDACTED, redact, remember};

/// The keys whose values are addresses of servers.
const ADDRESSES: [&str; 2] = ["clickhouse.addr", "mqtt.broker"];

/// A fault of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' cannot be used: {}", self.key, self.reason)
    }
}

impl From<Problem> for ConfigError {
    fn from(Problem { key, reason }: Problem) -> Self {
        Self::Value { key, reason }
    }
}

/// The result.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) config: Config,
    /// The layers as they are, without secrets.
    pub(super) shown: Value,
    /// The faults of keys that do not count.
    pub(super) problems: Vec<Problem>,
    /// What people should know of values that are in use.
    pub(super) notes: Vec<String>,
}

/// The defaults as a layer.
pub(super) fn defaults() -> Value {
    serde_json::to_value(Config::default()).expect("the defaults are plain data")
}

/// Returns the first problem of a key that counts.
pub(super) fn refuse(problems: &[Problem], scope: &Scope) -> Result<(), ConfigError> {
    let counts = problems.iter().find(|problem| scope.uses(&problem.key));
    counts.cloned().map_or(Ok(()), |problem| Err(problem.into()))
}

/// Judges the merged layers.
pub(super) fn judge(mut merged: Value, scope: &Scope) -> Result<Judged, ConfigError> {
    let schema = json_schema();
    let mut problems = Vec::new();
    for key in ADDRESSES {
        problems.extend(account::take(&mut merged, key));
    }
    for key in paths::PATHS {
        problems.extend(expand(&mut merged, key));
    }
    let mut shown = merged.clone();
    let defaults = defaults();
    problems.extend(sections(&merged, &defaults, ""));
    problems.extend(bounds::check(&schema, &merged, ""));
    refuse(&problems, scope)?;
    for problem in &problems {
        reset(&mut merged, &problem.key, &defaults);
    }
    let mut config = deserialize(merged, scope, &mut problems, &Known { schema, defaults })?;
    let mut found = secrets(&mut config, scope);
    found.extend(rules(&config));
    refuse(&found, scope)?;
    problems.extend(found);
    hide(&mut shown, &config);
    let notes = match config.clickhouse.note() {
        Some(note) if scope.looks_at_all || scope.uses("clickhouse.addr") => {
            vec![format!("'clickhouse.addr': {note}")]
        }
        _ => Vec::new(),
    };
    // A rule of one key may have been found twice, by its type and by its rule.
    problems.dedup_by(|a, b| a.key == b.key);
    Ok(Judged {
        config,
        shown,
        problems,
        notes,
    })
}

/// What is known of every key.
struct Known {
    schema: Value,
    defaults: Value,
}

fn expand(merged: &mut Value, key: &str) -> Option<Problem> {
    let Some(Value::String(text)) = lookup_mut(merged, key) else {
        return None;
    };
    match paths::expand(text, std::env::var("HOME").ok().as_deref()) {
        Ok(path) => *text = path,
        Err(reason) => {
            return Some(Problem {
                key: key.into(),
                reason,
            });
        }
    }
    None
}

/// Returns every section that something else stands in place of: types would read a list as one.
fn sections(merged: &Value, defaults: &Value, path: &str) -> Vec<Problem> {
    let Value::Object(known) = defaults else {
        return Vec::new();
    };
    let Value::Object(section) = merged else {
        return vec![Problem {
            key: path.to_owned(),
            reason: "it is a section; write its keys below it, indented".into(),
        }];
    };
    let inner = known.iter().filter_map(|(key, default)| {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        Some(sections(section.get(key)?, default, &path))
    });
    inner.flatten().collect()
}

/// Gives `key`, or the section that it is in, its default.
fn reset(merged: &mut Value, key: &str, defaults: &Value) {
    if let (Some(place), Some(default)) = (lookup_mut(merged, key), lookup(defaults, key)) {
        *place = default.clone();
    }
}

fn deserialize(
    mut merged: Value,
    scope: &Scope,
    problems: &mut Vec<Problem>,
    known: &Known,
) -> Result<Config, ConfigError> {
    loop {
        let error = match serde_path_to_error::deserialize::<_, Config>(&merged) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let key = nearest_key(&error.path().to_string(), &known.defaults);
        let schema = key
            .split('.')
            .fold(&known.schema, |schema, part| &schema["properties"][part]);
        let reason = error.into_inner().to_string();
        let found = lookup(&merged, &key).unwrap_or(&Value::Null);
        let problem = Problem {
            reason: redact(&value::explain(schema, found, &reason)).into_owned(),
            key,
        };
        refuse(std::slice::from_ref(&problem), scope)?;
        // Each turn gives one more key its default; with every default it can be read.
        if lookup(&merged, &problem.key) == lookup(&known.defaults, &problem.key) {
            return Err(problem.into());
        }
        reset(&mut merged, &problem.key, &known.defaults);
        problems.push(problem);
    }
}

/// The longest beginning of a path that is a key: a path also leads into lists.
fn nearest_key(path: &str, defaults: &Value) -> String {
    let mut key = path.split('[').next().unwrap_or_default().trim_end_matches('.');
    while lookup(defaults, key).is_none() {
        match key.rsplit_once('.') {
            Some((section, _)) => key = section,
            None => break,
        }
    }
    key.to_owned()
}

/// Reads secrets from their files, and keeps all of them out of everything that is written.
fn secrets(config: &mut Config, scope: &Scope) -> Vec<Problem> {
    let Config {
        mqtt,
        clickhouse,
        engine,
        ..
    } = config;
    let mut problems = Vec::new();
    for (key, file, secret) in [
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
        // Another command's file may be another user's.
        if scope.looks_at_all || scope.uses(key) {
            match secret::read(key, &variable(key), file.as_deref(), secret) {
                Ok(()) => {}
                Err(ConfigError::Value { key, reason }) => problems.push(Problem { key, reason }),
                Err(other) => problems.push(Problem {
                    key: key.into(),
                    reason: other.to_string(),
                }),
            }
        }
        if let Some(secret) = secret {
            remember(secret.expose_secret());
        }
    }
    problems
}

/// Checks rules that types and bounds cannot express.
fn rules(config: &Config) -> Vec<Problem> {
    let audio = &config.audio;
    let features = audio::FeatureOptions {
        n_mfcc: audio.n_mfcc,
        n_fft: audio.n_fft,
        hop: audio.hop_length,
        ..audio::FeatureOptions::default()
    };
    let topics = mqtt::Topics::new(&config.mqtt.topics).map(drop);
    let account = &config.mqtt;
    let is_nobodys = account.password.is_some() && account.username.as_ref().is_none_or(String::is_empty);
    [
        (
            "mqtt.password",
            is_nobodys.then(|| {
                "it needs a user name, and none is sent without it; set mqtt.username, or unset the password".to_owned()
            }),
        ),
        ("clickhouse.addr", config.clickhouse.check().err()),
        ("mqtt.topics", topics.err().map(|error| error.to_string())),
        ("broker.listeners", config.broker.check().err()),
        ("tls.key_file", config.tls.check().err()),
        ("windows", config.windows.check().err()),
        ("backup.path", config.check_backup().err()),
        ("retention.rollups_days", config.retention.check().err()),
        ("home_assistant.prefix", config.home_assistant.check_prefix().err()),
        ("home_assistant.page_url", config.home_assistant.check_page().err()),
        ("audio", features.check().err().map(|error| error.to_string())),
    ]
    .into_iter()
    .filter_map(|(key, reason)| {
        Some(Problem {
            key: key.into(),
            reason: redact(&reason?).into_owned(),
        })
    })
    .collect()
}

/// A configuration as people may see it: without secrets.
pub fn shown(config: &Config) -> Value {
    let mut shown = serde_json::to_value(config).expect("a configuration is plain data");
    hide(&mut shown, config);
    shown
}

/// Redacts secrets in layers that are to be shown.
fn hide(shown: &mut Value, config: &Config) {
    let secrets: [&Option<SecretString>; 4] = [
        &config.clickhouse.password,
        &config.engine.password,
        &config.engine.reader_password,
        &config.mqtt.password,
    ];
    for (key, secret) in SECRETS.iter().zip(secrets) {
        if let Some(place) = lookup_mut(shown, key)
            && (secret.is_some() || !place.is_null())
        {
            *place = REDACTED.into();
        }
    }
    redact_texts(shown);
}

fn redact_texts(value: &mut Value) {
    match value {
        Value::String(text) if text != REDACTED => *text = redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(redact_texts),
        Value::Object(section) => section.values_mut().for_each(redact_texts),
        _ => {}
    }
}
