//! The HTTP interface beside the library that it stands on, in one run, each in a process of its own, by turns:
//! inserts of 10,000 rows, small SELECTs, and a writer while four readers ask.
//!
//! The library is measured twice: as it is, and under the kernel's locks that the engine's process always has. They cost 0.2 to
//! 0.4 ms a statement: the library counts each thread's time in `/proc`, is refused, and goes on.
//!
//! `cargo bench -p engine`

#![allow(clippy::unwrap_used)]

use std::{
    env,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use engine::{Options, confine, raw::Raw, serve};
use tokio_util::sync::CancellationToken;

/// As in the binary that people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 10_000;
const ROUNDS: usize = 5;
const TABLE: &str = "CREATE TABLE IF NOT EXISTS default.readings (timestamp DateTime64(3), device_id LowCardinality(String), \
    value Float64) ENGINE = MergeTree ORDER BY (device_id, timestamp)";
const HEAD: &str = "INSERT INTO default.readings";
const INSERT: &str = "/?query=INSERT+INTO+default.readings+FORMAT+RowBinary";
const SMALL: &str = "SELECT count(), avg(value) FROM default.readings WHERE device_id = 'sensor-7'";
const DASHBOARD: &str = "SELECT toStartOfMinute(timestamp) AS t, device_id, avg(value) FROM default.readings GROUP BY t, device_id ORDER BY t";

/// What can be asked, whichever way it goes.
trait Door: Send {
    fn insert(&mut self, rows: &[u8]);
    fn select(&mut self, sql: &str) -> usize;
}

impl Door for engine::raw::RawConnection {
    fn insert(&mut self, rows: &[u8]) {
        Self::insert(self, HEAD, "RowBinary", rows).unwrap();
    }
    fn select(&mut self, sql: &str) -> usize {
        self.query(sql, "RowBinary").unwrap().len()
    }
}

struct Http {
    agent: ureq::Agent,
    url: String,
}

impl Http {
    fn new(addr: SocketAddr) -> Self {
        Self {
            agent: ureq::agent(),
            url: format!("http://{addr}"),
        }
    }
}

impl Door for Http {
    fn insert(&mut self, rows: &[u8]) {
        let url = format!("{}{INSERT}", self.url);
        let mut answer = self.agent.post(url).send(rows).unwrap();
        answer.body_mut().read_to_vec().unwrap();
    }
    fn select(&mut self, sql: &str) -> usize {
        let url = format!("{}/?default_format=RowBinary", self.url);
        let mut answer = self.agent.post(url).send(sql).unwrap();
        answer.body_mut().read_to_vec().unwrap().len()
    }
}

/// 10,000 readings as RowBinary.
fn rows(batch: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in 0..ROWS {
        bytes.extend((1_760_000_000_000 + (batch * ROWS + row) as i64).to_le_bytes());
        let mut device = String::new();
        let _ = write!(device, "sensor-{}", row % 50);
        bytes.push(device.len() as u8);
        bytes.extend(device.as_bytes());
        bytes.extend((20.0 + (row as f64 / 100.0).sin()).to_le_bytes());
    }
    bytes
}

fn median(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[values.len() * 99 / 100])
}

/// Milliseconds of each call.
fn timed(calls: usize, mut work: impl FnMut(usize)) -> Vec<f64> {
    (0..calls)
        .map(|call| {
            let started = Instant::now();
            work(call);
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

/// One turn of everything; prints `name milliseconds…`, a line for each.
fn turn(doors: impl Fn() -> Box<dyn Door>) {
    let batches: Vec<Vec<u8>> = (0..30).map(rows).collect();
    let mut door = doors();
    door.insert(&batches[0]);
    // A fresh engine is busy with itself for a moment.
    std::thread::sleep(Duration::from_secs(2));
    report("insert", &timed(30, |call| door.insert(&batches[call])));
    door.select(SMALL);
    report("one", &timed(300, |_| _ = door.select("SELECT 1")));
    report("small", &timed(300, |_| _ = door.select(SMALL)));
    let done = AtomicBool::new(false);
    let readers: Vec<Box<dyn Door>> = (0..4).map(|_| doors()).collect();
    std::thread::scope(|scope| {
        let readers: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                let done = &done;
                scope.spawn(move || {
                    let mut asked = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        asked.extend(timed(1, |_| _ = reader.select(DASHBOARD)));
                    }
                    asked
                })
            })
            .collect();
        report(
            "insert-beside-readers",
            &timed(30, |call| door.insert(&batches[call])),
        );
        done.store(true, Ordering::Relaxed);
        let asked: Vec<f64> = readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .collect();
        report("dashboard-beside-writer", &asked);
    });
}

fn report(name: &str, values: &[f64]) {
    let mut line = name.to_owned();
    for value in values {
        let _ = write!(line, " {value}");
    }
    println!("{line}");
}

/// The part of a child: `raw DIR` and `confined DIR` do their turn in their own process, `serve DIR ADDR` serves.
fn child(arguments: &[String]) {
    let options = |addr: &str| Options::new(&arguments[1], addr.parse().unwrap());
    if arguments[0] != "serve" {
        let options = options("127.0.0.1:0");
        if arguments[0] == "confined" {
            confine(&options).unwrap();
        }
        // Not on the first thread, whose stack the library would look up in a file that is closed.
        let all = std::thread::spawn(move || {
            let raw = Raw::open(&options).unwrap();
            raw.connect().unwrap().query(TABLE, "Null").unwrap();
            turn(|| Box::new(raw.connect().unwrap()));
        });
        all.join().unwrap();
        std::io::stdout().flush().unwrap();
        engine::leave(0);
    }
    let mut options = options(&arguments[2]);
    options.stop_with_parent = true;
    confine(&options).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = runtime.block_on(serve(options, CancellationToken::new(), |_| println!("ready")));
    served.unwrap();
    engine::leave(0);
}

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines that a turn printed.
fn through_raw(how: &str, dir: &Path) -> Vec<String> {
    let mut child = spawn(&[how, dir.to_str().unwrap()]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines = lines.map(Result::unwrap).collect();
    child.wait().unwrap();
    lines
}

/// The same through HTTP: the turn runs in a third process, the engine in its own.
fn through_http(dir: &Path) -> Vec<String> {
    let addr = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut server = spawn(&["serve", dir.to_str().unwrap(), &addr.to_string()]);
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut String::new())
        .unwrap();
    let mut client = spawn(&["ask", &addr.to_string()]);
    let lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let lines = lines.map(Result::unwrap).collect();
    client.wait().unwrap();
    drop(server.stdin.take());
    let started = Instant::now();
    while server.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = server.kill();
    server.wait().unwrap();
    lines
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("raw" | "confined" | "serve") => return child(&arguments),
        Some("ask") => {
            let addr: SocketAddr = arguments[1].parse().unwrap();
            Http::new(addr).select(TABLE);
            return turn(|| Box::new(Http::new(addr)));
        }
        _ => {}
    }
    // By turns, so that all have the machine's good and bad minutes; each on fresh data.
    let ways = ["raw", "confined", "http"];
    let mut found: Vec<(String, [Vec<f64>; 3])> = Vec::new();
    for _ in 0..ROUNDS {
        for (way, name) in ways.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let lines = if *name == "http" {
                through_http(dir.path())
            } else {
                through_raw(name, dir.path())
            };
            for line in lines {
                let (name, values) = line.split_once(' ').unwrap();
                let values = values.split(' ').map(|value| value.parse::<f64>().unwrap());
                let at = found
                    .iter()
                    .position(|(known, _)| known == name)
                    .unwrap_or_else(|| {
                        found.push((name.into(), Default::default()));
                        found.len() - 1
                    });
                found[at].1[way].extend(values);
            }
        }
    }
    println!(
        "{:<26} {:>18} {:>18} {:>18} {:>16} {:>20}",
        "ms, median and p99", "library", "confined", "HTTP", "HTTP's rate", "above the library"
    );
    for (name, ways) in found {
        let [raw, confined, http] = ways.map(median);
        println!(
            "{name:<26} {:>9.3} {:>8.3} {:>9.3} {:>8.3} {:>9.3} {:>8.3} {:>6.0} % {:>5.0} % {:>+9.3} {:>+9.3}",
            raw.0,
            raw.1,
            confined.0,
            confined.1,
            http.0,
            http.1,
            raw.0 / http.0 * 100.0,
            confined.0 / http.0 * 100.0,
            http.0 - raw.0,
            http.0 - confined.0
        );
    }
}
