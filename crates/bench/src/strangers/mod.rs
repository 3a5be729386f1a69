//! `casement bench strangers`: what those cost who have no business at the broker, and how soon those are back who have.
//!
//! In: options, a writer. Out: latencies of decisions, quiet and besieged in turn; the time in which every device of a school is
//! connected again after the broker was killed. Everybody has an account; strangers come from addresses of their own on
//! loopback, so that the limits of an address hold for each.

mod crowd;

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use accounts::{AccountName, AccountsFile, NewAccount, Role};
use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::json;
use testkit::{Addresses, Casement, Process, usage::cpu_seconds};
use tokio::task::JoinSet;

use self::crowd::{Siege, greet};
use crate::device::{Device, Latency};

const DEVICES: usize = 10;
/// Ten devices decide so often: more than any room does.
const PAUSE: Duration = Duration::from_millis(50);

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// Rounds, each quiet and besieged.
    pub rounds: usize,
    /// Decisions of each device in each part of a round.
    pub decisions: usize,
    /// Sockets that never say CONNECT.
    pub sockets: usize,
    /// Devices that come back after a restart.
    pub storm: usize,
    /// JSON lines instead of text.
    pub json: bool,
}

/// An account of a device.
struct Credentials {
    name: String,
    password: String,
}

/// Measures and prints.
pub async fn run(options: Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let data = tempfile::tempdir().context("a temporary directory")?;
    let config = data.path().join("casement.yaml");
    fs::write(
        &config,
        "broker:\n  anonymous: never\n  registration: closed\n  limits:\n    connections: 8000\n",
    )?;
    let accounts = DEVICES.max(options.storm);
    if !options.json {
        writeln!(out, "making {accounts} accounts, each with its argon2id")?;
    }
    let credentials = make_accounts(data.path(), accounts)?;
    let at = Addresses::free();
    let flags = [format!("--config={}", config.display())];
    let start = || -> anyhow::Result<Process> {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let mut up = options.casement.up(data.path(), at, &flags)?;
        up.wait_for_line("Casement is ready")?;
        Ok(up)
    };
    let mut up = start()?;
    besiege(&options, at.mqtt, up.pid(), &credentials[..DEVICES], out).await?;
    if options.storm > 0 {
        up.kill();
        up = start()?;
        let took = storm(at.mqtt, &credentials[..options.storm]).await?;
        let text = format!(
            "{} devices came at once after a kill and a restart; all were connected after {:.2} s",
            options.storm,
            took.as_secs_f64()
        );
        let line = json!({"storm": options.storm, "connected_after_s": took.as_secs_f64()});
        say(out, options.json, &text, &line)?;
    }
    up.terminate(Duration::from_secs(20))?;
    Ok(())
}

fn make_accounts(data: &Path, count: usize) -> anyhow::Result<Vec<Credentials>> {
    let file = AccountsFile::new(&data.join("accounts"), "bench");
    let make = |number: usize| {
        let name = format!("room-{number}");
        let password = file.add(NewAccount {
            name: AccountName::parse(&name)?,
            role: Role::Device,
            label: String::new(),
            location: String::new(),
        })?;
        Ok(Credentials {
            name,
            password: password.reveal().to_owned(),
        })
    };
    (0..count).map(make).collect()
}

/// Quiet and besieged in turn.
async fn besiege(
    options: &Options,
    broker: SocketAddr,
    pid: u32,
    credentials: &[Credentials],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut devices = Vec::new();
    for Credentials { name, password } in credentials {
        devices.push(Device::connect_as(broker, name, Some(password)).await?);
    }
    for round in 1..=options.rounds {
        let (quiet, quiet_cpu) = decide(&mut devices, options.decisions, pid).await?;
        let siege = Siege::begin(broker, options.sockets).await?;
        let (besieged, besieged_cpu) = decide(&mut devices, options.decisions, pid).await?;
        let (idle, guesses) = siege.end().await;
        let ratio = besieged.p99 / quiet.p99;
        let text = format!(
            "round {round}: quiet p50 {:.2} p99 {:.2} ms, {quiet_cpu:.2} cores; with {idle} idle sockets and {guesses:.0} guesses/s p50 {:.2} \
             p99 {:.2} ms, {besieged_cpu:.2} cores; p99 × {ratio:.2}",
            quiet.p50, quiet.p99, besieged.p50, besieged.p99,
        );
        let line = json!({
            "round": round, "quiet_p50_ms": quiet.p50, "quiet_p99_ms": quiet.p99, "besieged_p50_ms": besieged.p50,
            "besieged_p99_ms": besieged.p99, "idle_sockets": idle, "guesses_per_s": guesses, "p99_ratio": ratio,
            "quiet_cores": quiet_cpu, "besieged_cores": besieged_cpu,
        });
        say(out, options.json, &text, &line)?;
    }
    Ok(())
}

/// Decisions of all devices at once: their latency, and the processor time of the service a second.
async fn decide(devices: &mut Vec<Device>, decisions: usize, pid: u32) -> anyhow::Result<(Latency, f64)> {
    let (began, before) = (Instant::now(), cpu_seconds(pid));
    let mut measuring = JoinSet::new();
    for mut device in devices.drain(..) {
        measuring.spawn(async move {
            let measured = device.measure_apart(decisions, PAUSE).await;
            (device, measured)
        });
    }
    let mut all = Histogram::<u64>::new(3)?;
    while let Some(joined) = measuring.join_next().await {
        let (device, measured) = joined?;
        all.add(measured?)?;
        devices.push(device);
    }
    let cores = (cpu_seconds(pid) - before) / began.elapsed().as_secs_f64();
    Ok((Latency::of(&all), cores))
}

/// All devices connect at once; returns when the last one is greeted.
async fn storm(broker: SocketAddr, credentials: &[Credentials]) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut connecting = JoinSet::new();
    for Credentials { name, password } in credentials {
        let (name, password) = (name.clone(), password.clone());
        connecting.spawn(async move { greet(broker, &name, &password).await });
    }
    let mut connected = Vec::new();
    while let Some(joined) = connecting.join_next().await {
        connected.push(joined??);
    }
    Ok(began.elapsed())
}

fn say(out: &mut dyn Write, json: bool, text: &str, line: &serde_json::Value) -> std::io::Result<()> {
    if json {
        writeln!(out, "{line}")
    } else {
        writeln!(out, "{text}")
    }
}
