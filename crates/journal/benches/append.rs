//! Append throughput with concurrent callers: records a second, latency of one call, CPU a record.
//!
//! `cargo bench -p journal -- [callers] [records per call] [payload bytes] [seconds] [key|nokey] [directory]`

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use journal::{Entry, Journal, Key, Options, PlanLimits};
use testkit::usage::{cpu_seconds, memory_mib};

struct Run {
    callers: u64,
    records: u64,
    payload: usize,
    seconds: u64,
    keyed: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let number = |i: usize, default: u64| arguments.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let run = Run {
        callers: number(0, 256),
        records: number(1, 1),
        payload: number(2, 60) as usize,
        seconds: number(3, 5),
        keyed: arguments.get(4).is_none_or(|a| a == "key"),
    };
    let directory = match arguments.get(5) {
        Some(path) => tempfile::tempdir_in(path),
        None => tempfile::tempdir(),
    };
    let directory = directory.expect("a directory for the journal");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(measure(&run, directory.path()));
}

async fn measure(run: &Run, directory: &std::path::Path) {
    let journal = Journal::open(Options::new(directory)).expect("a new journal");
    let end = Instant::now() + Duration::from_secs(run.seconds);
    let drain = tokio::spawn(drain(journal.clone(), end));
    let start = Instant::now();
    let pid = std::process::id();
    let cpu = cpu_seconds(pid);
    let callers: Vec<_> = (0..run.callers)
        .map(|caller| {
            tokio::spawn(call(
                journal.clone(),
                caller,
                end,
                run.records,
                run.payload,
                run.keyed,
            ))
        })
        .collect();
    let mut latencies = Histogram::<u64>::new(3).expect("three digits are valid");
    for caller in callers {
        latencies += caller.await.expect("a caller ends");
    }
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds(pid) - cpu;
    drain.await.expect("the drain ends");
    let stats = journal.stats();
    let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{} callers x {} x {} B, keys {}: {:.0} records/s, {:.1} records a sync, call p50 {:.2} ms p99 {:.2} ms max {:.1} ms, {:.2} us CPU a record, {} left, {:.0} MiB RSS",
        run.callers,
        run.records,
        run.payload,
        run.keyed,
        stats.stored as f64 / elapsed,
        stats.stored as f64 / stats.groups.max(1) as f64,
        at(0.5),
        at(0.99),
        at(1.0),
        cpu * 1e6 / stats.stored as f64,
        stats.records,
        memory_mib(pid),
    );
}

async fn call(
    journal: Journal,
    caller: u64,
    end: Instant,
    records: u64,
    payload: usize,
    keyed: bool,
) -> Histogram<u64> {
    let mut latencies = Histogram::new(3).expect("three digits are valid");
    let mut n = 0_u64;
    while Instant::now() < end {
        let entries = (0..records)
            .map(|_| {
                n += 1;
                // Spread like the hash it stands for.
                let key = (u128::from(caller) << 64 | u128::from(n))
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                Entry {
                    key: keyed.then_some(Key(key.to_be_bytes())),
                    payload: vec![b'x'; payload],
                }
            })
            .collect();
        let start = Instant::now();
        journal.append(entries).await.expect("the journal takes records");
        // Every 16th is enough.
        if n.is_multiple_of(16) || records > 1 {
            latencies += start.elapsed().as_micros() as u64;
        }
    }
    latencies
}

async fn drain(journal: Journal, end: Instant) {
    while Instant::now() < end {
        tokio::select! {
            () = journal.wait_for_records() => {}
            () = tokio::time::sleep_until(end.into()) => return,
        }
        if let Some(plan) = journal.next_plan(PlanLimits::default()).await.expect("a plan") {
            journal.finish(&plan).await.expect("the plan in progress");
        }
    }
}
