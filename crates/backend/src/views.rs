//! What others may look at while the backend works: devices as they are now, what happens, how it does.
//!
//! In: nothing. Out: values that are there at once. It never asks ClickHouse anything, so it answers while that is away.

use std::sync::{Arc, atomic::Ordering};

use domain::DeviceId;
use registry::{Registry, RegistryError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Devices, Feed, Inspector, Metrics, Rules, Summary, Windows, clock::now, following::Following,
    log::Repeats, vitals::Vitals,
};

/// The backend from outside. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Views {
    pub(crate) devices: Arc<Devices>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) following: Arc<Following>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) inspector: Inspector,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) log: Arc<dyn Repeats>,
}

/// How the backend does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Status {
    /// The version of the program.
    pub version: &'static str,
    /// Devices that are known.
    pub devices: usize,
    /// Those of them that were heard of lately.
    pub devices_active: usize,
    /// Records that wait to be stored.
    pub journal_records: u64,
    /// Their size.
    pub journal_bytes: u64,
    /// Beyond so many bytes nothing more is accepted.
    pub journal_max_bytes: u64,
    /// Whether messages are accepted: the journal has room and can be written.
    pub accepting: bool,
    /// Whether ClickHouse answers.
    pub store_up: bool,
    /// Whether the broker is there.
    pub broker_up: bool,
    /// What was counted since the start.
    pub counters: Summary,
}

impl Views {
    /// The latest state of all devices.
    pub fn devices(&self) -> &Arc<Devices> {
        &self.devices
    }

    /// Whether the table of devices was read since the start. Until then, a device that is not known may have been known before.
    pub fn has_read_devices(&self) -> bool {
        self.vitals.has_read_devices.load(Ordering::Relaxed)
    }

    /// What people have set up.
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What happens.
    pub const fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Forgets a device: its name, its place, its settings, its row in the table of devices and what the broker keeps for it.
    /// Its history stays. Returns whether it was known; one that speaks again is a new one.
    pub async fn forget(&self, device_id: &DeviceId) -> Result<bool, RegistryError> {
        let was_known = self.devices.knows(device_id);
        if !was_known && self.registry.book().device(device_id).is_none() {
            return Ok(false);
        }
        let (id, now) = (device_id.clone(), now().as_millis());
        let was_set_up = self
            .registry
            .change(move |book| Ok(book.forget(&id, now)))
            .await?;
        self.following.apply();
        self.windows.forget(device_id);
        Ok(was_known || was_set_up)
    }

    /// The windows: who decides about each, and what limits it.
    pub const fn windows(&self) -> &Arc<Windows> {
        &self.windows
    }

    /// What closes windows, and when they go somewhere by themselves.
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What becomes of a message, as ingest reads it.
    pub const fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// How the backend does now.
    pub fn status(&self) -> Status {
        let backlog = self.log.backlog();
        let (devices, devices_active) = self.devices.count();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            devices,
            devices_active,
            journal_records: backlog.records,
            journal_bytes: backlog.bytes,
            journal_max_bytes: backlog.max_bytes,
            accepting: self.vitals.is_accepting(),
            store_up: self.vitals.store_is_up(),
            broker_up: self.vitals.broker.is_up(),
            counters: self.metrics.summary(),
        }
    }
}
