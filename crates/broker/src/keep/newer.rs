//! The refusal of what a newer version wrote.

use std::path::PathBuf;

/// A newer version has written the storage. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the broker's directory {path} was written by {} (format {found}), and this is Casement {}; nothing was changed: use the newer version, or restore a backup of before, or move the directory away to begin without sessions and retained messages",
    if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
    env!("CARGO_PKG_VERSION")
)]
pub struct NewerStorage {
    /// The directory.
    pub path: PathBuf,
    /// Its format.
    pub found: u32,
    /// The version that wrote it; empty where it does not say.
    pub program: String,
}
