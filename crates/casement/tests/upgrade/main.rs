//! Upgrades and downgrades through the real doors: the data of an earlier version opens in this one and loses nothing; what a
//! newer version wrote is refused and left as it is; a disk that takes nothing is named.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod disk;
mod kept;
mod killed;
mod measured;
mod newer;
mod told;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use testkit::{Addresses, Process};

/// A data directory of an earlier version, made by `fixtures/make.sh`, and what it holds.
struct Past {
    /// The directory for all data.
    data: PathBuf,
    account: Value,
}

impl Past {
    /// Every directory that was kept, oldest first.
    const ALL: [&str; 2] = ["data-schema-26", "data-schema-30"];

    /// Unpacks one below `dir`.
    fn unpack(name: &str, dir: &Path) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let unpacked = Command::new("tar")
            .arg("-xJf")
            .arg(fixtures.join(format!("{name}.tar.xz")))
            .arg("-C")
            .arg(dir)
            .status();
        assert!(unpacked.unwrap().success());
        let account = fs::read(fixtures.join(format!("{name}.json"))).unwrap();
        Self {
            data: dir.join("data"),
            account: serde_json::from_slice(&account).unwrap(),
        }
    }

    fn newest(dir: &Path) -> Self {
        Self::unpack(Self::ALL[Self::ALL.len() - 1], dir)
    }

    fn text(&self, key: &str) -> &str {
        self.account[key].as_str().unwrap()
    }

    fn number(&self, key: &str) -> u64 {
        self.account[key].as_u64().unwrap()
    }

    /// Starts `casement up` on it.
    fn up(&self, at: Addresses) -> Process {
        self.up_with(at, &[])
    }

    /// The same with more variables.
    fn up_with(&self, at: Addresses, variables: &[(&str, String)]) -> Process {
        let arguments = at.arguments(&self.data);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // What is in it is years old.
        let days = |name: &str| (format!("CASEMENT__RETENTION__{name}_DAYS"), "20000".to_owned());
        let mut environment = vec![
            days("ERRORS"),
            days("SYSTEM_METRICS"),
            days("AUDIT"),
            ("CASEMENT__RETENTION__MIN_FREE_BYTES".to_owned(), "0".to_owned()),
            ("CASEMENT__BROKER__MDNS".to_owned(), "false".to_owned()),
        ];
        let model = self.data.join("models/window_regressor.pth");
        if model.exists() {
            environment.push(("CASEMENT__MODEL__PATH".to_owned(), model.display().to_string()));
        }
        let environment: Vec<(&str, String)> = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .chain(variables.iter().cloned())
            .collect();
        support::casement().start_with(&arguments, &environment).unwrap()
    }
}

/// Every file below `dir` with its content, but for those of locks.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if !is_lock(&path) {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
        || ["owner", "lock"].iter().any(|name| path.ends_with(name))
}
