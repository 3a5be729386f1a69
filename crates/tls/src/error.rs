//! What can be wrong with certificates, keys and their files.

use std::{io, path::PathBuf};

/// A certificate or a key cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{what} {path} cannot be read")]
    Read {
        /// What it is to hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// A file or a directory cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// A file is not what it is to be.
    #[error("{what} {path}: {reason}")]
    Content {
        /// What it is to hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key {key} does not belong to the certificate {certificate}: name the two files that were made together"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A name cannot stand in a certificate.
    #[error(
        "'{0}' is neither an address nor a host name; write a name such as casement.lan, or an address such as 192.168.1.10"
    )]
    Host(String),
    /// An id cannot be a client's name.
    #[error("'{0}' cannot name a client: write 1 to 64 letters, digits, dots, dashes and underscores")]
    Client(String),
    /// One half of the authority is missing, so that it is neither used nor replaced.
    #[error(
        "the authority is incomplete: {missing} is missing beside {present}; restore it, or make a new authority with --new-ca"
    )]
    Incomplete {
        /// The file that is there.
        present: PathBuf,
        /// The file that is not.
        missing: PathBuf,
    },
    /// Making a certificate failed.
    #[error("a certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// rustls accepts no such configuration.
    #[error("TLS cannot be configured")]
    Configure(#[from] rustls::Error),
}
