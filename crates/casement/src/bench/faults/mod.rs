//! `casement bench faults`: everything is broken, many times, under load; then what was acknowledged is compared with
//! what is stored.

mod books;
mod clock;
mod disk;
mod load;
mod scenarios;

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;

pub(crate) use self::clock::FakeClock;
use self::{books::Balance, scenarios::SCENARIOS};
use super::{Doors, House, house::Plan, latency::Device};
use crate::output::say;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rounds of each fault, instead of a full run's.
    pub rounds: Option<u32>,
    /// Only these faults; all when empty.
    pub only: Vec<String>,
    /// How long ClickHouse stays away.
    pub away: Duration,
    /// Decisions measured with ClickHouse, and without.
    pub decisions: usize,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// Runs the faults and prints their table; an error where a promise was not kept.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let names: Vec<&str> = SCENARIOS
        .iter()
        .map(|scenario| scenario.name)
        .chain(["latency"])
        .collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no fault '{unknown}'; there are {}", names.join(", "));
    }
    let chosen = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let (mut broken, mut kills) = (Vec::new(), 0);
    if !options.json {
        say!(
            "{:<13} {:<34} {:>6} {:>13} {:>6} {:>8} {:>6} {:>8}",
            "fault",
            "",
            "rounds",
            "acknowledged",
            "lost",
            "doubled",
            "wrong",
            "seconds"
        );
    }
    for scenario in SCENARIOS.iter().filter(|scenario| chosen(scenario.name)) {
        let rounds = options.rounds.unwrap_or(scenario.rounds);
        let started = Instant::now();
        let dir = tempfile::tempdir()?;
        let Some(balance) = scenarios::run(scenario, rounds, options.away, dir.path()).await? else {
            print_skipped(scenario, options.json);
            continue;
        };
        kills += if scenario.kills { rounds } else { 0 };
        print_line(scenario, rounds, balance, started.elapsed(), options.json);
        if !(balance.is_even() || !scenario.promised && balance.doubled == 0 && balance.wrong == 0) {
            broken.push(scenario.name);
        }
    }
    if chosen("latency") {
        latency(&options).await?;
    }
    if !options.json {
        say!("{kills} processes were killed");
    }
    if !broken.is_empty() {
        bail!("the books do not balance: {}", broken.join(", "));
    }
    Ok(())
}

fn print_line(scenario: &scenarios::Scenario, rounds: u32, balance: Balance, took: Duration, as_json: bool) {
    let Balance {
        acknowledged,
        lost,
        doubled,
        wrong,
    } = balance;
    let took = took.as_secs_f64();
    if as_json {
        let line = json!({
            "fault": scenario.name, "what": scenario.what, "rounds": rounds, "acknowledged": acknowledged, "lost": lost,
            "doubled": doubled, "wrong": wrong, "promised": scenario.promised, "seconds": took,
        });
        say!("{line}");
        return;
    }
    let note = if scenario.promised {
        ""
    } else {
        "  (no promise: see the broker's snapshots)"
    };
    say!(
        "{:<13} {:<34} {rounds:>6} {acknowledged:>13} {lost:>6} {doubled:>8} {wrong:>6} {took:>8.1}{note}",
        scenario.name,
        scenario.what
    );
}

fn print_skipped(scenario: &scenarios::Scenario, as_json: bool) {
    if as_json {
        say!("{}", json!({"fault": scenario.name, "not_run": scenario.needs}));
    } else {
        say!(
            "{:<13} {:<34} not run: {}",
            scenario.name,
            scenario.what,
            scenario.needs
        );
    }
}

/// The same device before ClickHouse is stopped and while it is.
async fn latency(options: &Options) -> anyhow::Result<()> {
    for (doors, name) in [
        (Doors::External, "Mosquitto"),
        (Doors::Embedded, "embedded broker"),
    ] {
        let dir = tempfile::tempdir()?;
        let mut house = House::prepare(dir.path(), Plan::new(doors))?;
        house.open().await?;
        let mut device = Device::connect(&house).await?;
        device.measure(options.decisions / 4).await?;
        let before = device.measure(options.decisions).await?;
        house.stop_database()?;
        let during = device.measure(options.decisions).await?;
        if options.json {
            say!(
                "{}",
                json!({"latency": name, "decisions": options.decisions, "with_clickhouse_ms": [before.p50, before.p99],
                    "without_ms": [during.p50, during.p99]})
            );
        } else {
            say!(
                "decisions by {name}, ms: p50 {:.2} p99 {:.2} with ClickHouse, p50 {:.2} p99 {:.2} with it stopped",
                before.p50,
                before.p99,
                during.p50,
                during.p99
            );
        }
        house.resume_database()?;
    }
    Ok(())
}
