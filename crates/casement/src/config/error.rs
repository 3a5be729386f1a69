//! Why a configuration cannot be used. Every error names the key or the file, and what to do.

use std::path::PathBuf;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file is not YAML, or not a mapping.
    #[error("the configuration {path} cannot be understood: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Place, cause and remedy, in one line.
        reason: String,
    },
    /// The key is unknown.
    #[error("unknown key '{key}' in {origin}{}", suggestion.as_ref().map(|s| format!("; did you mean '{s}'?")).unwrap_or_default())]
    UnknownKey {
        /// Dotted path of the key.
        key: String,
        /// The file or the variable.
        origin: String,
        /// The nearest known key, dotted.
        suggestion: Option<String>,
    },
    /// The value has the wrong type or is out of range.
    #[error("'{key}' cannot be used: {reason}")]
    Value {
        /// Dotted path of the key.
        key: String,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// A file contains a secret, although people copy and commit such files.
    #[error(
        "'{key}' must not stand in {origin}: set {variable} or put it into a file of its own and name that in '{key}_file'"
    )]
    SecretInFile {
        /// Dotted path of the key.
        key: String,
        /// The file.
        origin: String,
        /// The variable to use instead.
        variable: String,
    },
}
