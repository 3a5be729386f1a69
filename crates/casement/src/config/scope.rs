//! Which keys a command uses: the others are none of its business, whatever stands there.
//!
//! In: a command, and the merged layers, since `casement up` uses what its parts need. Out: for each key, whether a
//! fault in it is an error.

use serde_json::Value;

use super::{Config, ConfigError, judge, keys::lookup};

/// The keys that one command uses.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Keys and sections.
    used: Vec<&'static str>,
    /// Whether faults of the other keys are looked for, too.
    pub(super) looks_at_all: bool,
}

/// What reads the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Something that uses every key.
    Everything,
    /// `casement up`.
    Up,
    /// `casement backend`.
    Backend,
    /// `casement ml`.
    Ml,
    /// `casement engine`.
    Engine,
    /// A tool that asks ClickHouse.
    ClickHouse,
    /// `casement storage`.
    Storage,
    /// A tool that loads models.
    Models,
    /// `casement journal`.
    Journal,
    /// `casement devices` and `casement accounts`.
    Accounts,
    /// A tool that knows topics and payloads.
    Topics,
}

impl Reader {
    pub(super) fn scope(self, merged: &Value) -> Result<Scope, ConfigError> {
        let used = match self {
            Self::Everything => vec![""],
            Self::Up => up(merged)?,
            Self::Backend => vec![
                "mqtt",
                "clickhouse",
                "change_detection",
                "audio",
                "journal",
                "http",
                "backend",
                "windows",
                "retention",
                "accounts",
                "registry",
                "tls",
                "home_assistant",
            ],
            Self::Ml => vec!["mqtt", "model", "audio", "ml.addr"],
            Self::Engine => vec!["engine"],
            Self::ClickHouse => vec!["clickhouse"],
            Self::Storage => vec!["clickhouse", "retention"],
            Self::Models => vec!["model"],
            Self::Journal => vec!["journal", "http"],
            Self::Topics => vec![
                "mqtt",
                "audio",
                "broker",
                "backend",
                "windows",
                "change_detection",
            ],
            Self::Accounts => vec![
                "accounts",
                "broker",
                "http",
                "tls",
                "mqtt.topics",
                "journal.path",
                "home_assistant.prefix",
            ],
        };
        Ok(Scope {
            used,
            looks_at_all: false,
        })
    }
}

impl Scope {
    /// For showing the configuration: nothing is used, and every fault is found.
    pub(super) fn showing() -> Self {
        Self {
            used: Vec::new(),
            looks_at_all: true,
        }
    }

    /// Whether `key`, or anything below it or above it, is used.
    pub(super) fn uses(&self, key: &str) -> bool {
        let is_within = |inner: &str, outer: &str| {
            outer.is_empty()
                || inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.used
            .iter()
            .any(|used| is_within(key, used) || is_within(used, key))
    }
}

/// What `casement up` uses: of a part that it embeds, the part's own section; of one elsewhere, how to reach it.
fn up(merged: &Value) -> Result<Vec<&'static str>, ConfigError> {
    let mut deciding = vec!["broker.embedded", "engine.embedded", "ml.embedded"];
    if !is_explicit(merged, "broker.embedded") {
        deciding.extend(["mqtt.broker", "broker.addr", "broker.listeners"]);
    }
    if !is_explicit(merged, "engine.embedded") {
        deciding.extend(["clickhouse.addr", "engine.addr"]);
    }
    let scope = Scope {
        used: deciding,
        looks_at_all: false,
    };
    let config: Config = judge::judge(merged.clone(), &scope)?.config;
    let mut used = vec![
        "mqtt.topics",
        "mqtt.keep_alive_s",
        "mqtt.protocol",
        "clickhouse.database",
        "change_detection",
        "audio",
        "journal",
        "http",
        "backend",
        "windows",
        "retention",
        "backup",
        "accounts",
        "registry",
        "tls",
        "home_assistant",
        "ml.embedded",
        "broker.embedded",
        "engine.embedded",
    ];
    if config.embeds_broker() {
        used.push("broker");
    } else {
        used.push("mqtt");
    }
    used.push(if config.embeds_engine() {
        "engine"
    } else {
        "clickhouse"
    });
    if config.ml.embedded {
        used.push("model");
    }
    Ok(used)
}

/// Whether `key` says itself whether a part is embedded, so that no address decides.
fn is_explicit(merged: &Value, key: &str) -> bool {
    match lookup(merged, key) {
        Some(Value::Bool(_)) => true,
        Some(Value::String(text)) => text == "true" || text == "false",
        _ => false,
    }
}
