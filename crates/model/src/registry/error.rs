//! Why something cannot be done with a version.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::LoadError;

/// Something cannot be done with a version.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not a name.
    #[error("'{0}' is no version: 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'")]
    BadVersion(String),
    /// No such version.
    #[error("there is no version '{version}'; known: {known}")]
    Unknown {
        /// What was asked for.
        version: String,
        /// What there is.
        known: String,
    },
    /// Another file has this version.
    #[error("version '{0}' is another file already; choose another name")]
    Taken(String),
    /// A file that names no version, and none was given.
    #[error("the model has no side-car that names its version; name one")]
    Unnamed,
    /// The version serves.
    #[error("version '{0}' serves; promote another one first")]
    Serving(String),
    /// The version is the candidate.
    #[error("version '{0}' predicts in the shadow; end that first: casement models shadow --off")]
    Shadows(String),
    /// There was none before the present one.
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

/// Adds the path to an error of a file there.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::Io { path, source }
}
