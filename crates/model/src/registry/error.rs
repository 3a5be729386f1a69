//! Why an operation on versions fails.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::LoadError;

/// An operation on versions failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The text cannot be the name of a version.
    #[error("'{0}' is no version: 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'")]
    BadVersion(String),
    /// There is no such version.
    #[error("there is no version '{version}'; known: {known}")]
    Unknown {
        /// The requested version.
        version: String,
        /// The existing versions.
        known: String,
    },
    /// Another file has this version.
    #[error("version '{0}' is another file already; choose another name")]
    Taken(String),
    /// The file names no version, and none was given.
    #[error("the model has no side-car that names its version; name one")]
    Unnamed,
    /// The version is not a file of the folder yet.
    #[error("version '{0}' is not in the folder of versions; add its file first: casement models add")]
    NoFile(String),
    /// The version serves.
    #[error("version '{0}' serves; promote another one first")]
    Serving(String),
    /// The version is the candidate.
    #[error("version '{0}' predicts in the shadow; end that first: casement models shadow --off")]
    Shadows(String),
    /// No version served before the current one.
    #[error("there is nothing to go back to; promote a version by its name")]
    NoPredecessor,
    /// The file is refused.
    #[error("the model is refused")]
    Load(#[from] LoadError),
    /// A file cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Converts an I/O error at `path`.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::Io { path, source }
}
