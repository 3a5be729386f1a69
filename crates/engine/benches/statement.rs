//! Parsing a statement and checking it, without an engine: microseconds by the length of the statement.
//!
//! `cargo bench -p engine --bench statement`

use std::{hint::black_box, time::Instant};

use engine::raw::Reading;

/// As in the binary that people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 51;
const CALLS: u32 = 200;
const SMALL: &str = "SELECT count(), avg(value) FROM default.readings WHERE device_id = 'sensor-7'";
const DASHBOARD: &str = "SELECT toStartOfMinute(timestamp) AS t, device_id, avg(value) FROM default.readings GROUP BY t, device_id ORDER BY t";

fn main() {
    let reading = Reading::default();
    let columns: Vec<String> = (0..300).map(|n| format!("value + {n} AS column_{n}")).collect();
    let long = format!("SELECT {} FROM default.readings", columns.join(", "));
    println!(
        "{:<10} {:>6} {:>9} {:>9} {:>9}",
        "us", "bytes", "median", "p10", "p90"
    );
    for (name, sql) in [
        ("one", "SELECT 1"),
        ("small", SMALL),
        ("dashboard", DASHBOARD),
        ("long", &long),
    ] {
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                for _ in 0..CALLS {
                    black_box(reading.permits(black_box(sql)));
                }
                started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let at = |share: usize| rounds[ROUNDS * share / 100];
        println!(
            "{name:<10} {:>6} {:>9.2} {:>9.2} {:>9.2}",
            sql.len(),
            at(50),
            at(10),
            at(90)
        );
    }
}
