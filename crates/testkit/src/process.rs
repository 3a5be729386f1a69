//! Child processes: started with their output in a file, ended by their pid.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::{Error, wait::DEADLINE};

const POLL: Duration = Duration::from_millis(5);
const TAIL_LINES: usize = 12;

/// A child process. It is killed when dropped; after a panic its output is printed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    output: NamedTempFile,
}

impl Process {
    /// Starts `command` without input and with both outputs in one file.
    pub fn start(name: &str, mut command: Command) -> Result<Self, Error> {
        let output = NamedTempFile::new().map_err(Error::file(std::env::temp_dir()))?;
        // Both streams append, so that neither overwrites the other.
        let stream = || fs::File::options().append(true).open(output.path());
        let spawn = || -> io::Result<Child> {
            command
                .stdin(Stdio::null())
                .stdout(stream()?)
                .stderr(stream()?)
                .spawn()
        };
        let child = { spawn }().map_err(|source| Error::Start {
            name: name.to_owned(),
            source,
        })?;
        Ok(Self {
            child,
            name: name.to_owned(),
            output,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        let bytes = fs::read(self.output.path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines it printed.
    pub fn tail(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Waits until it has printed a line that contains `text`, and returns that line.
    pub fn wait_for_line(&mut self, text: &str) -> Result<String, Error> {
        let started = Instant::now();
        loop {
            // Checked first, so that the last output of a process that ends is complete when it is read.
            let running = self.check_running();
            let output = self.output();
            let mut complete = output.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(line) = complete.find(|line| line.contains(text)) {
                return Ok(line.trim_end().to_owned());
            }
            running?;
            if started.elapsed() > DEADLINE {
                let what = format!("{} prints '{text}'", self.name);
                return Err(Error::timeout(what, DEADLINE, output));
            }
            thread::sleep(POLL);
        }
    }

    /// Sends SIGKILL and reaps the process.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, Error> {
        let started = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if started.elapsed() <= within => thread::sleep(POLL),
                Ok(None) | Err(_) => {
                    let what = format!("{} ends", self.name);
                    return Err(Error::timeout(what, within, self.tail()));
                }
            }
        }
    }

    /// Sends SIGTERM and waits for the end, which must be a success.
    pub fn terminate(&mut self, within: Duration) -> Result<(), Error> {
        signal(self.pid(), Signal::TERM)?;
        let status = self.wait(within)?;
        if status.success() {
            Ok(())
        } else {
            Err(self.ended(status))
        }
    }

    /// Fails if the process has ended.
    pub(crate) fn check_running(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(self.ended(status)),
            _ => Ok(()),
        }
    }

    fn ended(&self, status: ExitStatus) -> Error {
        Error::Ended {
            name: self.name.clone(),
            status,
            output: self.tail(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- output of {} ---\n{}", self.name, self.output());
        }
    }
}

/// Sends a signal to a process by its pid.
pub fn signal(pid: u32, signal: Signal) -> Result<(), Error> {
    let target = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let sent = match target {
        Some(target) => kill_process(target, signal).map_err(io::Error::from),
        None => Err(io::ErrorKind::InvalidInput.into()),
    };
    sent.map_err(|source| Error::Signal { pid, source })
}

/// The pids of a process's children.
pub fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads.into_iter().flatten().flatten().map(|thread| {
        let list = fs::read_to_string(thread.path().join("children"));
        list.unwrap_or_default()
    });
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether no such process runs; a zombie has ended.
pub fn has_ended(pid: u32) -> bool {
    let path = format!("/proc/{pid}/status");
    !Path::new(&path).exists() || fs::read_to_string(path).is_ok_and(|status| status.contains("State:\tZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("sh", command).unwrap()
    }

    #[test]
    fn output_of_both_streams_is_kept_in_order() {
        let mut process = shell("echo one; echo two >&2; echo three");
        assert!(process.wait(DEADLINE).unwrap().success());
        assert_eq!(process.output(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_line_is_awaited_and_an_early_end_is_an_error() {
        let mut process = shell("sleep 0.05; echo port 17");
        assert_eq!(process.wait_for_line("port").unwrap(), "port 17");
        let error = shell("echo broken; exit 3").wait_for_line("ready").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("broken"),
            "{text}"
        );
    }

    #[test]
    fn a_dropped_process_has_ended() {
        let process = shell("sleep 60 & echo started; wait");
        let pid = process.pid();
        assert!(!has_ended(pid));
        let wait = crate::wait_until_blocking("the shell has a child", || !children(pid).is_empty());
        wait.unwrap();
        let child = children(pid)[0];
        drop(process);
        assert!(has_ended(pid));
        signal(child, Signal::KILL).unwrap();
    }

    #[test]
    fn termination_that_fails_is_an_error() {
        let mut process = shell("trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done");
        process.wait_for_line("ready").unwrap();
        assert!(matches!(process.terminate(DEADLINE), Err(Error::Ended { .. })));
    }
}
