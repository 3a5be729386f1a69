//! Where ClickHouse of the service that ran last is: for commands that are told the directory for all data alone.
//!
//! In: the configuration of a start. Out: a URL beside the accounts.

use std::{fs, io, path::Path};

use accounts::write_private;
use anyhow::bail;
use serde_json::Value;

use crate::config::{ClickHouse, Config, Sources};

const KEY: &str = "clickhouse.addr";
/// Below the accounts.
pub(crate) const FILE: &str = "clickhouse.json";

/// Writes it down.
pub(crate) fn note(config: &Config) -> io::Result<()> {
    let text = serde_json::to_vec(&config.clickhouse.url()).expect("a URL is plain data");
    write_private(&config.accounts_dir().join(FILE), &text)
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
}
