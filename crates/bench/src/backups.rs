//! `casement bench backup`: what a device notices of a backup under a steady load, how long one takes, and whether all that
//! was acknowledged before it began is there after it was restored.
//!
//! In: the binary, a rate, rows of before. Out: latencies of acknowledgements without a backup, during a full one and during an
//! incremental one; sizes and times. Publishers run in this process.

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use mqtt::{BrokerUrl, ConnectionOptions, Qos};
use parking_lot::Mutex;
use serde_json::{Value, json};
use testkit::{Addresses, Casement};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

const PUBLISHERS: usize = 20;
/// Unacknowledged readings of a publisher, at most.
const AHEAD: usize = 500;
const PHASES: [&str; 3] = ["without", "full", "incremental"];
const PATIENCE: Duration = Duration::from_mins(1);

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Readings a second.
    pub rate: u64,
    /// Rows of before.
    pub rows: u64,
    /// How long the load runs before the first backup.
    pub time: Duration,
    /// JSON lines instead of text.
    pub json: bool,
}

/// Latencies by phase, and what was acknowledged.
struct Book {
    phase: AtomicUsize,
    acknowledged: AtomicU64,
    lost: AtomicU64,
    latencies: [Mutex<Histogram<u64>>; 3],
}

/// Measures and prints. Returns an error where something acknowledged is missing.
pub async fn run(options: Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let root = tempfile::tempdir().context("a temporary directory")?;
    let (data, shelf, new) = (
        root.path().join("data"),
        root.path().join("shelf"),
        root.path().join("new"),
    );
    let at = Addresses::free();
    let mut up = options.casement.up(&data, at, &[])?;
    up.wait_for_line("Casement is ready")?;
    let sql = format!(
        "INSERT INTO iot.sensor_temperature (timestamp, device_id, value) SELECT now64(3) - INTERVAL 40 DAY + INTERVAL number * 300 \
         MILLISECOND, concat('before-', toString(number % 50)), round(20 + rand() % 1000 / 100, 2) FROM numbers({})",
        options.rows
    );
    testkit::sql(at.clickhouse, &sql)?;
    let latency = || anyhow::Ok(Mutex::new(Histogram::new(3)?));
    let book = Arc::new(Book {
        phase: AtomicUsize::new(0),
        acknowledged: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        latencies: [latency()?, latency()?, latency()?],
    });
    let stop = CancellationToken::new();
    let mut publishers = JoinSet::new();
    for number in 0..PUBLISHERS {
        publishers.spawn(publish(
            at.mqtt,
            number,
            options.rate,
            Arc::clone(&book),
            stop.clone(),
        ));
    }
    let mut times = [options.time; 3];
    let mut made = Vec::new();
    let mut before = 0;
    tokio::time::sleep(options.time).await;
    for phase in [1, 2] {
        book.phase.store(phase, Relaxed);
        before = book.acknowledged.load(Relaxed);
        let (casement, data, shelf) = (options.casement.clone(), data.clone(), shelf.clone());
        let started = Instant::now();
        made.push(spawn_blocking(move || back_up(&casement, &data, &shelf, phase > 1)).await??);
        times[phase] = started.elapsed();
    }
    stop.cancel();
    while publishers.join_next().await.is_some() {}
    up.terminate(PATIENCE)?;
    let started = Instant::now();
    command(
        &options.casement,
        &[
            "restore".as_ref(),
            shelf.as_os_str(),
            "--data".as_ref(),
            new.as_os_str(),
        ],
    )?;
    let restored_s = started.elapsed().as_secs_f64();
    let at = Addresses::free();
    let mut up = options.casement.up(&new, at, &[])?;
    up.wait_for_line("Casement is ready")?;
    let figures = Figures {
        book: &book,
        times,
        made: &made,
        restored_s,
    };
    figures.print(options.json, out)?;
    wait_for_journal(&at)?;
    let sql = "SELECT count(), uniqExact(device_id, timestamp) FROM iot.sensor_temperature WHERE device_id LIKE 'bench%' FORMAT TSV";
    let answer = testkit::sql(at.clickhouse, sql)?;
    let mut counts = answer
        .split_whitespace()
        .filter_map(|word| word.parse::<u64>().ok());
    let (stored, distinct) = counts.next().zip(counts.next()).context("two counts")?;
    up.terminate(PATIENCE)?;
    ensure!(
        book.lost.load(Relaxed) == 0,
        "{} readings were not acknowledged",
        book.lost.load(Relaxed)
    );
    ensure!(
        stored == distinct,
        "{} readings are stored twice",
        stored - distinct
    );
    ensure!(
        stored >= before,
        "{before} readings were acknowledged before the last backup began, and {stored} were restored"
    );
    Ok(())
}

fn wait_for_journal(at: &Addresses) -> anyhow::Result<()> {
    let url = format!("http://{}/api/v1/status", at.http);
    testkit::wait_until_blocking("the journal is empty", || {
        testkit::get(&url).is_ok_and(|page| page.contains("\"journal_records\":0"))
    })?;
    Ok(())
}

async fn publish(
    broker: std::net::SocketAddr,
    number: usize,
    rate: u64,
    book: Arc<Book>,
    stop: CancellationToken,
) {
    let options = ConnectionOptions::new(BrokerUrl::tcp(broker.ip().to_string(), broker.port()), "");
    let (connection, mut events) = mqtt::connect(options);
    let receiving = tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(PUBLISHERS as f64 / rate.max(1) as f64));
    let begin = jiff::Timestamp::now().as_millisecond() - 12 * 3_600_000;
    let mut sent = JoinSet::new();
    for n in 0.. {
        if stop.run_until_cancelled(ticks.tick()).await.is_none() {
            break;
        }
        let (connection, book) = (connection.clone(), Arc::clone(&book));
        sent.spawn(async move {
            let time = domain::Timestamp::from_millis(begin + n);
            let payload = format!(r#"{{"value": 21.0, "timestamp": "{time}"}}"#);
            let topic = format!("sensor/bench-{number}/temperature");
            let (phase, started) = (book.phase.load(Relaxed), Instant::now());
            let confirmed = connection.publish_confirmed(topic, payload, Qos::AtLeastOnce, false);
            match tokio::time::timeout(PATIENCE, confirmed).await {
                Ok(Ok(())) => {
                    book.acknowledged.fetch_add(1, Relaxed);
                    let _ = book.latencies[phase]
                        .lock()
                        .record(started.elapsed().as_micros() as u64);
                }
                _ => {
                    book.lost.fetch_add(1, Relaxed);
                }
            }
        });
        while sent.try_join_next().is_some() {}
        // What cannot be kept up with is not piled up: the rate falls.
        if sent.len() >= AHEAD {
            sent.join_next().await;
        }
    }
    while sent.join_next().await.is_some() {}
    connection.disconnect().await;
    receiving.abort();
}

fn back_up(casement: &Casement, data: &Path, shelf: &Path, incremental: bool) -> anyhow::Result<Value> {
    let mut arguments: Vec<&OsStr> = vec![
        "backup".as_ref(),
        "--json".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--to".as_ref(),
        shelf.as_os_str(),
    ];
    if incremental {
        arguments.push("--incremental".as_ref());
    }
    Ok(serde_json::from_slice(&command(casement, &arguments)?)?)
}

fn command(casement: &Casement, arguments: &[&OsStr]) -> anyhow::Result<Vec<u8>> {
    let output = casement.command(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {said}");
    Ok(output.stdout)
}

struct Figures<'a> {
    book: &'a Book,
    times: [Duration; 3],
    made: &'a [Value],
    restored_s: f64,
}

impl Figures<'_> {
    fn print(&self, as_json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        if !as_json {
            writeln!(
                out,
                "| backup | took, s | readings/s | acknowledged after p50, ms | p99 | most | MiB | files |\n|---|---|---|---|---|---|---|---|"
            )?;
        }
        for (at, phase) in PHASES.into_iter().enumerate() {
            let latency = self.book.latencies[at].lock();
            let seconds = self.times[at].as_secs_f64();
            let rate = latency.len() as f64 / seconds;
            let ms = |us: u64| us as f64 / 1e3;
            let [p50, p99] = [0.5, 0.99].map(|share| ms(latency.value_at_quantile(share)));
            let most = ms(latency.max());
            let made = at.checked_sub(1).map(|at| &self.made[at]);
            let mib = made.and_then(|made| made["bytes"].as_f64()).unwrap_or(0.0) / f64::from(1 << 20);
            let files = made.and_then(|made| made["files"].as_u64()).unwrap_or(0);
            if as_json {
                let line = json!({"backup": phase, "seconds": seconds, "rate": rate, "p50_ms": p50, "p99_ms": p99,
                    "most_ms": most, "mib": mib, "files": files});
                writeln!(out, "{line}")?;
            } else {
                writeln!(
                    out,
                    "| {phase} | {seconds:.1} | {rate:.0} | {p50:.1} | {p99:.1} | {most:.1} | {mib:.1} | {files} |"
                )?;
            }
        }
        if as_json {
            writeln!(out, "{}", json!({"restored_s": self.restored_s}))?;
        } else {
            writeln!(
                out,
                "\nrestored, with counts and checksums, in {:.1} s",
                self.restored_s
            )?;
        }
        Ok(())
    }
}
