//! What follows from a change of the registry: names and places, what is decided for whom, who is forgotten.
//!
//! In: the registry. Out: changed devices, rows that are due, an event for those who watch. Each change is applied once; what
//! a message needs of it, it sees by itself (`setups`).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::DeviceId;
use monitoring::with_causes;
use parking_lot::Mutex;
use registry::{Registry, Revision};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{Devices, Feed, Happening, InferenceTrigger, clock::now, database::Tables, setups::Setups};

/// Follows the registry.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) registry: Arc<Registry>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) setups: Arc<Setups>,
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) feed: Arc<Feed>,
    applied: Mutex<Revision>,
    /// Devices whose rows are still to be removed.
    pub(crate) to_remove: Mutex<BTreeSet<DeviceId>>,
}

impl Following {
    /// Has applied nothing yet.
    pub(crate) fn new(
        registry: Arc<Registry>,
        trigger: Arc<InferenceTrigger>,
        inactive_after: Duration,
        max_devices: usize,
    ) -> Arc<Self> {
        let setups = Setups::new(Arc::clone(&registry), Arc::clone(&trigger), max_devices);
        Arc::new(Self {
            registry,
            devices: Arc::new(Devices::new(inactive_after, max_devices)),
            setups: Arc::new(setups),
            trigger,
            feed: Arc::new(Feed::new(now())),
            applied: Mutex::default(),
            to_remove: Mutex::default(),
        })
    }

    /// Applies each change as it is made, until `drain`.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) {
        let mut changes = self.registry.changes();
        loop {
            changes.mark_unchanged();
            self.apply();
            if drain.run_until_cancelled(changes.changed()).await.is_none() {
                return;
            }
        }
    }

    /// Applies what was changed since the last time.
    pub(crate) fn apply(&self) {
        let mut applied = self.applied.lock();
        let book = self.registry.book();
        if book.revision() == *applied {
            return;
        }
        for device_id in self.devices.set_up(&book) {
            self.forgotten(&device_id);
        }
        for (device_id, _) in book.devices().filter(|(_, entry)| entry.retired) {
            self.trigger.forget(device_id);
            self.devices.withhold(device_id, None);
        }
        *applied = book.revision();
        let revision = book.revision();
        self.feed.add(now(), Happening::Registry { revision });
        // Who carries settings to devices looks at all of them again.
        self.devices.arrivals.notify_one();
    }

    fn forgotten(&self, device_id: &DeviceId) {
        self.trigger.forget(device_id);
        self.setups.forget(device_id);
        self.to_remove.lock().insert(device_id.clone());
        let happening = Happening::Device {
            device_id: device_id.clone(),
            change: "forgotten",
            detail: String::new(),
        };
        self.feed.add(now(), happening);
    }

    /// Computes what is set for every device, so that what is decided next is decided by it.
    pub(crate) fn prepare(&self) {
        for (device_id, _) in self.devices.versions() {
            self.setups.of(&device_id);
        }
    }

    /// Removes the rows of devices that were forgotten, as far as the database answers.
    pub(crate) async fn remove_rows(&self, tables: &dyn Tables) {
        let waiting: Vec<DeviceId> = self.to_remove.lock().iter().cloned().collect();
        for device_id in waiting {
            if let Err(error) = tables.forget(device_id.as_str()).await {
                let error = with_causes(&error);
                debug!(error, %device_id, "the row of a device that was forgotten is removed later");
                return;
            }
            self.to_remove.lock().remove(&device_id);
        }
    }
}
