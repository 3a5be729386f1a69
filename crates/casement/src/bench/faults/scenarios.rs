//! The faults, one function each: what is broken, how often, and in which house.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail, ensure};

use super::{
    FakeClock,
    books::{self, Balance},
    disk::SmallDisk,
    load::{Load, jumping, right},
};
use crate::bench::{
    Doors, House,
    house::{PATIENCE, Plan},
    process::free_addr,
    proxy::{Network, Proxy},
};

/// Devices that send while things break.
const DEVICES: usize = 4;
/// How far off the backend's clock is after each jump, in seconds.
const CLOCK_OFF: [i64; 4] = [-3_600, 86_400, -86_400, 0];
/// The keep-alive of the houses is 5 s: twice that and a little is when silence is noticed at the latest.
const SILENCE: Duration = Duration::from_secs(17);

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    BackendKilled,
    EngineKilled,
    MlKilled,
    BrokerKilled,
    SavingBrokerKilled,
    UpKilled,
    EngineOfUpKilled,
    DatabaseAway,
    NetworkCut,
    HalfOpen,
    JournalFull,
    DiskFull,
    ClocksJump,
    ClockJumps,
    TwoBackends,
    Terminated,
    UpTerminated,
}

/// A line of the table before it is run.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) fault: Fault,
    /// Rounds of a full run.
    pub(super) rounds: u32,
    /// Whether each of them kills a process.
    pub(super) kills: bool,
    /// Nothing acknowledged may be lost.
    pub(super) promised: bool,
    /// The version of MQTT that the backend speaks.
    protocol: &'static str,
    /// What it needs of the machine, which not every machine has.
    pub(super) needs: &'static str,
}

const fn line(name: &'static str, what: &'static str, fault: Fault, rounds: u32) -> Scenario {
    Scenario {
        name,
        what,
        fault,
        rounds,
        kills: false,
        promised: true,
        protocol: "auto",
        needs: "",
    }
}

const fn kill(name: &'static str, what: &'static str, fault: Fault, rounds: u32) -> Scenario {
    Scenario {
        kills: true,
        ..line(name, what, fault, rounds)
    }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    kill("backend", "kill -9 of the backend", Fault::BackendKilled, 25),
    Scenario {
        protocol: "3.1.1",
        ..kill(
            "backend-311",
            "… that speaks MQTT 3.1.1",
            Fault::BackendKilled,
            10,
        )
    },
    kill("engine", "kill -9 of the engine", Fault::EngineKilled, 20),
    kill("ml", "kill -9 of the ML service", Fault::MlKilled, 10),
    kill("up", "kill -9 of everything in one", Fault::UpKilled, 25),
    kill(
        "up-engine",
        "kill -9 of the engine under it",
        Fault::EngineOfUpKilled,
        20,
    ),
    Scenario {
        promised: false,
        ..kill("broker", "kill -9 of Mosquitto", Fault::BrokerKilled, 5)
    },
    Scenario {
        promised: false,
        ..kill(
            "broker-saved",
            "… that saves every second",
            Fault::SavingBrokerKilled,
            5,
        )
    },
    line("away", "ClickHouse away", Fault::DatabaseAway, 2),
    line("cut", "connections to the broker cut", Fault::NetworkCut, 10),
    Scenario {
        protocol: "3.1.1",
        ..line("cut-311", "… under MQTT 3.1.1", Fault::NetworkCut, 5)
    },
    line("half-open", "connections that carry nothing", Fault::HalfOpen, 2),
    line("journal-full", "the journal at its bound", Fault::JournalFull, 2),
    Scenario {
        needs: "mounting a small disk is not allowed here",
        ..line("disk-full", "no space left for the journal", Fault::DiskFull, 1)
    },
    line("clocks", "device clocks that jump", Fault::ClocksJump, 1),
    Scenario {
        needs: "libfaketime is not installed; on Debian: apt-get install faketime",
        ..line("clock", "the backend's own clock jumps", Fault::ClockJumps, 4)
    },
    line("two", "a second backend on the same data", Fault::TwoBackends, 3),
    line("term", "SIGTERM of the backend", Fault::Terminated, 5),
    line("up-term", "SIGTERM of everything in one", Fault::UpTerminated, 5),
];

/// Breaks things `rounds` times under load and balances the books. `None` where this machine cannot do it.
pub(super) async fn run(
    scenario: &Scenario,
    rounds: u32,
    away: Duration,
    dir: &Path,
) -> anyhow::Result<Option<Balance>> {
    let fault = scenario.fault;
    let embedded = matches!(
        fault,
        Fault::UpKilled | Fault::EngineOfUpKilled | Fault::UpTerminated | Fault::DiskFull
    );
    let mut plan = Plan::new(if embedded {
        Doors::Embedded
    } else {
        Doors::External
    });
    let through = matches!(fault, Fault::NetworkCut | Fault::HalfOpen);
    if through {
        plan.through = Some(free_addr()?);
    }
    plan.protocol = scenario.protocol;
    if fault == Fault::SavingBrokerKilled {
        plan.autosave_s = 1;
    }
    if fault == Fault::JournalFull {
        plan.journal_bytes = Some(1 << 20);
    }
    let mut small_disk = None;
    if fault == Fault::DiskFull {
        let Some(disk) = SmallDisk::mount(&dir.join("small"))? else {
            return Ok(None);
        };
        plan.journal_path = Some(disk.path().join("journal"));
        small_disk = Some(disk);
    }
    if fault == Fault::ClockJumps {
        let Some(clock) = FakeClock::find(dir)? else {
            return Ok(None);
        };
        plan.clock = Some(clock);
    }
    let (proxy_at, clock) = (plan.through, plan.clock.clone());
    let mut house = House::prepare(dir, plan)?;
    let proxy = match proxy_at {
        Some(addr) => Some(Proxy::start(addr, house.mqtt).await?),
        None => None,
    };
    house.open().await?;
    let devices_clock = if fault == Fault::ClocksJump {
        jumping
    } else {
        right
    };
    let load = Load::start(house.mqtt, scenario.name, DEVICES, devices_clock);
    for round in 0..rounds {
        // Under way for a different while each time, so that the fault falls into different phases of a batch.
        pause(Duration::from_millis(300 + u64::from(round) * 137 % 900)).await;
        let before = load.acknowledged();
        let broken = match &clock {
            Some(clock) => jump(clock, CLOCK_OFF[round as usize % CLOCK_OFF.len()], &house).await,
            None => break_something(fault, &mut house, proxy.as_ref(), small_disk.as_ref(), away).await,
        };
        broken.with_context(|| format!("round {} of '{}'", round + 1, scenario.name))?;
        // A round without load proves nothing: readings have to be acknowledged again after each fault.
        wait_until("readings are acknowledged again", || load.acknowledged() > before).await?;
    }
    pause(Duration::from_millis(300)).await;
    house.wait_ready().await?;
    let sent = load.stop().await;
    ensure!(
        sent.acknowledged.len() > 50,
        "only {} readings were acknowledged: the load did not run",
        sent.acknowledged.len()
    );
    // Readings of clocks that cannot be right, seen from the backend's, get the time of receipt.
    let right_times = !matches!(fault, Fault::ClocksJump | Fault::ClockJumps);
    let balance = books::close(&mut house, &sent, right_times).await?;
    drop(house);
    drop(small_disk);
    Ok(Some(balance))
}

async fn break_something(
    fault: Fault,
    house: &mut House,
    proxy: Option<&Proxy>,
    disk: Option<&SmallDisk>,
    away: Duration,
) -> anyhow::Result<()> {
    match fault {
        Fault::BackendKilled => {
            kill_process(&mut house.backend);
            house.start_backend()?;
            house.wait_ready().await
        }
        Fault::EngineKilled => {
            kill_process(&mut house.engine);
            house.start_engine()?;
            house.wait_ready().await
        }
        Fault::MlKilled => {
            kill_process(&mut house.ml);
            house.start_ml()
        }
        Fault::BrokerKilled | Fault::SavingBrokerKilled => {
            kill_process(&mut house.broker);
            house.start_broker()?;
            house.wait_ready().await
        }
        Fault::UpKilled => {
            kill_process(&mut house.up);
            house.start_up()?;
            house.wait_ready().await
        }
        Fault::EngineOfUpKilled => {
            let engine = house.engine_of_up().context("the engine is not there")?;
            let killed = Command::new("kill").args(["-9", &engine.to_string()]).status()?;
            ensure!(killed.success(), "the engine (pid {engine}) could not be killed");
            let other = |house: &House| house.engine_of_up().is_some_and(|pid| pid != engine);
            wait_until("the engine comes back", || other(house)).await?;
            house.wait_ready().await
        }
        Fault::DatabaseAway => {
            kill_process(&mut house.engine);
            pause(away).await;
            house.start_engine()?;
            house.wait_ready().await
        }
        Fault::NetworkCut | Fault::HalfOpen => {
            let proxy = proxy.context("this fault needs a proxy")?;
            if fault == Fault::NetworkCut {
                proxy.set(Network::Cut);
                pause(Duration::from_millis(200)).await;
            } else {
                proxy.set(Network::HalfOpen);
                pause(SILENCE).await;
                let up = &house.status()?["broker_up"];
                ensure!(
                    up == false,
                    "after {SILENCE:?} of silence from the broker the backend says broker_up: {up}"
                );
            }
            proxy.set(Network::Whole);
            house.wait_ready().await
        }
        Fault::JournalFull => journal_full(house).await,
        Fault::DiskFull => disk_full(house, disk.context("this fault needs a small disk")?).await,
        // The first needs nothing but the devices, the second nothing but the clock.
        Fault::ClocksJump | Fault::ClockJumps => {
            pause(Duration::from_secs(3)).await;
            Ok(())
        }
        Fault::TwoBackends => {
            let mut second = house.second_backend(free_addr()?)?;
            let status = second.wait(Duration::from_secs(20))?;
            let words = second.last_words();
            ensure!(
                !status.success() && words.contains("in use by another process"),
                "the second backend ended with {status}:\n{words}"
            );
            house.wait_ready().await
        }
        Fault::Terminated => {
            terminate(&mut house.backend)?;
            house.start_backend()?;
            house.wait_ready().await
        }
        Fault::UpTerminated => {
            terminate(&mut house.up)?;
            house.start_up()?;
            house.wait_ready().await
        }
    }
}

/// Returns when readings are stored that came in by the new time.
async fn jump(clock: &FakeClock, seconds: i64, house: &House) -> anyhow::Result<()> {
    clock.jump(seconds)?;
    let by_the_new_time = format!(
        "SELECT count() FROM iot.sensor_temperature WHERE abs(dateDiff('second', now() + ({seconds}), received_at)) < 60"
    );
    let seen = || house.sql(&by_the_new_time).is_ok_and(|count| count.trim() != "0");
    wait_until("the backend's clock jumps", seen).await
}

/// The database goes away until the journal stops acknowledging, and comes back.
async fn journal_full(house: &mut House) -> anyhow::Result<()> {
    kill_process(&mut house.engine);
    let full = |house: &House| {
        let bytes = house
            .status()
            .ok()
            .and_then(|status| status["journal_bytes"].as_u64());
        bytes.is_some_and(|bytes| bytes > (1 << 20) - 4_096)
    };
    wait_until("the journal is full", || full(house)).await?;
    pause(Duration::from_secs(1)).await;
    house.start_engine()?;
    house.wait_ready().await
}

/// The rest of the disk is taken, and given back.
async fn disk_full(house: &mut House, disk: &SmallDisk) -> anyhow::Result<()> {
    let ballast = disk.fill()?;
    pause(Duration::from_secs(3)).await;
    std::fs::remove_file(&ballast)?;
    house.wait_ready().await
}

fn kill_process(process: &mut Option<crate::bench::process::Process>) {
    if let Some(mut process) = process.take() {
        process.kill();
    }
}

fn terminate(process: &mut Option<crate::bench::process::Process>) -> anyhow::Result<()> {
    let mut process = process.take().context("the process is not there")?;
    process.signal("-TERM")?;
    let status = process.wait(Duration::from_secs(20))?;
    ensure!(
        status.success(),
        "it ended with {status}:\n{}",
        process.last_words()
    );
    Ok(())
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

async fn wait_until(what: &str, mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    while !done() {
        if started.elapsed() > PATIENCE {
            bail!("never: {what}");
        }
        pause(Duration::from_millis(20)).await;
    }
    Ok(())
}
