//! `casement bench faults`: processes, network, disk and clocks fail under load; then what was acknowledged is compared
//! with what is stored, and the rollups with the rows.

mod companion;
mod load;
mod reconciliation;
mod report;
mod rollups;
mod saturation;
mod scenario;
mod scenarios;
mod settings;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use anyhow::bail;
use testkit::{Casement, Deployment, DeploymentOptions, Layout};

use self::{report::Report, scenarios::SCENARIOS};
use crate::device::Device;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Rounds of each fault, instead of a full run's.
    pub rounds: Option<u32>,
    /// Only these faults; all if empty.
    pub only: Vec<String>,
    /// How long ClickHouse stays away.
    pub away: Duration,
    /// How long the broker is saturated.
    pub saturated: Duration,
    /// Decisions measured with ClickHouse, and without.
    pub decisions: usize,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// Runs the faults and prints their table. Returns an error where a promise was not kept.
pub async fn run(options: Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let names: Vec<&str> = SCENARIOS
        .iter()
        .map(|scenario| scenario.name)
        .chain(["latency"])
        .collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no fault '{unknown}'; there are {}", names.join(", "));
    }
    let selected = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut report = Report::new(out, options.json);
    let (mut broken, mut kills) = (Vec::new(), 0);
    report.head()?;
    for scenario in SCENARIOS.iter().filter(|scenario| selected(scenario.name)) {
        let rounds = options.rounds.unwrap_or(scenario.rounds);
        let started = Instant::now();
        let directory = tempfile::tempdir()?;
        let Some(result) = scenario::run(scenario, rounds, &options, directory.path()).await? else {
            report.skipped(scenario)?;
            continue;
        };
        kills += if scenario.kills { rounds } else { 0 };
        report.line(scenario, rounds, result, started.elapsed())?;
        if !result.is_consistent(scenario.promised) {
            broken.push(scenario.name);
        }
    }
    if selected("latency") {
        latency(&options, &mut report).await?;
    }
    report.kills(kills)?;
    if !broken.is_empty() {
        bail!(
            "what is stored is not what was acknowledged, or the rollups are not what is stored: {}",
            broken.join(", ")
        );
    }
    Ok(())
}

/// Measures the same device before ClickHouse is suspended and while it is.
async fn latency(options: &Options, report: &mut Report<'_>) -> anyhow::Result<()> {
    for (layout, name) in [
        (Layout::ExternalBroker, "Mosquitto"),
        (Layout::EmbeddedBroker, "embedded broker"),
    ] {
        let directory = tempfile::tempdir()?;
        let mut deployment = Deployment::prepare(
            options.casement.clone(),
            directory.path(),
            DeploymentOptions::new(layout),
        )?;
        deployment.start().await?;
        let mut device = Device::connect(deployment.addresses().mqtt).await?;
        device.measure(options.decisions / 4).await?;
        let before = device.measure(options.decisions).await?;
        deployment.suspend_engine()?;
        let during = device.measure(options.decisions).await?;
        report.latency(name, options.decisions, before, during)?;
        deployment.resume_engine()?;
    }
    Ok(())
}
