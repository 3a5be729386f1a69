//! The device registry: read once ClickHouse answers, written as devices come, go and change.
//!
//! In: what was stored, and devices as they are now. Out: rows in the log. Names and thresholds are read again every
//! quarter of a minute, so that what somebody changed in the table takes effect, and that a silent ClickHouse is noticed.

use std::{sync::Arc, time::Duration};

use domain::{DeviceId, Quantity, Reading, Timestamp};
use monitoring::with_causes;
use store::{DeviceRow, LatestReading, Period, Row, StoreError};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    Devices, InferenceTrigger, clock::now, clocks::Clocks, database::History, devices::own_thresholds,
    log::Repeats, vitals::Vitals,
};

const TICK: Duration = Duration::from_secs(1);
/// The pause between attempts while decisions wait for the first answer.
const FIRST_TICK: Duration = Duration::from_millis(50);
/// How long decisions wait for it at a start; after that it is unknowable what was decided before.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How far ahead of now a stored time may lie: as far as a device's clock.
const AHEAD: Duration = Duration::from_mins(5);
const RELOAD: Duration = Duration::from_secs(15);
/// The most devices that the registry is asked for at once.
const LOOK_UP: usize = 1_000;
/// How far back the newest readings and commands are looked for at a start.
const RESTORE_SPAN: Duration = Duration::from_hours(7 * 24);

/// Keeps the registry.
#[derive(Debug)]
pub(crate) struct DeviceRegistry {
    pub(crate) devices: Arc<Devices>,
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    /// The most devices that are read.
    pub(crate) max_devices: usize,
    /// Whether ClickHouse has the schema.
    pub(crate) prepared: watch::Receiver<bool>,
    /// Becomes true when the baseline is known, or known to be unknowable.
    pub(crate) settled: watch::Sender<bool>,
}

impl DeviceRegistry {
    /// Runs until `drain`; then writes what is due once more.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let mut loaded = drain.run_until_cancelled(self.begin()).await.flatten();
        loop {
            let ended = drain.run_until_cancelled(sleep(TICK)).await.is_none();
            if !ended && loaded.is_none_or(|at| at.elapsed() >= RELOAD) {
                // A ClickHouse that hangs must not keep a stopping service waiting.
                match drain.run_until_cancelled(self.load(loaded.is_none())).await {
                    None => continue,
                    Some(Ok(())) => loaded = Some(Instant::now()),
                    Some(Err(())) => {}
                }
            }
            if loaded.is_some() {
                self.write(&drain).await;
            }
            self.trigger.drop_old_clips();
            if ended {
                return;
            }
        }
    }

    /// Waits for the newest state of every device, then lets the trigger decide. Returns when it was read; `None` where it
    /// cannot be known in time: then nothing late decides, and what is current does.
    async fn begin(&self) -> Option<Instant> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut prepared = self.prepared.clone();
        let read = async {
            let _ = prepared.wait_for(|prepared| *prepared).await;
            while self.load(true).await.is_err() {
                sleep(FIRST_TICK).await;
            }
        };
        let loaded = timeout_at(deadline, read).await.is_ok();
        if !loaded {
            warn!(
                "ClickHouse does not say what was known before: decisions go on without it, on current readings only"
            );
            self.trigger.settle([]);
        }
        self.settled.send_replace(true);
        loaded.then(Instant::now)
    }

    /// Reads the registry; health says what comes of it.
    async fn load(&self, first: bool) -> Result<(), ()> {
        let Err(error) = self.read(first).await else {
            self.vitals.store_reads.up();
            self.vitals.registry.up();
            return Ok(());
        };
        let reason = with_causes(&error);
        let is_away = matches!(error, StoreError::Unavailable(_) | StoreError::Timeout);
        let link = if is_away {
            &self.vitals.store_reads
        } else {
            &self.vitals.registry
        };
        if link.down(reason.clone()) {
            warn!(error = reason, "the registry cannot be read; trying again");
        }
        Err(())
    }

    async fn read(&self, first: bool) -> Result<(), StoreError> {
        let rows = self.history.devices(self.max_devices).await?;
        self.restore(&rows);
        self.look_up().await?;
        if first {
            self.read_latest(&rows).await?;
        }
        Ok(())
    }

    /// Reads what is newest of each device: the baseline of decisions, and what the page shows.
    async fn read_latest(&self, rows: &[DeviceRow]) -> Result<(), StoreError> {
        let period = Period {
            since: now().minus(RESTORE_SPAN).as_millis(),
            until: now().plus(AHEAD).as_millis(),
        };
        let latest = self.history.latest_readings(period, self.max_devices).await?;
        let actions = self.history.latest_actions(period, self.max_devices).await?;
        let states = self.history.latest_states(period, self.max_devices).await?;
        let readings: Vec<Reading> = latest.iter().filter_map(reading).collect();
        let registered = rows.iter().filter_map(|row| DeviceId::parse(&row.device_id).ok());
        let registered: Vec<DeviceId> = registered.collect();
        self.clocks
            .know(registered.iter().chain(readings.iter().map(Reading::device_id)));
        self.trigger.settle(&readings);
        self.devices.restore_readings(&readings);
        self.devices.restore_actions(actions);
        self.devices.restore_states(&states);
        Ok(())
    }

    /// Asks for the devices that no answer held so far.
    async fn look_up(&self) -> Result<(), StoreError> {
        loop {
            let unknown = self.devices.not_looked_up(LOOK_UP);
            if unknown.is_empty() {
                return Ok(());
            }
            let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            self.restore(&self.history.devices_of(&names).await?);
            self.devices.looked_up(&unknown);
        }
    }

    fn restore(&self, rows: &[DeviceRow]) {
        self.devices.restore(rows);
        for row in rows {
            self.set_thresholds(row);
        }
    }

    fn set_thresholds(&self, row: &DeviceRow) {
        let general = self.trigger.options().thresholds;
        if let (Ok(device_id), Some(own)) = (
            DeviceId::parse(&row.device_id),
            own_thresholds(&row.config, general),
        ) {
            self.trigger.set_thresholds(&device_id, own);
        }
    }

    async fn write(&self, drain: &CancellationToken) {
        if let Some(Err(error)) = drain.run_until_cancelled(self.look_up()).await {
            debug!(error = with_causes(&error), "new devices wait for the registry");
        }
        let due = self.devices.due(now());
        if due.rows.is_empty() {
            return;
        }
        let rows = due.rows.iter().map(Row::encode).collect();
        match self.log.append(None, rows).await {
            Ok(_) => self.devices.written(due),
            Err(error) => {
                let error = with_causes(&error);
                warn!(error, "the registry's rows wait: the log did not take them");
            }
        }
    }
}

fn reading(row: &LatestReading) -> Option<Reading> {
    let quantity = Quantity::from_word(&row.quantity)?;
    let device_id = DeviceId::parse(&row.device_id).ok()?;
    Reading::new(
        device_id,
        quantity,
        row.value,
        Timestamp::from_millis(row.timestamp),
    )
    .ok()
}
