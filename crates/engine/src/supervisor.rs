//! The parent's side: starts the engine's process, starts it again when it dies, and ends it.
//!
//! In: a program and its arguments. Out: an address that answers. The child's standard input is a pipe that only we
//! hold: when we end, however that happens, the child reads the end of its input and ends too.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_retry2::strategy::ExponentialBackoff;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use crate::EngineError;

const START: Duration = Duration::from_secs(30);
/// How long a process has to end without a deadline.
const END: Duration = Duration::from_millis(3_500);
/// The longest pause between restarts: the engine is back a second after the cause of its failures has gone.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// What is kept of a line that the process writes.
const LONGEST_LINE: usize = 8 << 10;
/// A child that lived this long did not fail at its start.
const SETTLED: Duration = Duration::from_secs(10);

/// How the engine's process is started.
#[derive(Debug, Clone)]
pub struct SpawnOptions {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables beside our own.
    pub env: Vec<(OsString, OsString)>,
    /// Where it listens: a fixed port, so that clients find it again.
    pub listen: SocketAddr,
    /// A line for its standard input, at its start and whenever it changes: what no file and no variable is to hold.
    pub handed: Option<watch::Receiver<String>>,
}

impl SpawnOptions {
    /// Makes options of a program, its arguments and its address.
    pub fn new(program: impl Into<PathBuf>, args: Vec<OsString>, listen: SocketAddr) -> Self {
        Self {
            program: program.into(),
            args,
            env: Vec::new(),
            listen,
            handed: None,
        }
    }
}

/// A running, supervised engine.
#[derive(Debug)]
pub struct Supervisor {
    listen: SocketAddr,
    status: Status,
    stop: CancellationToken,
    deadline: Deadline,
    task: JoinHandle<()>,
}

/// How the process is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Status {
    pid: Arc<AtomicU32>,
    restarts: Arc<AtomicU64>,
}

impl Status {
    /// Returns the process id, while there is a process.
    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Returns how often it was restarted.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    fn started(&self, child: &Child) {
        self.pid.store(child.id().unwrap_or(0), Ordering::Relaxed);
    }

    fn ended(&self) {
        self.pid.store(0, Ordering::Relaxed);
    }
}

/// When the process is killed; set before `stop` is cancelled.
type Deadline = Arc<parking_lot::Mutex<Option<Instant>>>;

struct Process {
    child: Child,
    /// Held open as long as the child is to live; `Child::wait` would close it.
    lifeline: Option<DropGuard>,
    reason: watch::Receiver<String>,
}

impl Supervisor {
    /// Starts the process. Returns as soon as it answers, or with the line it ended with.
    pub async fn start(options: SpawnOptions) -> Result<Self, EngineError> {
        let mut process = Process::spawn(&options)?;
        let deadline = Instant::now() + START;
        while !answers(options.listen, process.child.id()).await {
            if process.child.try_wait().map_err(EngineError::Spawn)?.is_some() {
                return Err(EngineError::Child {
                    reason: process.last_words().await,
                });
            }
            if Instant::now() > deadline {
                let _ = process.child.kill().await;
                return Err(EngineError::Child {
                    reason: format!(
                        "the ClickHouse engine did not answer within {} s",
                        START.as_secs()
                    ),
                });
            }
            sleep(Duration::from_millis(10)).await;
        }
        let (status, stop) = (Status::default(), CancellationToken::new());
        status.started(&process.child);
        let deadline = Deadline::default();
        let listen = options.listen;
        let task = tokio::spawn(supervise(
            process,
            options,
            status.clone(),
            stop.clone(),
            Arc::clone(&deadline),
        ));
        Ok(Self {
            listen,
            status,
            stop,
            deadline,
            task,
        })
    }

    /// Returns where it listens.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Returns how its process is, now and later.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Returns its process id, while there is a process.
    pub fn pid(&self) -> Option<u32> {
        self.status.pid()
    }

    /// Returns how often it was restarted.
    pub fn restarts(&self) -> u64 {
        self.status.restarts()
    }

    /// Ends it after what runs, at the latest by `deadline`.
    pub async fn stop(self, deadline: Instant) {
        *self.deadline.lock() = Some(deadline);
        self.stop.cancel();
        let _ = self.task.await;
    }
}

impl Process {
    fn spawn(options: &SpawnOptions) -> Result<Self, EngineError> {
        let mut command = Command::new(&options.program);
        command
            .args(&options.args)
            .envs(options.env.iter().map(|(k, v)| (k, v)));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A terminal's Ctrl-C goes to the whole group: the engine must outlive the drain.
        command.process_group(0);
        let mut child = command.spawn().map_err(EngineError::Spawn)?;
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, reason) = watch::channel(String::new());
        tokio::spawn(read_lines(BufReader::new(stderr), move |line| {
            if let Some(text) = line.strip_prefix("error: ") {
                drop(sender.send(text.to_owned()));
            } else {
                debug!(line, "engine");
            }
        }));
        let stdin = child.stdin.take().expect("it is piped");
        let lifeline = CancellationToken::new();
        tokio::spawn(hand_over(stdin, options.handed.clone(), lifeline.clone()));
        Ok(Self {
            child,
            lifeline: Some(lifeline.drop_guard()),
            reason,
        })
    }

    /// Returns the line that explains its end.
    async fn last_words(&mut self) -> String {
        let _ = timeout(
            Duration::from_secs(1),
            self.reason.wait_for(|reason| !reason.is_empty()),
        )
        .await;
        let reason = self.reason.borrow().clone();
        if reason.is_empty() {
            "the ClickHouse engine ended at its start without a reason; RUST_LOG=engine=debug shows its output".into()
        } else {
            reason
        }
    }

    async fn end(&mut self, deadline: Option<Instant>) {
        // The child finishes when its input is closed.
        drop(self.lifeline.take());
        let deadline = deadline.unwrap_or_else(|| Instant::now() + END);
        if timeout_at(deadline, self.child.wait()).await.is_err() {
            warn!(
                "the ClickHouse engine did not end in time and is killed; what was acknowledged is on disk"
            );
            let _ = self.child.kill().await;
        }
    }
}

/// Hands over every line until the end: of whatever bytes, cut where it is too long.
async fn read_lines(mut from: impl AsyncBufRead + Unpin, mut take: impl FnMut(&str)) {
    let mut line = Vec::new();
    while let Ok(read) = from.fill_buf().await {
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        line.extend_from_slice(&part[..part.len().min(LONGEST_LINE - line.len())]);
        let used = end.map_or(read.len(), |end| end + 1);
        from.consume(used);
        if end.is_some() || used == 0 {
            if end.is_some() || !line.is_empty() {
                take(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
        if used == 0 {
            return;
        }
    }
}

/// Holds the child's standard input open until `end`, and writes each new line there.
async fn hand_over(mut stdin: ChildStdin, handed: Option<watch::Receiver<String>>, end: CancellationToken) {
    let writing = async {
        let Some(mut handed) = handed else { return };
        loop {
            let line = handed.borrow_and_update().clone();
            let written = stdin.write_all(format!("{line}\n").as_bytes()).await;
            // The child has ended, which its supervisor sees.
            if written.is_err() || stdin.flush().await.is_err() || handed.changed().await.is_err() {
                return;
            }
        }
    };
    if end.run_until_cancelled(writing).await.is_some() {
        end.cancelled().await;
    }
    drop(stdin);
}

/// Whether the child itself answers at the address: another server on the port would answer as well.
async fn answers(addr: SocketAddr, pid: Option<u32>) -> bool {
    let ping = async {
        let mut stream = TcpStream::connect(addr).await.ok()?;
        stream
            .write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .ok()?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    let Ok(Some(answer)) = timeout(Duration::from_millis(500), ping).await else {
        return false;
    };
    let process = answer.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("x-casement-pid:")
            .map(|pid| pid.trim().to_owned())
    });
    answer.contains("200 OK") && process == pid.map(|pid| pid.to_string())
}

/// 100, 200, 400 ms and so on; without jitter, since nothing else starts at the same time.
fn restart_pauses() -> ExponentialBackoff {
    ExponentialBackoff::from_millis(2).factor(50).max_delay(MAX_PAUSE)
}

async fn supervise(
    mut process: Process,
    options: SpawnOptions,
    status: Status,
    stop: CancellationToken,
    deadline: Deadline,
) {
    let mut pauses = restart_pauses();
    loop {
        let started = Instant::now();
        let ended = tokio::select! {
            ended = process.child.wait() => ended,
            () = stop.cancelled() => {
                let deadline = *deadline.lock();
                return process.end(deadline).await;
            }
        };
        status.ended();
        warn!(status = ?ended.map(|status| status.to_string()), reason = *process.reason.borrow(), "the ClickHouse engine ended; starting it again");
        if started.elapsed() > SETTLED {
            pauses = restart_pauses();
        }
        process = loop {
            let pause = pauses.next().unwrap_or(MAX_PAUSE);
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
            match Process::spawn(&options) {
                Ok(process) => break process,
                Err(error) => warn!(%error, "the engine's process cannot be started"),
            }
        };
        status.started(&process.child);
        status.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        read_lines(BufReader::with_capacity(16, bytes), |line| {
            lines.push(line.to_owned());
        })
        .await;
        lines
    }

    #[tokio::test]
    async fn lines_of_any_bytes_are_read_to_the_end() {
        assert_eq!(lines_of(b"").await, [""; 0]);
        assert_eq!(lines_of(b"one\n\ntwo").await, ["one", "", "two"]);
        assert_eq!(
            lines_of(b"\xff\xfe no text\nerror: the reason\n").await,
            ["\u{fffd}\u{fffd} no text", "error: the reason"]
        );
        let long = [vec![b'x'; 3 * LONGEST_LINE], b"\nnext\n".to_vec()].concat();
        assert_eq!(
            lines_of(&long).await,
            ["x".repeat(LONGEST_LINE), "next".to_owned()]
        );
    }
}
