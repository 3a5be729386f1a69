//! A load of readings and clips for benchmarks and fault tests: many connections, as fast as wanted, every message logged.
//!
//! In: a rate, a mix, an optional delivery log. Out: publications at `QoS` 1 and, at the end, what was acknowledged and how long
//! it took. Nothing here is a room.

mod latency;
mod sender;
mod source;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::{sync::Barrier, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use latency::Latencies;

use crate::{
    SimulationError, SimulationOptions,
    summary::{Counters, Summary},
};
use latency::Recorder;
use sender::Sender;
use source::Source;

/// What load to make.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Broker, account, devices (one connection each), id prefix, topics, seed and delivery log; the rest means nothing here.
    pub simulation: SimulationOptions,
    /// Messages a second of all devices together; `None` is as fast as acknowledgements allow.
    pub messages_per_s: Option<f64>,
    /// Messages of all devices together after which the load ends by itself; `None` is never.
    pub messages: Option<u64>,
    /// Unacknowledged messages of one connection.
    pub in_flight: usize,
    /// Every n-th message of a device is a clip of 85 KB; `None` is never.
    pub clip_every: Option<u64>,
}

impl LoadOptions {
    /// Readings only, as fast as acknowledgements allow, 100 in flight a connection.
    pub const fn new(simulation: SimulationOptions) -> Self {
        Self {
            simulation,
            messages_per_s: None,
            messages: None,
            in_flight: 100,
            clip_every: None,
        }
    }
}

/// What a load did.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// Messages by kind.
    pub summary: Summary,
    /// From the moment when every device was connected to the end.
    pub elapsed: Duration,
    /// To acknowledgement: from publishing, or with a rate from when a message was due.
    pub latencies: Latencies,
}

impl LoadReport {
    /// Acknowledged messages of all kinds.
    pub fn acknowledged(&self) -> u64 {
        let messages = self.summary.messages.values();
        messages.map(|counts| counts.acknowledged).sum()
    }

    /// Acknowledged messages a second.
    pub fn rate(&self) -> f64 {
        self.acknowledged() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// What all senders of a load share.
#[derive(Debug)]
struct Shared {
    options: LoadOptions,
    counters: Counters,
    latencies: Recorder,
    /// Everybody is connected.
    start: Barrier,
    started: OnceLock<Instant>,
}

/// Connects every device, then makes the load until its number of messages is reached or `shutdown`.
pub async fn run(options: LoadOptions, shutdown: CancellationToken) -> Result<LoadReport, SimulationError> {
    options.simulation.check()?;
    let devices = options.simulation.devices.max(1);
    let clips = match options.clip_every {
        Some(_) => source::make_clips(options.simulation.seed),
        None => Arc::default(),
    };
    let shared = Arc::new(Shared {
        options,
        counters: Counters::default(),
        latencies: Recorder::new(),
        start: Barrier::new(devices),
        started: OnceLock::new(),
    });
    let mut senders = JoinSet::new();
    for index in 0..devices {
        let id = shared.options.simulation.device_id(index)?;
        let source = Source::new(id, &shared.options, Arc::clone(&clips));
        let own = |all: u64| all / devices as u64 + u64::from((index as u64) < all % devices as u64);
        let sender = Sender {
            source,
            left: shared.options.messages.map(own),
            per_s: shared.options.messages_per_s.map(|all| all / devices as f64),
            shared: Arc::clone(&shared),
        };
        senders.spawn(sender.run(shutdown.clone()));
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(SimulationError::DeviceFailed)?;
    }
    Ok(LoadReport {
        summary: shared.counters.summary(),
        elapsed: shared.started.get().map_or(Duration::ZERO, Instant::elapsed),
        latencies: shared.latencies.finish(),
    })
}
