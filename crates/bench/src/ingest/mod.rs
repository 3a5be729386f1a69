//! `casement bench ingest`: how many QoS 1 readings a second are accepted and stored, beside subscribers of the same
//! broker that only acknowledge and beside Telegraf where there is one; what each costs; and what a quiet device notices
//! of a flood.
//!
//! In: options, a writer. Out: a table. The receivers alternate, because a machine's speed varies. Publishers run in this
//! process, everything else but the bare connection of `mqtt` in processes of its own.

mod load;
mod measurement;
mod report;
mod subscribers;
mod telegraf;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use testkit::{Casement, Deployment, DeploymentOptions, Layout};

use self::{
    load::{Load, LoadOptions},
    measurement::{Figures, Subject, measure},
    report::Report,
    subscribers::{Connection, MosquittoSub},
    telegraf::Telegraf,
};
use crate::device::Device;

const WARM_UP: Duration = Duration::from_secs(2);
const PUBLISHERS: usize = 20;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary under test.
    pub casement: Casement,
    /// How long each receiver is measured in each round.
    pub time: Duration,
    /// How often the receivers alternate.
    pub rounds: usize,
    /// Only these receivers; all if empty.
    pub only: Vec<String>,
    /// Readings that are sent and not yet received, at most.
    pub window: u64,
    /// Readings a second; as many as possible without it.
    pub rate: Option<u64>,
    /// Telegraf's program, instead of the one on the path.
    pub telegraf: Option<PathBuf>,
    /// Decisions of a quiet device, measured without and with a flood.
    pub decisions: usize,
    /// JSON lines instead of a table.
    pub json: bool,
}

/// What receives the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receiver {
    MosquittoSub,
    Connection,
    Telegraf,
    Backend,
    Up,
}

impl Receiver {
    const ALL: [Self; 5] = [
        Self::MosquittoSub,
        Self::Connection,
        Self::Telegraf,
        Self::Backend,
        Self::Up,
    ];

    /// Its name in `--only`.
    const fn word(self) -> &'static str {
        match self {
            Self::MosquittoSub => "mosquitto_sub",
            Self::Connection => "connection",
            Self::Telegraf => "telegraf",
            Self::Backend => "backend",
            Self::Up => "up",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::MosquittoSub => "mosquitto_sub on Mosquitto",
            Self::Connection => "mqtt's connection on Mosquitto",
            Self::Telegraf => "Telegraf on Mosquitto",
            Self::Backend => "casement backend on Mosquitto",
            Self::Up => "casement up, embedded broker",
        }
    }

    const fn layout(self) -> Layout {
        match self {
            Self::Up => Layout::EmbeddedBroker,
            _ => Layout::ExternalBroker,
        }
    }

    /// Whether others are compared with it.
    const fn is_peer(self) -> bool {
        matches!(self, Self::MosquittoSub | Self::Connection | Self::Telegraf)
    }
}

/// Measures all receivers and prints their figures.
pub async fn run(options: Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let words = Receiver::ALL.map(Receiver::word);
    if let Some(unknown) = options.only.iter().find(|word| !words.contains(&word.as_str())) {
        bail!("there is no receiver '{unknown}'; there are {}", words.join(", "));
    }
    let telegraf = telegraf::find(options.telegraf.as_deref());
    let named = |receiver: Receiver| options.only.iter().any(|word| word == receiver.word());
    ensure!(
        telegraf.is_some() || options.telegraf.is_none() && !named(Receiver::Telegraf),
        "there is no Telegraf: name its program with --telegraf, or put it on the path"
    );
    let selected = |receiver: &Receiver| {
        if options.only.is_empty() {
            *receiver != Receiver::Telegraf || telegraf.is_some()
        } else {
            named(*receiver)
        }
    };
    let receivers: Vec<Receiver> = Receiver::ALL.into_iter().filter(selected).collect();
    let mut report = Report::new(out, options.json);
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for round in 1..=options.rounds.max(1) {
        let mut rates = Vec::new();
        for &receiver in &receivers {
            let figures = measure_receiver(receiver, &options, telegraf.as_deref()).await?;
            rates.push(figures.rate());
            report.figures(round, receiver, &figures)?;
        }
        rounds.push(rates);
    }
    report.summary(&receivers, &rounds)?;
    if options.decisions > 0 {
        for &receiver in receivers.iter().filter(|receiver| !receiver.is_peer()) {
            flood(receiver, &options, &mut report).await?;
        }
    }
    Ok(())
}

async fn measure_receiver(
    receiver: Receiver,
    options: &Options,
    telegraf: Option<&Path>,
) -> anyhow::Result<Figures> {
    let directory = tempfile::tempdir()?;
    let mut deployment = DeploymentOptions::new(receiver.layout());
    if receiver == Receiver::Telegraf {
        deployment.broker_settings = telegraf::BROKER_SETTINGS;
    }
    let mut deployment = Deployment::prepare(options.casement.clone(), directory.path(), deployment)?;
    match receiver {
        Receiver::MosquittoSub => {
            deployment.start_broker()?;
            let subscriber = MosquittoSub::start(deployment.addresses().mqtt)?;
            let subject = options.subject(&deployment, Some(("mosquitto_sub", subscriber.pid())));
            measure(subject, || Ok(subscriber.received())).await
        }
        Receiver::Connection => {
            deployment.start_broker()?;
            let subscriber = Connection::start(deployment.addresses().mqtt);
            let figures = measure(options.subject(&deployment, None), || Ok(subscriber.received())).await;
            subscriber.stop().await;
            figures
        }
        Receiver::Telegraf => {
            let program = telegraf.context("there is no Telegraf")?;
            let telegraf = Telegraf::start(program, &mut deployment, directory.path()).await?;
            let subject = options.subject(&deployment, Some(("telegraf", telegraf.pid())));
            measure(subject, || telegraf.stored(&deployment)).await
        }
        Receiver::Backend | Receiver::Up => {
            deployment.start().await?;
            measure_casement(&mut deployment, options).await
        }
    }
}

impl Options {
    fn load(&self) -> LoadOptions {
        LoadOptions {
            publishers: PUBLISHERS,
            window: self.window.max(1),
            rate: self.rate,
        }
    }

    /// What runs in `deployment`, and a process beside it.
    fn subject(&self, deployment: &Deployment, other: Option<(&'static str, u32)>) -> Subject {
        let mut processes = deployment.pids();
        processes.extend(other);
        Subject {
            broker: deployment.addresses().mqtt,
            load: self.load(),
            processes,
            time: self.time,
        }
    }
}

/// Counts readings that were accepted, which means: written to disk. All of them must be in ClickHouse at the end.
async fn measure_casement(deployment: &mut Deployment, options: &Options) -> anyhow::Result<Figures> {
    let figures = measure(options.subject(deployment, None), || accepted(deployment)).await?;
    // Mosquitto may still hold messages.
    let mut before = 0;
    loop {
        deployment.wait_stored().await?;
        let now = accepted(deployment)?;
        if now == before {
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let stored: u64 = deployment
        .sql("SELECT count() FROM iot.sensor_temperature")?
        .parse()?;
    ensure!(
        stored == before,
        "{before} readings were accepted and {stored} are stored"
    );
    Ok(figures)
}

fn accepted(deployment: &Deployment) -> anyhow::Result<u64> {
    let status = deployment.status()?;
    let count = |name: &str| {
        let counter = status.pointer(name).and_then(Value::as_u64);
        counter.with_context(|| format!("no counter '{name}'"))
    };
    let (accepted, repeated) = (
        count("/counters/messages/temperature")?,
        count("/counters/duplicates")?,
    );
    // After a reconnection the broker repeats what was not acknowledged.
    Ok(accepted.saturating_sub(repeated))
}

/// Measures a quiet device's decisions, alone and while one other client sends as fast as it is acknowledged.
async fn flood(receiver: Receiver, options: &Options, report: &mut Report<'_>) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let mut deployment = Deployment::prepare(
        options.casement.clone(),
        directory.path(),
        DeploymentOptions::new(receiver.layout()),
    )?;
    deployment.start().await?;
    let broker = deployment.addresses().mqtt;
    let mut device = Device::connect(broker).await?;
    device.measure(options.decisions / 4).await?;
    let alone = device.measure(options.decisions).await?;
    let one = LoadOptions {
        publishers: 1,
        ..options.load()
    };
    let load = Load::start(broker, one);
    load.remove_window();
    tokio::time::sleep(WARM_UP).await;
    let beside = device.measure(options.decisions).await?;
    load.stop().await;
    Ok(report.flood(receiver, alone, beside)?)
}
