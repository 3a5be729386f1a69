//! The binary `casement` and its roles.

use std::{
    ffi::{OsStr, OsString},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, Host, Hosts, Process};

/// A window that moves at each decision, however little and however soon after the one before.
const MOVES_AT_ONCE: [(&str, &str); 2] = [
    ("CASEMENT__WINDOWS__MIN_INTERVAL_S", "0"),
    ("CASEMENT__WINDOWS__MIN_MOVE", "0"),
];

/// The binary, and the directory it is started in.
#[derive(Debug, Clone)]
pub struct Casement {
    program: PathBuf,
    directory: Option<PathBuf>,
    /// A command line that runs it.
    prefix: Vec<OsString>,
}

impl Casement {
    /// The binary at `program`, started in the current directory.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            directory: None,
            prefix: Vec::new(),
        }
    }

    /// Starts it in `directory`, which relative paths of its configuration refer to.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Starts it on one of two hosts.
    #[must_use]
    pub fn on(mut self, hosts: &Hosts, host: Host) -> Self {
        let command = hosts.command(host, "");
        self.prefix = std::iter::once(command.get_program())
            .chain(command.get_args())
            .filter(|part| !part.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        self
    }

    /// A command line of it.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut words = self.prefix.iter().map(OsString::as_os_str);
        let mut command = match words.next() {
            None => Command::new(&self.program),
            Some(runner) => {
                let mut command = Command::new(runner);
                command.args(words).arg(&self.program);
                command
            }
        };
        command.args(arguments);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Starts a role, which is the first argument.
    pub fn start(&self, arguments: &[&str]) -> Result<Process, Error> {
        self.start_with(arguments, &[])
    }

    /// Starts a role with additional environment variables. Windows move at each decision: what waits for the motor's sake is
    /// what tests of windows set.
    pub fn start_with(&self, arguments: &[&str], environment: &[(&str, String)]) -> Result<Process, Error> {
        let mut command = self.command(arguments);
        command.envs(MOVES_AT_ONCE);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        Process::start(arguments.first().copied().unwrap_or("casement"), command)
    }

    /// Starts `casement engine`.
    pub fn engine(&self, data: &Path, clickhouse: SocketAddr) -> Result<Process, Error> {
        let (data, addr) = (data.display().to_string(), clickhouse.to_string());
        self.start(&["engine", "--data", &data, "--clickhouse", &addr])
    }

    /// Starts `casement backend` with its page at `http`.
    pub fn backend(
        &self,
        config: &Path,
        http: SocketAddr,
        environment: &[(&str, String)],
    ) -> Result<Process, Error> {
        let (config, addr) = (config.display().to_string(), http.to_string());
        self.start_with(&["backend", "--config", &config, "--http", &addr], environment)
    }

    /// Starts `casement ml` with its metrics and health at `http`.
    pub fn ml(&self, config: &Path, http: SocketAddr) -> Result<Process, Error> {
        let (config, addr) = (config.display().to_string(), http.to_string());
        self.start(&["ml", "--config", &config, "--http", &addr])
    }
}
