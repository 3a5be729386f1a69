//! Which version of Casement opened a journal last: a line beside the log, for people who meet it with an older one.
//!
//! Formats decide what may be opened, never this line.

use std::{fs, path::Path};

const NAME: &str = "written-by";
const OURS: &str = env!("CARGO_PKG_VERSION");

/// The version; empty where the journal does not say, as those of before this line.
pub(crate) fn read(journal: &Path) -> String {
    let text = fs::read_to_string(journal.join(NAME)).unwrap_or_default();
    let is_version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    text.trim().chars().filter(|&c| is_version(c)).take(40).collect()
}

/// Writes this version. A full disk must not keep a journal from draining, so errors are ignored.
pub(crate) fn write(journal: &Path) {
    if read(journal) != OURS {
        let _ = fs::write(journal.join(NAME), format!("{OURS}\n"));
    }
}
