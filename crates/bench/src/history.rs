//! `casement bench history`: a year of one device at a reading a second, asked for as charts ask.
//!
//! In: the binary, a number of questions. Out: the time from question to the end of the answer, over HTTP, for an hour, a day, a
//! month and a year, each in as many points as a wide chart has pixels. The year is made by ClickHouse itself: what is measured
//! is reading.

use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use testkit::{Addresses, Casement};

const DEVICE: &str = "bench";
/// Days that are inserted at a time: a month, as rows come by months.
const DAYS_AT_A_TIME: u32 = 30;
/// The longest that an answer should take, whatever the span.
const TARGET: Duration = Duration::from_millis(150);
const SPANS: [(&str, &str); 4] = [
    ("hour", "-1h"),
    ("day", "-1d"),
    ("month", "-30d"),
    ("year", "-365d"),
];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Days of readings.
    pub days: u32,
    /// Questions of each span.
    pub questions: usize,
    /// Points of a history.
    pub points: u32,
    /// JSON lines instead of text.
    pub json: bool,
}

/// Measures and prints. Returns an error where the target was missed.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let data = tempfile::tempdir().context("a temporary directory")?;
    let config = data.path().join("casement.yaml");
    fs::write(
        &config,
        "http:\n  limits:\n    requests_per_s: 1000000\n    burst: 1000000\n",
    )?;
    let at = Addresses::free();
    let flag = format!("--config={}", config.display());
    let mut up = options.casement.up(data.path(), at, &[&flag])?;
    up.wait_for_line("Casement is ready")?;
    let started = Instant::now();
    let mut left = options.days;
    while left > 0 {
        let days = left.min(DAYS_AT_A_TIME);
        testkit::sql(at.clickhouse, &month(left, days))?;
        left -= days;
    }
    if !options.json {
        let (days, took) = (options.days, started.elapsed().as_secs_f64());
        writeln!(
            out,
            "{days} days of a reading a second were made in {took:.0} s; {} questions of each span, {} points, milliseconds\n",
            options.questions, options.points
        )?;
        writeln!(
            out,
            "| span | readings | points | p50 | p99 | most |\n|---|---|---|---|---|---|"
        )?;
    }
    let mut slowest = Duration::ZERO;
    for (name, from) in SPANS {
        let url = format!(
            "http://{}/api/v1/devices/{DEVICE}/history?quantity=temperature&from={from}&points={}",
            at.http, options.points
        );
        let asked = ask(&url, options.questions)?;
        let ms = |us: u64| us as f64 / 1e3;
        let [p50, p99] = [0.5, 0.99].map(|share| asked.took.value_at_quantile(share));
        let most = asked.took.max();
        slowest = slowest.max(Duration::from_micros(p50));
        if options.json {
            let line = json!({"span": name, "readings": asked.readings, "points": asked.points, "p50_ms": ms(p50),
                "p99_ms": ms(p99), "most_ms": ms(most)});
            writeln!(out, "{line}")?;
        } else {
            writeln!(
                out,
                "| {name} | {} | {} | {:.1} | {:.1} | {:.1} |",
                asked.readings,
                asked.points,
                ms(p50),
                ms(p99),
                ms(most)
            )?;
        }
    }
    up.terminate(Duration::from_secs(20))?;
    ensure!(
        slowest <= TARGET,
        "an answer takes longer than {} ms",
        TARGET.as_millis()
    );
    Ok(())
}

/// The statement that makes `days` days, of which the first is so many days ago.
fn month(days_ago: u32, days: u32) -> String {
    format!(
        "INSERT INTO iot.sensor_temperature (timestamp, device_id, value) SELECT now64(3) - INTERVAL {days_ago} DAY + INTERVAL \
         number SECOND + INTERVAL rand() % 30 MILLISECOND, '{DEVICE}', round(20 + 4 * sin(number / 13751) + rand(1) % 100 / \
         200, 2) FROM numbers({}) SETTINGS max_insert_threads = 2",
        u64::from(days) * 86_400
    )
}

/// What the answers were, and how long they took, in µs.
struct Asked {
    took: Histogram<u64>,
    points: usize,
    readings: u64,
}

fn ask(url: &str, questions: usize) -> anyhow::Result<Asked> {
    let agent = ureq::Agent::new_with_defaults();
    let mut took = Histogram::new(3)?;
    let mut last = Value::Null;
    // The first one opens files and the connection.
    for number in 0..=questions {
        let started = Instant::now();
        let body = agent.get(url).call()?.body_mut().read_to_vec()?;
        if number > 0 {
            took.record(started.elapsed().as_micros() as u64)?;
        }
        last = serde_json::from_slice(&body)?;
    }
    let points = last["points"].as_array().context("points")?;
    let readings = points.iter().filter_map(|point| point["readings"].as_u64());
    Ok(Asked {
        took,
        points: points.len(),
        readings: readings.sum(),
    })
}
