//! `casement generate`: a past that is the same after an interruption, and when it is made again.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use testkit::{Casement, children, free_addr, has_ended, wait_until_blocking};

/// Chunks of at most 31 days: three of them.
const FLAGS: [&str; 9] = [
    "generate",
    "--days",
    "70",
    "--devices",
    "2",
    "--every",
    "3600",
    "--clips-every",
    "720",
];

fn casement() -> Casement {
    Casement::new(env!("CARGO_BIN_EXE_casement"))
}

fn generate(data: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_casement"))
        .args(FLAGS)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

/// Rows of every table that the past has, and the rollups' readings.
fn counted(data: &Path) -> String {
    let address = free_addr();
    let mut engine = casement().engine(data, address).unwrap();
    engine.wait_for_line("casement engine is running").unwrap();
    let tables = [
        "sensor_temperature",
        "sensor_humidity",
        "sensor_co2",
        "sensor_wind",
        "sensor_audio",
        "window_actions",
        "window_states",
        "ml_predictions",
        "device_events",
        "decision_outcomes",
    ];
    let counts = tables.map(|table| format!("(SELECT count() FROM iot.{table}) AS {table}"));
    let statement = format!(
        "SELECT {}, (SELECT sum(readings) FROM iot.readings_by_time WHERE step = 86400) AS rolled_up FORMAT JSONEachRow",
        counts.join(", ")
    );
    let answer = testkit::sql(address, &statement).unwrap();
    engine.terminate(Duration::from_secs(10)).unwrap();
    answer
}

/// The address that the engine of `generate` was told.
fn address_of(engine: u32) -> Option<SocketAddr> {
    let line = fs::read_to_string(format!("/proc/{engine}/cmdline")).ok()?;
    line.split('\0').find_map(|argument| argument.parse().ok())
}

#[test]
fn an_interrupted_past_is_completed_and_counts_once() {
    let directory = tempfile::tempdir().unwrap();
    let (whole, cut) = (directory.path().join("whole"), directory.path().join("cut"));
    generate(&whole);
    let expected = counted(&whole);
    let count = |table: &str| {
        let counts: serde_json::Value = serde_json::from_str(&expected).unwrap();
        let count = &counts[table];
        count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap()
    };
    // Two devices for seventy days, but for the hours that they were away.
    assert!(
        (3_000..=3_360).contains(&count("sensor_temperature")),
        "{expected}"
    );
    assert!((1_500..=1_680).contains(&count("sensor_wind")), "{expected}");
    assert!(
        count("window_states") > 3_000 && count("decision_outcomes") > 0,
        "{expected}"
    );

    let data = cut.display().to_string();
    let mut arguments = FLAGS.to_vec();
    arguments.extend(["--data", &data]);
    let mut killed = casement().start(&arguments).unwrap();
    // Its first days are there, and others are under way.
    wait_until_blocking("the first days", || {
        let engines = children(killed.pid());
        let answer = engines.first().and_then(|&engine| {
            testkit::sql(address_of(engine)?, "SELECT count() > 0 FROM iot.window_states").ok()
        });
        answer.is_some_and(|answer| answer == "1")
    })
    .unwrap();
    let engines = children(killed.pid());
    killed.kill();
    wait_until_blocking("the engine's end", || engines.iter().all(|&pid| has_ended(pid))).unwrap();
    generate(&cut);
    assert_eq!(counted(&cut), expected);
    generate(&cut);
    assert_eq!(counted(&cut), expected, "made again");
}
