//! Below which prefixes something was announced, on disk: what the broker keeps below them is ours to take away.
//!
//! In: a file. Out: prefixes. What exactly was announced, the broker says itself: it retains it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

const FORMAT: u32 = 1;
/// A file of ours is smaller.
const MAX_BYTES: u64 = 64 << 10;

/// The file, and what stands in it.
#[derive(Debug)]
pub(super) struct Notes {
    path: PathBuf,
    prefixes: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    prefixes: BTreeSet<String>,
}

impl Notes {
    /// Reads the file; nothing is noted where there is none.
    pub(super) fn read(path: PathBuf) -> io::Result<Self> {
        let prefixes = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error),
            Ok(meta) if meta.len() > MAX_BYTES => return Err(invalid("it is too large")),
            Ok(_) => {
                let written: Written = serde_json::from_slice(&fs::read(&path)?)?;
                if written.format > FORMAT {
                    return Err(invalid("it was written by a newer casement"));
                }
                written.prefixes
            }
        };
        Ok(Self { path, prefixes })
    }

    /// The prefixes.
    pub(super) const fn prefixes(&self) -> &BTreeSet<String> {
        &self.prefixes
    }

    /// Notes `prefixes` in place of what was noted. When this returns, it is on disk.
    pub(super) fn write(&mut self, prefixes: BTreeSet<String>) -> io::Result<()> {
        if prefixes == self.prefixes {
            return Ok(());
        }
        let written = Written {
            format: FORMAT,
            prefixes,
        };
        let partial = self.path.with_extension("json.new");
        let dir = self
            .path
            .parent()
            .ok_or_else(|| invalid("it is in no directory"))?;
        fs::create_dir_all(dir)?;
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(&written)?)?;
        file.sync_all()?;
        fs::rename(&partial, &self.path)?;
        File::open(dir)?.sync_all()?;
        self.prefixes = written.prefixes;
        Ok(())
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_noted_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/home_assistant.json");
        let mut notes = Notes::read(path.clone()).unwrap();
        assert!(notes.prefixes().is_empty() && !path.exists());
        notes.write(prefixes(&["homeassistant", "ha"])).unwrap();
        assert_eq!(
            Notes::read(path.clone()).unwrap().prefixes(),
            &prefixes(&["homeassistant", "ha"])
        );
        notes.write(prefixes(&[])).unwrap();
        assert!(Notes::read(path).unwrap().prefixes().is_empty());
    }

    #[test]
    fn a_file_of_a_newer_version_and_a_damaged_one_are_not_taken_for_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("home_assistant.json");
        for text in [r#"{"format": 2, "prefixes": []}"#, "{", "[]"] {
            fs::write(&path, text).unwrap();
            assert!(Notes::read(path.clone()).is_err(), "{text}");
        }
    }
}
