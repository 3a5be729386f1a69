//! One measurement: a load, a counter of received messages, and what the processes use meanwhile.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::ensure;
use testkit::usage::{cpu_seconds, memory_mib};

use super::{
    WARM_UP,
    load::{Load, LoadOptions},
};

const POLL: Duration = Duration::from_millis(10);

/// What one process used.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) name: &'static str,
    /// Microseconds of processor time a message.
    pub(super) cpu_us: f64,
    /// Memory in MiB at the beginning, halfway and at the end.
    pub(super) memory_mib: [f64; 3],
}

/// One receiver's figures in one round.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) messages: u64,
    seconds: f64,
    pub(super) processes: Vec<Usage>,
}

impl Figures {
    /// Messages a second.
    pub(super) fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }
}

/// What to measure, and for how long.
pub(super) struct Subject {
    pub(super) broker: SocketAddr,
    pub(super) load: LoadOptions,
    pub(super) processes: Vec<(&'static str, u32)>,
    pub(super) time: Duration,
}

/// Sends to the broker and observes the processes; `received` returns the number of messages so far.
pub(super) async fn measure(
    subject: Subject,
    received: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<Figures> {
    let Subject {
        broker,
        load,
        processes,
        time,
    } = subject;
    let memory = || -> Vec<f64> { processes.iter().map(|(_, pid)| memory_mib(*pid)).collect() };
    let cpu = || -> Vec<f64> { processes.iter().map(|(_, pid)| cpu_seconds(*pid)).collect() };
    let load = Load::start(broker, load);
    run_for(&load, WARM_UP, &received).await?;
    let (cpu_before, begin) = (cpu(), memory());
    let (started, first) = (Instant::now(), received()?);
    run_for(&load, time / 2, &received).await?;
    let half = memory();
    run_for(&load, time / 2, &received).await?;
    let (messages, seconds) = (received()? - first, started.elapsed().as_secs_f64());
    ensure!(messages > 0, "nothing was received in {time:?}");
    let (cpu_after, end) = (cpu(), memory());
    load.stop().await;
    let usage = |(n, (name, _)): (usize, &(&'static str, u32))| Usage {
        name,
        cpu_us: (cpu_after[n] - cpu_before[n]) * 1e6 / messages as f64,
        memory_mib: [begin[n], half[n], end[n]],
    };
    Ok(Figures {
        messages,
        seconds,
        processes: processes.iter().enumerate().map(usage).collect(),
    })
}

/// Lets the load run and tells the publishers how much was received.
async fn run_for(
    load: &Load,
    time: Duration,
    received: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::sleep(POLL).await;
        load.set_received(received()?);
    }
    Ok(())
}
