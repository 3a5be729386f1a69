//! Where broker and ClickHouse of the service that ran last are: for commands that are told the directory for all data alone.
//!
//! In: the configuration of a start. Out: URLs beside the accounts. What the configuration or a flag says counts more.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use accounts::write_private;
use anyhow::bail;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::{Endpoint, Installation},
    config::{ClickHouse, Config, ConfigError, Sources},
};

const KEY: &str = "clickhouse.addr";
/// ClickHouse, below the accounts.
pub(crate) const FILE: &str = "clickhouse.json";
/// Broker and ClickHouse, and which of them the service ran itself.
pub(crate) const PARTS_FILE: &str = "parts.json";
/// The keys that say where a part is. A part of which none says anything is where it was noted.
const OF_BROKER: [&str; 4] = [
    "mqtt.broker",
    "broker.addr",
    "broker.listeners",
    "broker.embedded",
];
const OF_ENGINE: [&str; 3] = [KEY, "engine.addr", "engine.embedded"];

/// A part of a service, as it was at its last start.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    embedded: bool,
    url: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    broker: Part,
    clickhouse: Part,
}

impl Part {
    /// What a flag would say of it.
    fn endpoint(&self) -> Option<Endpoint> {
        let text = if self.embedded {
            self.url.split_once("://")?.1
        } else {
            self.url.as_str()
        };
        text.parse().ok()
    }
}

/// Writes them down.
pub(crate) fn note(config: &Config) -> io::Result<()> {
    let parts = Parts {
        broker: Part {
            embedded: config.embeds_broker(),
            url: config.mqtt.broker.to_string(),
        },
        clickhouse: Part {
            embedded: config.embeds_engine(),
            url: config.clickhouse.url(),
        },
    };
    let accounts = config.accounts_dir();
    let text = serde_json::to_vec(&parts).expect("addresses are plain data");
    write_private(&accounts.join(PARTS_FILE), &text)?;
    let text = serde_json::to_vec(&parts.clickhouse.url).expect("a URL is plain data");
    write_private(&accounts.join(FILE), &text)
}

/// The flags of a service of which nothing says where its parts are: as at its last start.
pub(crate) fn with_endpoints(mut flags: Installation) -> Result<Installation, ConfigError> {
    let sources = Sources::process(flags.config.clone()).data(flags.data.clone());
    let Some(parts) = parts_of(&sources)? else {
        return Ok(flags);
    };
    if flags.mqtt.is_none() && says_nothing(&sources, &OF_BROKER)? {
        flags.mqtt = parts.broker.endpoint();
    }
    if flags.clickhouse.is_none() && says_nothing(&sources, &OF_ENGINE)? {
        flags.clickhouse = parts.clickhouse.endpoint();
    }
    Ok(flags)
}

/// The layers of a role that finds broker and ClickHouse elsewhere: as at the last start, unless something else is said.
pub(crate) fn with_addresses(mut sources: Sources) -> Result<Sources, ConfigError> {
    let Some(parts) = parts_of(&sources)? else {
        return Ok(sources);
    };
    for (key, part) in [(OF_BROKER[0], parts.broker), (KEY, parts.clickhouse)] {
        if says_nothing(&sources, &[key])? {
            sources = sources.flag(key, Some(part.url));
        }
    }
    Ok(sources)
}

/// Whether file and variables say nothing of these keys.
fn says_nothing(sources: &Sources, keys: &[&str]) -> Result<bool, ConfigError> {
    for key in keys {
        if sources.say_beneath_flags(key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the last start noted; `None` before the first.
fn parts_of(sources: &Sources) -> Result<Option<Parts>, ConfigError> {
    let mut config = Config::default();
    if let Some(data) = &sources.data {
        config.accounts.path = data.join("accounts");
    } else {
        let path = |key| {
            sources
                .beneath_flags(key)
                .map(|value| PathBuf::from(value.as_str().unwrap_or_default()))
        };
        config.accounts.path = path("accounts.path")?;
        config.journal.path = path("journal.path")?;
    }
    let noted = fs::read(config.accounts_dir().join(PARTS_FILE)).ok();
    Ok(noted.and_then(|text| serde_json::from_slice(&text).ok()))
}

/// With `--data` and nothing else that names a ClickHouse, that of the service that ran there last.
pub(crate) fn with_clickhouse(sources: Sources) -> anyhow::Result<Sources> {
    let Some(data) = &sources.data else {
        return Ok(sources);
    };
    let is_named = sources.flags.iter().any(|(key, _)| *key == KEY);
    if is_named || sources.beneath_flags(KEY)? != Value::String(ClickHouse::default().addr) {
        return Ok(sources);
    }
    let noted = clickhouse_of(data)?;
    Ok(sources.flag(KEY, Some(noted)))
}

/// The URL that the last start in `data` noted.
fn clickhouse_of(data: &Path) -> anyhow::Result<String> {
    let noted = fs::read(data.join("accounts").join(FILE)).ok();
    match noted.and_then(|text| serde_json::from_slice(&text).ok()) {
        Some(url) => Ok(url),
        None => bail!(
            "no service has been started with --data {}, or its accounts are elsewhere: name ClickHouse with --clickhouse ADDR",
            data.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_start_noted_is_found_by_its_directory() {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.accounts.path = data.path().join("accounts");
        config.clickhouse.addr = "127.0.0.1:9123".into();
        fs::create_dir(&config.accounts.path).unwrap();
        let said = clickhouse_of(data.path()).unwrap_err().to_string();
        assert!(said.contains("--clickhouse ADDR"), "{said}");
        note(&config).unwrap();
        assert_eq!(clickhouse_of(data.path()).unwrap(), "http://127.0.0.1:9123");
    }

    #[test]
    fn parts_are_where_they_were_unless_something_else_is_said() {
        let data = tempfile::tempdir().unwrap();
        let sources = |variable: Option<(&str, &str)>| Sources {
            data: Some(data.path().to_owned()),
            env: variable
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            ..Sources::default()
        };
        let found = |variable| {
            let config = with_addresses(sources(variable))
                .and_then(|sources| sources.load_for(crate::config::Reader::Backend))
                .unwrap();
            (config.mqtt.broker.to_string(), config.clickhouse.url())
        };
        let defaults = (
            Config::default().mqtt.broker.to_string(),
            ClickHouse::default().url(),
        );
        assert_eq!(found(None), defaults, "nothing ran yet");
        let mut config = Config::default();
        config.accounts.path = data.path().join("accounts");
        config.broker.addr = "127.0.0.1:2883".parse().unwrap();
        config.mqtt.broker = "tcp://127.0.0.1:2883".parse().unwrap();
        config.clickhouse.addr = "elsewhere:9123".into();
        fs::create_dir(&config.accounts.path).unwrap();
        note(&config).unwrap();
        let (broker, clickhouse) = (
            "tcp://127.0.0.1:2883".to_owned(),
            "http://elsewhere:9123".to_owned(),
        );
        assert_eq!(found(None), (broker, clickhouse.clone()));
        let said = found(Some(("CASEMENT__MQTT__BROKER", "tcp://other:1883")));
        assert_eq!(said, ("tcp://other:1883".to_owned(), clickhouse.clone()));
        let said = found(Some(("CASEMENT__MQTT__BROKER", defaults.0.as_str())));
        assert_eq!(said, (defaults.0.clone(), clickhouse), "a default is said, too");
        let parts = parts_of(&sources(None)).unwrap().unwrap();
        assert!(matches!(parts.broker.endpoint(), Some(Endpoint::Listen(addr)) if addr.port() == 2883));
        assert!(matches!(parts.clickhouse.endpoint(), Some(Endpoint::Url(_))));
    }
}
