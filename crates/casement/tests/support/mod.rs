//! What the whole-system tests share: free ports, child processes that never outlive a test, HTTP and MQTT in short.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub mod client;
pub mod clip;

pub const START: Duration = Duration::from_mins(1);

/// An address nobody listens on: below the ports that outgoing connections take, and given out once.
pub fn free_addr() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 120) as u16 * 100;
    loop {
        let port = first + GIVEN.fetch_add(1, Ordering::Relaxed) % 100;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}

/// A process of the binary under test, or of a real peer; killed by its pid at the end of the test at the latest.
pub struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    pub fn casement(args: &[&str]) -> Self {
        Self::casement_with(args, &[])
    }

    pub fn casement_with(args: &[&str], env: &[(&str, String)]) -> Self {
        Self::casement_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), args, env)
    }

    pub fn casement_in(dir: &Path, args: &[&str], env: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casement"));
        command.args(args).current_dir(dir);
        command.envs(env.iter().map(|(k, v)| (k, v)));
        Self::spawn(command)
    }

    /// A Mosquitto without accounts at `addr`, its files in `dir`.
    pub fn open_mosquitto(dir: &Path, addr: SocketAddr) -> Self {
        let path = dir.join("mosquitto.conf");
        let text = format!(
            "listener {} {}\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 1000\nmax_queued_messages 0\n",
            addr.port(),
            addr.ip()
        );
        std::fs::write(&path, text).unwrap();
        let mut broker = Self::mosquitto(&path);
        broker.wait_for("running");
        broker
    }

    pub fn mosquitto(config: &Path) -> Self {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let mut command = Command::new(program.expect("Mosquitto is not installed: `make test` installs it"));
        command.arg("-c").arg(config);
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            collect(child.stdout.take().unwrap(), &lines),
            collect(child.stderr.take().unwrap(), &lines),
        ];
        Self {
            child,
            lines,
            readers,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn output(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits for a line that contains `text`.
    pub fn wait_for(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            if let Some(line) = self.lines.lock().unwrap().iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "ended with {ended:?} before saying '{text}':\n{}",
                self.output()
            );
            assert!(
                started.elapsed() < START,
                "never said '{text}':\n{}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end.
    pub fn end(&mut self, within: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // Its last words may still be in the pipes.
                for reader in self.readers.drain(..) {
                    reader.join().unwrap();
                }
                return status;
            }
            assert!(
                started.elapsed() < within,
                "still running after {within:?}:\n{}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn terminate(&mut self) {
        self.signal("-TERM");
        let status = self.end(Duration::from_secs(10));
        assert!(status.success(), "ended with {status}:\n{}", self.output());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- output of {} ---\n{}", self.pid(), self.output());
        }
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    })
}

/// `casement up` on free ports.
pub struct Up {
    pub process: Running,
    pub mqtt: SocketAddr,
    pub http: SocketAddr,
    pub clickhouse: SocketAddr,
    pub data: PathBuf,
}

impl Up {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_at(data, free_addr(), free_addr(), free_addr(), more)
    }

    pub fn start_at(
        data: &Path,
        mqtt: SocketAddr,
        http: SocketAddr,
        clickhouse: SocketAddr,
        more: &[&str],
    ) -> Self {
        let (m, h, c) = (mqtt.to_string(), http.to_string(), clickhouse.to_string());
        let mut args = vec![
            "up",
            "--data",
            data.to_str().unwrap(),
            "--mqtt",
            &m,
            "--http",
            &h,
            "--clickhouse",
            &c,
        ];
        args.extend(more);
        let mut process = Running::casement(&args);
        process.wait_for("Casement is ready");
        Self {
            process,
            mqtt,
            http,
            clickhouse,
            data: data.into(),
        }
    }

    /// The same system again, on the same directory and ports.
    pub fn restart(&mut self) {
        *self = Self::start_at(&self.data.clone(), self.mqtt, self.http, self.clickhouse, &[]);
    }

    pub fn sql(&self, query: &str) -> String {
        sql(self.clickhouse, query)
    }

    pub fn get(&self, path: &str) -> String {
        get(&format!("http://{}{path}", self.http)).unwrap()
    }

    /// Waits until the metrics have this line.
    pub fn wait_metric(&self, line: &str) {
        let started = Instant::now();
        while !self.get("/metrics").lines().any(|known| known == line) {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no '{line}' in the metrics"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks until the answer is `expected`; ClickHouse gets rows a second after they were accepted.
    pub fn wait_sql(&self, query: &str, expected: &str) {
        wait_sql(self.clickhouse, query, expected);
    }
}

pub fn sql(clickhouse: SocketAddr, query: &str) -> String {
    let mut answer = ureq::post(format!("http://{clickhouse}/"))
        .send(query)
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    answer.body_mut().read_to_string().unwrap().trim().to_owned()
}

pub fn wait_sql(clickhouse: SocketAddr, query: &str, expected: &str) {
    let started = Instant::now();
    loop {
        let answer = sql(clickhouse, query);
        if answer == expected {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{query}: {answer}, expected {expected}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn get(url: &str) -> Result<String, ureq::Error> {
    ureq::get(url).call()?.body_mut().read_to_string()
}

/// Runs a program to its end and gives what it wrote to standard output.
pub fn output(program: &str, args: &[&str]) -> String {
    let mut child = Command::new(program)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(
        child.wait().unwrap().success(),
        "{program} {args:?} failed: {text}"
    );
    text
}
