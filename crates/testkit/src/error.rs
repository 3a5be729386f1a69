//! What can go wrong in the harness.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

/// A failure of the harness. Debug output is the message, so that `unwrap` in a test prints it readably.
#[derive(thiserror::Error)]
pub enum Error {
    /// The program is not installed.
    #[error("{program} is not installed; on Debian: apt-get install {package}")]
    NotInstalled {
        /// The program.
        program: &'static str,
        /// The Debian package that contains it.
        package: &'static str,
    },
    /// The process could not be started.
    #[error("{name} cannot be started")]
    Start {
        /// The process's name.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The process ended although it should run, or ended with a failure.
    #[error("{name} ended with {status}:\n{output}")]
    Ended {
        /// The process's name.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its output.
        output: String,
    },
    /// The expected process is not running.
    #[error("{0} is not running")]
    NotRunning(&'static str),
    /// The process could not be signalled.
    #[error("process {pid} cannot be signalled")]
    Signal {
        /// Its pid.
        pid: u32,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A condition did not come true in time.
    #[error("not within {within:?}: {what}\n{output}")]
    Timeout {
        /// The condition.
        what: String,
        /// The deadline.
        within: Duration,
        /// Output of the processes involved, or the last value seen.
        output: String,
    },
    /// A file or directory could not be read or written.
    #[error("{path} cannot be used")]
    File {
        /// Its path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A network namespace could not be made or entered.
    #[error(
        "this test needs network namespaces, which root may make (in a container: --cap-add NET_ADMIN,SYS_ADMIN): {0}"
    )]
    Namespace(String),
    /// A proxy could not listen.
    #[error("the proxy cannot listen")]
    Listen(#[source] io::Error),
    /// An HTTP request failed.
    #[error("{request} failed")]
    Http {
        /// The URL or the statement.
        request: String,
        /// The cause.
        #[source]
        source: Box<ureq::Error>,
    },
    /// An answer could not be decoded.
    #[error("the answer of {url} is not JSON")]
    Json {
        /// The URL.
        url: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn timeout(what: impl Into<String>, within: Duration, output: impl Into<String>) -> Self {
        Self::Timeout {
            what: what.into(),
            within,
            output: output.into(),
        }
    }
}
