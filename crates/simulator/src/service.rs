//! Many virtual devices at one broker.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    SimulationError,
    device::Device,
    options::SimulationOptions,
    simulation::{VirtualRoom, default_start},
    summary::{Counters, Summary},
    weather::Weather,
};

/// Between two devices that connect, so that thousands do not dial at once.
const BETWEEN: Duration = Duration::from_millis(2);

/// Runs `options.devices` virtual devices until `shutdown`, then lets them say goodbye (within about four seconds).
pub async fn run(
    options: SimulationOptions,
    shutdown: CancellationToken,
) -> Result<Summary, SimulationError> {
    options.check()?;
    let options = Arc::new(options);
    let counters = Arc::new(Counters::default());
    let weather = Arc::new(Weather::new(options.seed));
    let mut devices = JoinSet::new();
    for index in 0..options.devices {
        if shutdown.is_cancelled() {
            break;
        }
        let id = options.device_id(index)?;
        let room = VirtualRoom::new(options.seed, index, Arc::clone(&weather), default_start());
        let device = Device::new(id, index, room, Arc::clone(&options), Arc::clone(&counters));
        devices.spawn(device.run(shutdown.clone()));
        sleep(BETWEEN).await;
    }
    if devices.is_empty() {
        shutdown.cancelled().await;
    }
    while let Some(ended) = devices.join_next().await {
        ended.map_err(SimulationError::DeviceFailed)?;
    }
    Ok(counters.summary())
}
