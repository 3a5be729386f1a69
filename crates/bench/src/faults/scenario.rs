//! Runs one fault: a deployment, devices that send, the fault again and again, and the reconciliation at the end.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use testkit::{
    Deployment, DeploymentOptions, FakeClock, Layout, Network, Process, Proxy, Signal, SmallDisk, free_addr,
    signal, wait_until,
};

use super::{
    Options,
    companion::Companion,
    load::{Load, jumping, steady},
    reconciliation::{Reconciliation, reconcile},
    rollups, saturation,
    scenarios::{Fault, Scenario},
    settings,
};

/// Devices that send during a fault.
const DEVICES: usize = 4;
const MIN_ACKNOWLEDGED: usize = 50;
const SMALL_JOURNAL_BYTES: u64 = 1 << 20;
/// Offset of the backend's clock after each jump, in seconds.
const CLOCK_OFFSETS: [i64; 4] = [-3_600, 86_400, -86_400, 0];
/// Silence is noticed within twice the keep-alive, which is 5 s in a deployment, and five seconds; with some reserve.
const SILENCE: Duration = Duration::from_secs(17);
const END: Duration = Duration::from_secs(20);

/// A deployment, and what its fault needs.
struct Run {
    fault: Fault,
    away: Duration,
    deployment: Deployment,
    proxy: Option<Proxy>,
    clock: Option<FakeClock>,
    disk: Option<SmallDisk>,
}

/// Causes the fault `rounds` times under load and reconciles. `None` where this machine cannot cause it.
pub(super) async fn run(
    scenario: &Scenario,
    rounds: u32,
    options: &Options,
    directory: &Path,
) -> anyhow::Result<Option<Reconciliation>> {
    let Some(mut run) = Run::prepare(scenario, options, directory).await? else {
        return Ok(None);
    };
    run.deployment.start().await?;
    if scenario.fault == Fault::BrokerSaturated {
        let result = saturation::run(&mut run.deployment, options.saturated).await?;
        return run.with_rollups(result).await.map(Some);
    }
    if matches!(scenario.fault, Fault::EditedBackendKilled | Fault::EditedUpKilled) {
        let result = settings::run(&mut run.deployment, rounds, scenario.fault).await?;
        return run.with_rollups(result).await.map(Some);
    }
    let (fault, broker) = (scenario.fault, run.deployment.addresses().mqtt);
    let clock = if fault == Fault::DeviceClocksJump {
        jumping
    } else {
        steady
    };
    let load = Load::start(broker, scenario.name, DEVICES, clock);
    let companion = Companion::start(broker);
    for round in 0..rounds {
        // A different duration each time, so that the fault meets different phases of a batch.
        pause(Duration::from_millis(300 + u64::from(round) * 137 % 900)).await;
        let before = load.acknowledged();
        run.cause(round)
            .await
            .with_context(|| format!("round {} of '{}'", round + 1, scenario.name))?;
        // A round without load proves nothing: readings must be acknowledged again after each fault.
        wait_until("readings are acknowledged again", || load.acknowledged() > before).await?;
    }
    pause(Duration::from_millis(300)).await;
    run.deployment.wait_ready().await?;
    companion.stop().await;
    let sent = load.stop().await;
    ensure!(
        sent.acknowledged.len() > MIN_ACKNOWLEDGED,
        "only {} readings were acknowledged: the load did not run",
        sent.acknowledged.len()
    );
    // Readings whose time cannot be right, as the backend's clock shows it, are stored with the time of receipt.
    let times = !matches!(fault, Fault::DeviceClocksJump | Fault::BackendClockJumps);
    let result = reconcile(&mut run.deployment, &sent, times).await?;
    run.with_rollups(result).await.map(Some)
}

impl Run {
    async fn prepare(
        scenario: &Scenario,
        options: &Options,
        directory: &Path,
    ) -> anyhow::Result<Option<Self>> {
        let fault = scenario.fault;
        let layout = match fault {
            Fault::UpKilled
            | Fault::UpEngineKilled
            | Fault::UpTerminated
            | Fault::DiskFull
            | Fault::EditedUpKilled => Layout::EmbeddedBroker,
            _ => Layout::ExternalBroker,
        };
        let mut deployment = DeploymentOptions::new(layout);
        deployment.protocol = scenario.protocol;
        deployment.keep_alive_s = scenario.keep_alive_s;
        let (mut clock, mut disk) = (None, None);
        match fault {
            Fault::NetworkCut | Fault::HalfOpen => deployment.broker_proxy = Some(free_addr()),
            Fault::AutosavingBrokerKilled => deployment.autosave_s = 1,
            Fault::JournalFull => deployment.journal_max_bytes = SMALL_JOURNAL_BYTES,
            Fault::DiskFull => {
                let Some(mounted) = SmallDisk::mount(&directory.join("small"))? else {
                    return Ok(None);
                };
                deployment.journal_path = Some(mounted.path().join("journal"));
                disk = Some(mounted);
            }
            Fault::BackendClockJumps => {
                let Some(found) = FakeClock::find(directory)? else {
                    return Ok(None);
                };
                deployment.clock = Some(found.clone());
                clock = Some(found);
            }
            _ => {}
        }
        let proxy_addr = deployment.broker_proxy;
        let deployment = Deployment::prepare(options.casement.clone(), directory, deployment)?;
        let proxy = match proxy_addr {
            Some(addr) => Some(Proxy::start_at(addr, deployment.addresses().mqtt).await?),
            None => None,
        };
        Ok(Some(Self {
            fault,
            away: options.away,
            deployment,
            proxy,
            clock,
            disk,
        }))
    }

    /// Compares the rollups as well.
    async fn with_rollups(&mut self, mut result: Reconciliation) -> anyhow::Result<Reconciliation> {
        result.rollups = rollups::compare(&mut self.deployment).await?;
        Ok(result)
    }

    /// Causes the fault, and returns when the deployment has recovered.
    async fn cause(&mut self, round: u32) -> anyhow::Result<()> {
        let deployment = &mut self.deployment;
        match self.fault {
            Fault::BackendKilled => {
                deployment.backend = None;
                deployment.start_backend()?;
            }
            Fault::EngineKilled => {
                deployment.engine = None;
                deployment.start_engine()?;
            }
            Fault::MlKilled => {
                deployment.ml = None;
                return Ok(deployment.start_ml()?);
            }
            Fault::BrokerKilled | Fault::AutosavingBrokerKilled => deployment.start_broker()?,
            Fault::UpKilled => {
                deployment.up = None;
                deployment.start_up()?;
            }
            Fault::UpEngineKilled => kill_child_engine(deployment).await?,
            Fault::DatabaseAway => {
                deployment.engine = None;
                pause(self.away).await;
                deployment.start_engine()?;
            }
            Fault::NetworkCut => {
                let proxy = self.proxy.as_ref().context("this fault needs a proxy")?;
                proxy.set(Network::Cut);
                pause(Duration::from_millis(200)).await;
                proxy.set(Network::Whole);
            }
            Fault::HalfOpen => self.half_open().await?,
            Fault::JournalFull => fill_journal(deployment).await?,
            Fault::DiskFull => {
                let disk = self.disk.as_ref().context("this fault needs a small disk")?;
                let ballast = disk.fill()?;
                pause(Duration::from_secs(3)).await;
                std::fs::remove_file(ballast)?;
            }
            // The devices' clocks jump by themselves; the others are runs of their own.
            Fault::DeviceClocksJump
            | Fault::BrokerSaturated
            | Fault::EditedBackendKilled
            | Fault::EditedUpKilled => {
                pause(Duration::from_secs(3)).await;
                return Ok(());
            }
            Fault::BackendClockJumps => return self.jump(round).await,
            Fault::TwoBackends => start_second_backend(deployment)?,
            Fault::Terminated => {
                terminate(&mut deployment.backend)?;
                deployment.start_backend()?;
            }
            Fault::UpTerminated => {
                terminate(&mut deployment.up)?;
                deployment.start_up()?;
            }
        }
        Ok(self.deployment.wait_ready().await?)
    }

    async fn half_open(&mut self) -> anyhow::Result<()> {
        let proxy = self.proxy.as_ref().context("this fault needs a proxy")?;
        proxy.set(Network::HalfOpen);
        pause(SILENCE).await;
        let connected = &self.deployment.status()?["broker_up"];
        ensure!(
            connected == false,
            "after {SILENCE:?} of silence from the broker the backend says broker_up: {connected}"
        );
        proxy.set(Network::Whole);
        Ok(())
    }

    /// Returns when readings are stored whose time of receipt is the new time.
    async fn jump(&self, round: u32) -> anyhow::Result<()> {
        let clock = self.clock.as_ref().context("this fault needs a clock")?;
        let seconds = CLOCK_OFFSETS[round as usize % CLOCK_OFFSETS.len()];
        clock.set_offset(seconds)?;
        let received_then = format!(
            "SELECT count() FROM iot.sensor_temperature WHERE abs(dateDiff('second', now() + ({seconds}), received_at)) < 60"
        );
        let jumped = || {
            self.deployment
                .sql(&received_then)
                .is_ok_and(|count| count != "0")
        };
        Ok(wait_until("the backend's clock jumps", jumped).await?)
    }
}

/// Kills the engine below `casement up`, which starts another.
async fn kill_child_engine(deployment: &Deployment) -> anyhow::Result<()> {
    let engine = deployment.engine_pid()?;
    signal(engine, Signal::KILL)?;
    let replaced = || deployment.engine_pid().is_ok_and(|pid| pid != engine);
    Ok(wait_until("another engine runs", replaced).await?)
}

/// Keeps the database away until the journal stops acknowledging.
async fn fill_journal(deployment: &mut Deployment) -> anyhow::Result<()> {
    deployment.engine = None;
    let full = || {
        let status = deployment.status().ok();
        let bytes = status.and_then(|status| status["journal_bytes"].as_u64());
        bytes.is_some_and(|bytes| bytes > SMALL_JOURNAL_BYTES - 4_096)
    };
    wait_until("the journal is full", full).await?;
    pause(Duration::from_secs(1)).await;
    Ok(deployment.start_engine()?)
}

/// Starts a second backend on the same data, which must refuse to run.
fn start_second_backend(deployment: &Deployment) -> anyhow::Result<()> {
    let mut second = deployment.second_backend(free_addr())?;
    let status = second.wait(END)?;
    let output = second.tail();
    ensure!(
        !status.success() && output.contains("in use by another process"),
        "the second backend ended with {status}:\n{output}"
    );
    Ok(())
}

fn terminate(process: &mut Option<Process>) -> anyhow::Result<()> {
    let mut process = process.take().context("the process does not run")?;
    Ok(process.terminate(END)?)
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
