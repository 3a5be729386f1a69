//! The manifest of a backup: what made it, what it holds, and how each file can be verified.
//!
//! In: text of a file. Out: a manifest that this version understands, or why not. Paths in it stay below the backup.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use store::TableFigures;

use super::parts;

/// The form of backups that this version writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;
/// The manifest's file.
pub(crate) const FILE: &str = "manifest.json";
/// Its digest, as `sha256sum` writes it.
pub(crate) const DIGEST: &str = "manifest.json.sha256";
/// The largest manifest that is read: a million files.
pub(crate) const LARGEST: u64 = 512 << 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form of the backup.
    pub(crate) format: u32,
    /// Its name, which no other backup has.
    pub(crate) name: String,
    /// The moment that it is of.
    pub(crate) created: jiff::Timestamp,
    /// The version of Casement that made it.
    pub(crate) casement: String,
    /// The version of ClickHouse.
    pub(crate) clickhouse: String,
    /// The version of the schema.
    pub(crate) schema: u32,
    /// The database's name.
    pub(crate) database: String,
    /// The backup that holds what this one lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<Base>,
    /// What each table holds.
    pub(crate) tables: Vec<TableFigures>,
    /// Records in the journal that are in no table yet.
    pub(crate) journal_records: u64,
    /// Bytes of its own files.
    pub(crate) bytes: u64,
    /// Its files, and those of earlier backups that belong to it.
    pub(crate) files: Vec<Entry>,
}

/// An earlier backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// Its name.
    pub(crate) name: String,
    /// The SHA-256 of its manifest.
    pub(crate) manifest_sha256: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its path: the part that it belongs to, and below it.
    pub(crate) path: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub(crate) sha256: String,
    /// When it was changed last, in seconds since 1970.
    pub(crate) modified: i64,
    /// The earlier backup that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<String>,
    /// Where it leads, if it is a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Whether it is an empty directory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) directory: bool,
}

impl Entry {
    /// Whether the backup itself holds the file's bytes.
    pub(crate) const fn is_own(&self) -> bool {
        self.within.is_none() && self.link.is_none() && !self.directory
    }

    /// The part that it belongs to.
    pub(crate) fn part(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// A manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// It is no manifest.
    #[error("its manifest cannot be read ({0}): the backup is damaged; use another one")]
    Damaged(String),
    /// A newer version made it.
    #[error(
        "the backup {name} was made by Casement {theirs} (format {format}), and this is {ours} (format {FORMAT}): restore it with Casement {theirs} or newer"
    )]
    Newer {
        /// The backup.
        name: String,
        /// The version that made it.
        theirs: String,
        /// Its form.
        format: u32,
        /// This version.
        ours: &'static str,
    },
}

/// What every format says.
#[derive(Deserialize)]
struct Head {
    format: u32,
    name: String,
    casement: String,
}

impl Manifest {
    /// Reads and checks a manifest.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let damaged = |error: serde_json::Error| ManifestError::Damaged(error.to_string());
        let head: Head = serde_json::from_slice(text).map_err(damaged)?;
        let ours = env!("CARGO_PKG_VERSION");
        if head.format > FORMAT || numbers(&head.casement) > numbers(ours) {
            return Err(ManifestError::Newer {
                name: head.name,
                theirs: head.casement,
                format: head.format,
                ours,
            });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(damaged)?;
        manifest.check().map_err(ManifestError::Damaged)?;
        Ok(manifest)
    }

    /// Writes it as it stands in its file.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        text.push(b'\n');
        text
    }

    fn check(&self) -> Result<(), String> {
        let bases = self.base.iter().map(|base| &base.name);
        let names = self.files.iter().filter_map(|entry| entry.within.as_ref());
        if let Some(name) = names.chain(bases).chain([&self.name]).find(|name| !is_name(name)) {
            return Err(format!("'{name}' is no name of a backup"));
        }
        let wrong = self.files.iter().find(|entry| !entry.is_below());
        wrong.map_or(Ok(()), |entry| {
            Err(format!("the path '{}' leads elsewhere", entry.path))
        })
    }
}

impl Entry {
    fn is_below(&self) -> bool {
        let path = Path::new(&self.path);
        let is_plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let leads_below = self.link.as_ref().is_none_or(|link| is_plain(Path::new(link)));
        is_plain(path) && path.components().count() > 1 && parts::ALL.contains(&self.part()) && leads_below
    }
}

/// Whether `name` can be one of a backup, and of a file beside others.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=80).contains(&name.len()) && name.chars().all(fits)
}

/// The name of the backup of a moment.
pub(crate) fn name_at(created: jiff::Timestamp) -> String {
    created.strftime("casement-%Y%m%dT%H%M%S%3fZ").to_string()
}

/// Whether `name` was made by [`name_at`].
pub(crate) fn is_made(name: &str) -> bool {
    let shape = name
        .strip_prefix("casement-")
        .and_then(|rest| rest.strip_suffix('Z'));
    shape.is_some_and(|time| {
        time.len() == 18
            && time.chars().enumerate().all(|(at, c)| match at {
                8 => c == 'T',
                _ => c.is_ascii_digit(),
            })
    })
}

/// Major, minor and patch.
pub(crate) fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            name: "casement-20260101T000000000Z".into(),
            created: "2026-01-01T00:00:00Z".parse().unwrap(),
            casement: env!("CARGO_PKG_VERSION").into(),
            clickhouse: "26.7.3.1".into(),
            schema: 1,
            database: "iot".into(),
            base: None,
            tables: Vec::new(),
            journal_records: 0,
            bytes: 0,
            files: Vec::new(),
        }
    }

    fn entry(path: &str) -> Entry {
        Entry {
            path: path.into(),
            bytes: 0,
            sha256: String::new(),
            modified: 0,
            within: None,
            link: None,
            directory: false,
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let mut written = manifest();
        written.files = vec![entry("accounts/accounts.json")];
        assert_eq!(Manifest::parse(&written.text()).unwrap(), written);
    }

    #[test]
    fn a_newer_one_is_refused_by_name() {
        for (format, casement) in [(FORMAT + 1, "0.1.0"), (FORMAT, "99.0.1")] {
            let mut text = serde_json::to_value(manifest()).unwrap();
            text["format"] = format.into();
            text["casement"] = casement.into();
            text["more"] = true.into();
            let error = Manifest::parse(text.to_string().as_bytes())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("casement-20260101T000000000Z") && error.contains(casement),
                "{error}"
            );
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in [
            "/etc/passwd",
            "accounts/../../x",
            "../x",
            "accounts",
            "elsewhere/x",
            "",
        ] {
            let mut wrong = manifest();
            wrong.files = vec![entry(path)];
            let error = Manifest::parse(&wrong.text()).unwrap_err().to_string();
            assert!(error.contains("leads elsewhere"), "{path}: {error}");
        }
        let mut linking = manifest();
        linking.files = vec![Entry {
            link: Some("../../etc/passwd".into()),
            ..entry("models/x")
        }];
        assert!(Manifest::parse(&linking.text()).is_err());
    }

    #[test]
    fn names_are_made_of_the_moment() {
        let name = name_at("2026-11-26T20:56:00.123Z".parse().unwrap());
        assert_eq!(name, "casement-20261126T205600123Z");
        assert!(is_made(&name) && is_name(&name));
        assert!(!is_made("casement-monday") && !is_name("a/b") && !is_name(""));
    }
}
