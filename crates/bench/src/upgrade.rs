//! `casement bench upgrade`: a database of an earlier schema, full of rows, brought up to this version.
//!
//! In: the binary, a number of rows, the schema to begin with. Out: how long each step takes, what the engine needs of memory and
//! disk, and how long a start takes afterwards. The rows are made by ClickHouse itself: what is measured is the upgrade.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::json;
use store::{Progress, SCHEMA_VERSION, Store, StoreOptions};
use testkit::{Addresses, Casement, free_addr, sql, sql_with};

/// Days that are inserted at a time: a month, as rows come by months.
const DAYS_AT_A_TIME: u32 = 30;
const DEVICES: u32 = 20;
const END: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);

/// A table's share of all rows in percent, and its values of `n`, a number.
const TABLES: [(&str, u64, &str); 6] = [
    (
        "sensor_temperature",
        40,
        "(timestamp, device_id, value) SELECT t, d, round(20 + 4 * sin(n / 13751) + rand(n) % 100 / 200, 2)",
    ),
    (
        "sensor_humidity",
        40,
        "(timestamp, device_id, value) SELECT t, d, round(50 + 9 * sin(n / 9973) + rand(n) % 100 / 100, 1)",
    ),
    (
        "window_states",
        10,
        "(timestamp, device_id, position) SELECT t, d, n % 101",
    ),
    (
        "ml_predictions",
        5,
        "(timestamp, device_id, prediction, confidence, inference_time_ms, model_version, held) \
         SELECT t, d, n % 101, rand(n) % 100 / 100, rand(n) % 10 / 10, 'v1.0.0', n % 9 = 0",
    ),
    (
        "window_actions",
        4,
        "(timestamp, device_id, position, confidence, temperature, humidity, audio_hash, command_id, model_version) \
         SELECT t, d, n % 101, 0.8, 21, 50, '', toString(n), 'v1.0.0'",
    ),
    (
        "sensor_audio",
        1,
        "(timestamp, device_id, sample_rate, duration, format, audio_hash, features) SELECT t, d, 16000, 2, 'wav', hex(n), \
         concat('{\"level\":{\"equivalent_dbfs\":-', toString(rand(n) % 60), ',\"max_dbfs\":-3.5},\"mfcc\":{\"mean\":[', \
         arrayStringConcat(arrayMap(i -> toString((rand(n) + i) % 300), range(20)), ','), '],\"std\":[1,2]},\"rms\":{\"mean\":[0.25]}}')",
    ),
];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Rows, of all tables together.
    pub rows: u64,
    /// Days that they are spread over.
    pub days: u32,
    /// The schema to begin with, at least 11: the last one without rollups.
    pub from: u32,
    /// JSON lines instead of text.
    pub json: bool,
}

/// Measures and prints. Returns an error where rows or rollups are not as they have to be.
pub async fn run(options: Options, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let data = tempfile::tempdir().context("a temporary directory")?;
    let clickhouse = free_addr();
    let mut engine = options.casement.engine(data.path(), clickhouse)?;
    engine.wait_for_line("casement engine is running")?;
    let store = Store::new(StoreOptions::new(format!("http://{clickhouse}"), "iot"))?;
    store.migrate_until(options.from, &|_| {}).await?;
    for (table, share, what) in TABLES {
        let rows = (options.rows * share / 100).max(1);
        let mut left = options.days;
        while left > 0 {
            let days = left.min(DAYS_AT_A_TIME);
            sql_with(
                clickhouse,
                "database=iot",
                &fill(table, what, rows, options.days, left, days),
            )?;
            left -= days;
        }
    }
    let counted = counts(clickhouse)?;
    // As a new version finds it: not in memory.
    engine.terminate(END)?;
    let before = size(data.path());
    let mut engine = options.casement.engine(data.path(), clickhouse)?;
    engine.wait_for_line("casement engine is running")?;
    let idle = testkit::usage::memory_mib(engine.pid());
    let peak = Peak::watch(engine.pid());
    let steps = Steps::default();
    let started = Instant::now();
    store.migrate_telling(&|progress| steps.note(progress)).await?;
    let took = started.elapsed();
    let peak = peak.end();
    ensure!(counts(clickhouse)? == counted, "rows were lost or came twice");
    engine.terminate(END)?;
    let after = size(data.path());
    let mut engine = options.casement.engine(data.path(), clickhouse)?;
    engine.wait_for_line("casement engine is running")?;
    let comparison = Peak::watch(engine.pid());
    let began = Instant::now();
    compare(&store).await?;
    let compared = (began.elapsed(), comparison.end());
    engine.terminate(END)?;
    let start = Instant::now();
    let mut up = options
        .casement
        .up(data.path(), Addresses::free(), &["--no-ml"])?;
    up.wait_for_line("Casement is ready")?;
    let start = start.elapsed();
    up.terminate(END)?;
    let figures = Figures {
        rows: counted.values().sum(),
        steps: steps.end(took),
        took,
        memory: (idle, peak),
        disk: (before, after),
        start,
        compared,
    };
    figures.print(&options, out)
}

struct Figures {
    rows: u64,
    steps: Vec<(String, Duration)>,
    took: Duration,
    /// Of the engine, MiB: before, and at most.
    memory: (f64, f64),
    /// MiB: before and after.
    disk: (f64, f64),
    start: Duration,
    /// How long the comparison of rollups with rows took, and the engine's memory meanwhile, MiB.
    compared: (Duration, f64),
}

impl Figures {
    fn print(&self, options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
        let Self {
            rows,
            steps,
            took,
            memory: (idle, peak),
            disk: (before, after),
            start,
            compared: (comparing, compared_mib),
        } = self;
        if options.json {
            let steps: Vec<_> = steps
                .iter()
                .map(|(name, took)| json!({"step": name, "ms": took.as_millis() as u64}))
                .collect();
            let line = json!({"rows": rows, "from": options.from, "to": SCHEMA_VERSION, "ms": took.as_millis() as u64,
                "idle_mib": idle, "peak_mib": peak, "disk_before_mib": before, "disk_after_mib": after,
                "start_ms": start.as_millis() as u64, "compared_ms": comparing.as_millis() as u64, "compared_mib": compared_mib,
                "steps": steps});
            writeln!(out, "{line}")?;
            return Ok(());
        }
        writeln!(
            out,
            "{rows} rows over {} days, schema {} to {SCHEMA_VERSION}: {:.1} s; the engine's memory {idle:.0} MiB before, {peak:.0} MiB \
             at most; on disk {before:.0} MiB before, {after:.0} MiB after; a start afterwards {:.1} s; rollups compared with \
             rows in {:.1} s, with {compared_mib:.0} MiB\n",
            options.days,
            options.from,
            took.as_secs_f64(),
            start.as_secs_f64(),
            comparing.as_secs_f64()
        )?;
        writeln!(out, "| step | seconds |\n|---|---|")?;
        for (name, took) in steps {
            writeln!(out, "| {name} | {:.2} |", took.as_secs_f64())?;
        }
        Ok(())
    }
}

/// The statement that makes the rows of `days` days, of which the first is so many days ago.
fn fill(table: &str, what: &str, rows: u64, all_days: u32, days_ago: u32, days: u32) -> String {
    let of_days = (rows * u64::from(days) / u64::from(all_days)).max(1);
    let ms = (u64::from(days) * 86_400_000 / of_days).max(1);
    format!(
        "INSERT INTO {table} {what} FROM (SELECT number AS n, concat('room-', toString(n % {DEVICES})) AS d, \
         toDateTime64(today(), 3) - INTERVAL {days_ago} DAY + toIntervalMillisecond(n * {ms}) AS t FROM numbers({of_days})) \
         SETTINGS max_insert_threads = 2"
    )
}

type Counts = std::collections::BTreeMap<&'static str, u64>;

fn counts(clickhouse: SocketAddr) -> anyhow::Result<Counts> {
    TABLES
        .iter()
        .map(|(table, ..)| {
            let counted = sql(clickhouse, &format!("SELECT count() FROM iot.{table}"))?;
            Ok((*table, counted.parse()?))
        })
        .collect()
}

/// Every rollup says what its rows say. The comparison is not part of what is measured.
async fn compare(store: &Store) -> anyhow::Result<()> {
    for compared in store.compare_rollups().await? {
        ensure!(
            compared.different == 0,
            "{compared:?}: the rollup differs from its rows"
        );
    }
    Ok(())
}

/// Files below `dir`, MiB.
fn size(dir: &Path) -> f64 {
    fn bytes(dir: &Path) -> u64 {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(data) if data.is_dir() => bytes(&entry.path()),
                Ok(data) => data.len(),
                Err(_) => 0,
            })
            .sum()
    }
    bytes(dir) as f64 / f64::from(1 << 20)
}

/// Steps and when they began.
#[derive(Default)]
struct Steps(Mutex<Vec<(String, Instant)>>);

impl Steps {
    fn note(&self, progress: &Progress) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.last().is_none_or(|(name, _)| *name != progress.name) {
            steps.push((progress.name.clone(), Instant::now()));
        }
    }

    /// Each with the time until the next, the last one until the end; months of a rollup are one line.
    fn end(self, took: Duration) -> Vec<(String, Duration)> {
        let steps = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = steps.first().map(|(_, began)| *began) else {
            return Vec::new();
        };
        let ends = steps
            .iter()
            .skip(1)
            .map(|(_, began)| *began)
            .chain([first + took]);
        let mut lines: Vec<(String, Duration)> = Vec::new();
        for ((name, began), end) in steps.iter().zip(ends) {
            let took = end.saturating_duration_since(*began);
            let name = match name.split_once(' ') {
                Some((target, _)) => format!("rows of before in {target}"),
                None => name.clone(),
            };
            match lines.last_mut() {
                Some((last, sum)) if *last == name => *sum += took,
                _ => lines.push((name, took)),
            }
        }
        lines
    }
}

/// The most memory that a process had.
struct Peak {
    over: Arc<AtomicBool>,
    watching: thread::JoinHandle<f64>,
}

impl Peak {
    fn watch(pid: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let watching = thread::spawn(move || {
            let mut most = 0.0_f64;
            while !until.load(Ordering::Relaxed) {
                most = most.max(testkit::usage::memory_mib(pid));
                thread::sleep(LOOK);
            }
            most
        });
        Self { over, watching }
    }

    fn end(self) -> f64 {
        self.over.store(true, Ordering::Relaxed);
        self.watching.join().unwrap_or_default()
    }
}
