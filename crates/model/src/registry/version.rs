//! A version of a model, and the rules for its name.

use std::path::PathBuf;

use serde::Serialize;

use super::error::RegistryError;
use crate::Sidecar;

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// Its name.
    pub version: String,
    /// Whether it is the one that serves.
    pub serves: bool,
    /// Whether it is the candidate that predicts beside the one that serves.
    pub shadows: bool,
    /// Its file; for the built-in model, the path at which a file would replace it.
    pub path: PathBuf,
    /// Whether it is the built-in model.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub built_in: bool,
    /// Its side-car.
    pub sidecar: Sidecar,
    /// Why it cannot be loaded, if its file was damaged after it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Returns whether `text` can be the name of a version.
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
