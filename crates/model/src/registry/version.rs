//! One version of a model, and the names it may have.

use std::path::PathBuf;

use serde::Serialize;

use super::error::RegistryError;
use crate::Sidecar;

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// Its name.
    pub version: String,
    /// Whether it is the one that serves.
    pub serves: bool,
    /// Whether it is the candidate that predicts beside the one that serves.
    pub shadows: bool,
    /// Its file; of the built-in model, where a file would take its place.
    pub path: PathBuf,
    /// Whether it is the model that is part of the program.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
    /// What is known about it.
    pub sidecar: Sidecar,
    /// Why it would be refused now, where its file was damaged after it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Whether `text` can be the name of a version.
pub(super) fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Refuses a name that no version can have.
pub(super) fn check(version: &str) -> Result<(), RegistryError> {
    if is_version(version) {
        Ok(())
    } else {
        Err(RegistryError::BadVersion(version.chars().take(80).collect()))
    }
}
