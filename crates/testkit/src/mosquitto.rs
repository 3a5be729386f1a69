//! Mosquitto, the external broker of tests and benches.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{Error, Process, free_addr, wait_until_blocking};

const PROGRAMS: [&str; 3] = [
    "/usr/sbin/mosquitto",
    "/usr/bin/mosquitto",
    "/usr/local/sbin/mosquitto",
];

/// A Mosquitto with a directory of its own.
#[derive(Debug)]
pub struct Mosquitto {
    addr: SocketAddr,
    directory: TempDir,
    settings: String,
    process: Option<Process>,
}

impl Mosquitto {
    /// Starts a broker on a free port for anonymous clients, and waits until it listens.
    pub fn start() -> Result<Self, Error> {
        Self::start_with("")
    }

    /// Starts a broker on a free port with additional settings, one a line.
    pub fn start_with(settings: &str) -> Result<Self, Error> {
        let mut broker = Self::prepare(free_addr(), settings)?;
        broker.restart()?;
        Ok(broker)
    }

    /// Starts a broker with a configuration file of its own, which listens at `addr` among others. It ends with the result.
    pub fn start_configured(file: &Path, addr: SocketAddr) -> Result<Process, Error> {
        let mut command = Command::new(program()?);
        command.arg("-c").arg(file);
        let mut process = Process::start("mosquitto", command)?;
        let mut ended = Ok(());
        wait_until_blocking("Mosquitto listens", || {
            ended = process.check_running();
            ended.is_err() || TcpStream::connect(addr).is_ok()
        })?;
        ended.map(|()| process)
    }

    /// Prepares a broker at `addr` without starting it.
    pub fn prepare(addr: SocketAddr, settings: &str) -> Result<Self, Error> {
        let directory = tempfile::tempdir().map_err(Error::file(std::env::temp_dir()))?;
        Ok(Self {
            addr,
            directory,
            settings: settings.to_owned(),
            process: None,
        })
    }

    /// Adds settings that keep sessions and messages on disk, in a snapshot every `autosave_s` seconds.
    #[must_use]
    pub fn persistent(mut self, autosave_s: u32) -> Self {
        // Started by root, Mosquitto would switch to a user who may not write to the directory.
        let location = self.directory.path().display();
        self.settings.push_str("\nuser root\npersistence true\n");
        let lines = [
            format!("persistence_location {location}/"),
            format!("autosave_interval {autosave_s}"),
        ];
        self.settings.push_str(&lines.join("\n"));
        self
    }

    /// Kills the broker if it runs, starts it on the same address and directory, and waits until it listens.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.kill();
        let file = self.directory.path().join("mosquitto.conf");
        fs::write(&file, self.configuration()).map_err(Error::file(&file))?;
        let mut command = Command::new(program()?);
        command.arg("-c").arg(&file);
        let process = self.process.insert(Process::start("mosquitto", command)?);
        let mut ended = Ok(());
        wait_until_blocking("Mosquitto listens", || {
            ended = process.check_running();
            ended.is_err() || TcpStream::connect(self.addr).is_ok()
        })?;
        ended
    }

    /// Kills the broker, as a power failure would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) const fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    pub(crate) const fn process_mut(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    fn configuration(&self) -> String {
        let (port, ip) = (self.addr.port(), self.addr.ip());
        let anonymous = if self.settings.contains("allow_anonymous") {
            ""
        } else {
            "allow_anonymous true\n"
        };
        format!(
            "per_listener_settings false\nlistener {port} {ip}\n{anonymous}set_tcp_nodelay true\n\
             max_inflight_messages 1000\nmax_queued_messages 0\n{}\n",
            self.settings
        )
    }
}

fn program() -> Result<PathBuf, Error> {
    let found = PROGRAMS.iter().map(PathBuf::from).find(|path| path.exists());
    found.ok_or(Error::NotInstalled {
        program: "Mosquitto",
        package: "mosquitto",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_listens_again_after_a_restart() {
        let mut broker = Mosquitto::start().unwrap();
        broker.kill();
        assert!(TcpStream::connect(broker.addr()).is_err());
        broker.restart().unwrap();
        assert!(TcpStream::connect(broker.addr()).is_ok());
    }

    #[test]
    fn settings_that_it_refuses_are_an_error_with_its_output() {
        let error = Mosquitto::start_with("no_such_setting 1").unwrap_err();
        assert!(error.to_string().contains("no_such_setting"), "{error}");
    }
}
