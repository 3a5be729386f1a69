//! What prevents an engine from running, each with what to do about it.

use std::{io, net::SocketAddr, path::PathBuf};

/// The engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no library at the path that was given.
    #[error(
        "no ClickHouse engine at {path}; correct CASEMENT_LIBCHDB or engine.library, or unset it and run 'make engine'"
    )]
    NoSuchLibrary {
        /// The path that was given.
        path: PathBuf,
    },
    /// The library was never fetched.
    #[error(
        "the ClickHouse engine is missing at {path}; fetch it with 'make engine', or set CASEMENT_LIBCHDB to a libchdb.so"
    )]
    LibraryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The library is there and cannot be loaded.
    #[error("the ClickHouse engine {path} cannot be loaded: {reason}; remove the file and run 'make engine'")]
    LibraryBroken {
        /// The library.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// The address is taken or not ours.
    #[error(
        "ClickHouse's HTTP interface cannot listen on {addr}: {}, with --clickhouse ADDR or engine.addr",
        monitoring::remedy(source)
    )]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The address can be reached from elsewhere.
    #[error(
        "not every user of ClickHouse has a password, so its HTTP interface listens on loopback only, not on {addr}; choose 127.0.0.1 with --clickhouse ADDR, or set engine.password_file and engine.reader_password_file"
    )]
    Exposed {
        /// The address.
        addr: SocketAddr,
    },
    /// Who may read could write.
    #[error(
        "ClickHouse's users default and reader have the same password, so whoever reads could write; give the reader one of its own, in engine.password_file or engine.reader_password_file"
    )]
    SamePassword,
    /// Another process has the data directory open.
    #[error("the data directory {path} is in use by {holder}; stop it, or choose another with --data DIR")]
    Held {
        /// The directory.
        path: PathBuf,
        /// Which process.
        holder: String,
    },
    /// The data directory cannot be used.
    #[error("the data directory {path} cannot be used: {source}{}", remedy(source))]
    Directory {
        /// The directory or a file in it.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The engine refuses the data.
    #[error(
        "ClickHouse cannot open {path}: {reason}; restore a backup, or move the directory away to start empty"
    )]
    Open {
        /// The directory.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },
    /// A newer engine wrote the data.
    #[error(
        "the data in {path} was written by ClickHouse {theirs} of {}, and this is {ours}; nothing was changed: use the newer version of Casement, or restore a backup into another directory with --data DIR",
        if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") }
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// What wrote it.
        theirs: String,
        /// What was to read it.
        ours: String,
        /// The version of Casement that opened it last; empty where it did not say.
        program: String,
    },
    /// The kernel has locks and they do not close.
    #[error(
        "the engine's process cannot be confined: {reason}; engine.allow_outside: true starts it without the locks"
    )]
    Confinement {
        /// What failed.
        reason: String,
    },
    /// The engine's process did not start, in its own words.
    #[error("{reason}")]
    Child {
        /// The line it ended with.
        reason: String,
    },
    /// The engine's process cannot be started at all.
    #[error("the engine's process cannot be started")]
    Spawn(#[source] io::Error),
    /// HTTP broke down.
    #[error("ClickHouse's HTTP interface ended")]
    Serve(#[source] io::Error),
}

/// What to do about a directory that cannot be used.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free space on its disk and start again"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "; mount its disk so that it can be written, or choose another directory with --data DIR"
        }
        io::ErrorKind::PermissionDenied => {
            "; give it to the user that Casement runs as, or choose another directory with --data DIR"
        }
        _ => "",
    }
}
