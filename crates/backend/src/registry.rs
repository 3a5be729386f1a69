//! The table of devices: read once ClickHouse answers, written as devices come, go and change.
//!
//! In: what was stored, and devices as they are now. Out: rows in the log. Names, places and settings are the registry's own
//! file's; the table mirrors them. It is read again every quarter of a minute, so that what another program wrote into it is
//! taken over, and that a silent ClickHouse is noticed.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use domain::{DeviceId, Quantity, Reading, Timestamp};
use monitoring::with_causes;
use parking_lot::Mutex;
use registry::{Book, Foreign};
use store::{DeviceRow, LatestDecision, LatestReading, Period, Row, StoreError};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    Happening, Rules, Windows,
    clock::now,
    clocks::Clocks,
    database::{History, Tables},
    devices::foreign_of,
    following::Following,
    log::Repeats,
    trigger::{Before, Decided},
    vitals::Vitals,
};

const TICK: Duration = Duration::from_secs(1);
/// The pause between attempts while decisions wait for the first answer.
const FIRST_TICK: Duration = Duration::from_millis(50);
/// How long decisions wait for it at a start; after that it is unknowable what was decided before.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long of that what the last run left in the log is waited for.
const LONGEST_REPLAY: Duration = Duration::from_secs(3);
/// How far ahead of now a stored time may lie: as far as a device's clock.
const AHEAD: Duration = Duration::from_mins(5);
const RELOAD: Duration = Duration::from_secs(15);
/// The most devices that the registry is asked for at once.
const LOOK_UP: usize = 1_000;
/// The same of answers to settings, which change rarely.
const ANSWERS_SPAN: Duration = Duration::from_hours(10 * 365 * 24);
/// How far back the newest readings and commands are looked for at a start.
const RESTORE_SPAN: Duration = Duration::from_hours(7 * 24);

/// Keeps the registry.
#[derive(Debug)]
pub(crate) struct DeviceRegistry {
    pub(crate) following: Arc<Following>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) tables: Arc<dyn Tables>,
    /// `last_seen` of the rows of other programs that were looked at.
    pub(crate) examined: Mutex<HashMap<DeviceId, i64>>,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) history: Arc<dyn History>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    /// The most devices that are read.
    pub(crate) max_devices: usize,
    /// Whether ClickHouse has the schema.
    pub(crate) prepared: watch::Receiver<bool>,
    /// Becomes true when ClickHouse has what the last run left in the log.
    pub(crate) replayed: watch::Receiver<bool>,
    /// Becomes true when the baseline is known, or known to be unknowable.
    pub(crate) settled: watch::Sender<bool>,
}

impl DeviceRegistry {
    /// Runs until `drain`; then writes what is due once more.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let begun = drain.run_until_cancelled(self.begin()).await.flatten();
        let (mut loaded, mut is_whole) = match begun {
            Some((at, is_whole)) => (Some(at), is_whole),
            None => (None, false),
        };
        loop {
            let ended = drain.run_until_cancelled(sleep(TICK)).await.is_none();
            // What was newest is read once more when ClickHouse has what the last run left in the log.
            let has_replayed = *self.replayed.borrow();
            let is_first = loaded.is_none() || !is_whole && has_replayed;
            if !ended && (is_first || loaded.is_none_or(|at| at.elapsed() >= RELOAD)) {
                // A ClickHouse that hangs must not keep a stopping service waiting.
                match drain.run_until_cancelled(self.load(is_first)).await {
                    None => continue,
                    Some(Ok(())) => {
                        loaded = Some(Instant::now());
                        is_whole |= has_replayed;
                    }
                    Some(Err(())) => {}
                }
            }
            if loaded.is_some() {
                self.write(&drain).await;
                let removing = self.following.remove_rows(&*self.tables);
                let _ = drain.run_until_cancelled(removing).await;
            }
            self.following.trigger.drop_old_clips();
            if ended {
                return;
            }
        }
    }

    /// Waits for the newest state of every device, then lets the trigger decide. Returns when it was read; `None` where it
    /// cannot be known in time: then nothing late decides, and what is current does. Says as well whether ClickHouse had all
    /// of the last run by then.
    async fn begin(&self) -> Option<(Instant, bool)> {
        let began = Instant::now();
        let deadline = began + LONGEST_WAIT;
        let mut prepared = self.prepared.clone();
        let mut replayed = self.replayed.clone();
        let read = async {
            let _ = prepared.wait_for(|prepared| *prepared).await;
            let replay = replayed.wait_for(|replayed| *replayed);
            let has_replayed = timeout_at(began + LONGEST_REPLAY, replay).await.is_ok();
            while self.load(true).await.is_err() {
                sleep(FIRST_TICK).await;
            }
            has_replayed
        };
        let loaded = timeout_at(deadline, read).await.ok();
        if loaded.is_none() {
            warn!(
                "ClickHouse does not say what was known before: decisions go on without it, on current readings only"
            );
            self.following.trigger.settle(&Before::default(), now(), |_| true);
        }
        self.settled.send_replace(true);
        loaded.map(|has_replayed| (Instant::now(), has_replayed))
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
        self.restore(&rows).await;
        self.look_up().await?;
        if !self.vitals.has_read_devices.swap(true, Ordering::Relaxed) {
            // Who asked for the devices before has not heard of all of them.
            let revision = self.following.registry.book().revision();
            self.following.feed.add(now(), Happening::Registry { revision });
        }
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
        let decisions = self.history.latest_decisions(period, self.max_devices).await?;
        let readings: Vec<Reading> = latest.iter().filter_map(reading).collect();
        let registered = rows.iter().filter_map(|row| DeviceId::parse(&row.device_id).ok());
        let registered: Vec<DeviceId> = registered.collect();
        self.clocks
            .know(registered.iter().chain(readings.iter().map(Reading::device_id)));
        self.following.prepare();
        self.following.devices.restore_readings(&readings);
        self.rules.remember(&readings);
        let before = Before {
            readings,
            decisions: decisions.iter().filter_map(decided).collect(),
        };
        let (setups, book) = (&self.following.setups, self.following.registry.book());
        let is_asked_for = |device_id: &DeviceId| {
            let is_there = book.forgotten_at(device_id).is_none() || self.following.devices.knows(device_id);
            is_there && !setups.of(device_id).is_retired
        };
        self.following.trigger.settle(&before, now(), is_asked_for);
        self.following
            .devices
            .restore_actions(actions, |device_id, command_id| {
                self.windows.cause(device_id, command_id)
            });
        let held = self.history.latest_held(period, self.max_devices).await?;
        self.following.devices.restore_held(held);
        self.following.devices.restore_states(&states);
        self.windows.remember();
        let answers = Period {
            since: now().minus(ANSWERS_SPAN).as_millis(),
            ..period
        };
        let answers = self.history.latest_acks(answers, self.max_devices).await?;
        self.following.devices.restore_answers(&answers);
        Ok(())
    }

    /// Asks for the devices that no answer held so far.
    async fn look_up(&self) -> Result<(), StoreError> {
        loop {
            let unknown = self.following.devices.not_looked_up(LOOK_UP);
            if unknown.is_empty() {
                return Ok(());
            }
            let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            self.restore(&self.history.devices_of(&names).await?).await;
            self.following.devices.looked_up(&unknown);
        }
    }

    async fn restore(&self, rows: &[DeviceRow]) {
        let book = self.following.registry.book();
        let mut current = Vec::with_capacity(rows.len());
        for row in rows {
            let Ok(device_id) = DeviceId::parse(&row.device_id) else {
                continue;
            };
            if book
                .forgotten_at(&device_id)
                .is_some_and(|at| row.last_seen <= at)
            {
                // It was written before, and stored since.
                self.following.to_remove.lock().insert(device_id);
            } else {
                current.push((device_id, row));
            }
        }
        let foreign = self.foreign(&current, &book);
        let current: Vec<DeviceRow> = current.into_iter().map(|(_, row)| row.clone()).collect();
        self.following.devices.restore(&current);
        if !foreign.is_empty() {
            self.adopt(foreign).await;
        }
        self.following.apply();
    }

    /// What other programs wrote that was not looked at before.
    fn foreign(&self, rows: &[(DeviceId, &DeviceRow)], book: &Book) -> Vec<(DeviceId, Foreign)> {
        let mut examined = self.examined.lock();
        let mut foreign = Vec::new();
        for (device_id, row) in rows {
            // A row of ours tells of a change that this registry has made, unless its file is another one.
            let is_foreign = row.revision == 0 || row.revision > book.revision();
            let is_known = examined.get(device_id).is_some_and(|at| row.last_seen <= *at);
            if !is_foreign || is_known {
                continue;
            }
            examined.insert(device_id.clone(), row.last_seen);
            let says = foreign_of(device_id, row);
            if book.would_adopt(device_id, &says) {
                foreign.push((device_id.clone(), says));
            }
        }
        foreign
    }

    async fn adopt(&self, foreign: Vec<(DeviceId, Foreign)>) {
        let ids: Vec<DeviceId> = foreign.iter().map(|(device_id, _)| device_id.clone()).collect();
        let adopting = self.following.registry.change(move |book| {
            for (device_id, says) in foreign {
                book.adopt(&device_id, says)?;
            }
            Ok(())
        });
        if let Err(error) = adopting.await {
            let error = with_causes(&error);
            warn!(
                error,
                "what another program wrote into device_registry is not taken over"
            );
            let mut examined = self.examined.lock();
            examined.retain(|device_id, _| !ids.contains(device_id));
        }
    }

    async fn write(&self, drain: &CancellationToken) {
        if let Some(Err(error)) = drain.run_until_cancelled(self.look_up()).await {
            debug!(error = with_causes(&error), "new devices wait for the registry");
        }
        let due = self.following.devices.due(now());
        if due.rows.is_empty() {
            return;
        }
        let rows = due.rows.iter().map(Row::encode).collect();
        match self.log.append(None, rows).await {
            Ok(_) => {
                for (device_id, change, detail) in due.events.clone() {
                    let happening = Happening::Device {
                        device_id,
                        change,
                        detail,
                    };
                    self.following.feed.add(now(), happening);
                }
                self.following.devices.written(due);
            }
            Err(error) => {
                let error = with_causes(&error);
                warn!(error, "the registry's rows wait: the log did not take them");
            }
        }
    }
}

fn decided(row: &LatestDecision) -> Option<Decided> {
    Some(Decided {
        device_id: DeviceId::parse(&row.device_id).ok()?,
        timestamp: Timestamp::from_millis(row.timestamp),
        climate: row.climate,
    })
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
