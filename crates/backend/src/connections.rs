//! What the embedded broker says of a device's connection.
//!
//! In: a device connects, its connection ends. Out: it is told the time, it is offline. Nothing here waits, and nobody is
//! registered by it.

use domain::DeviceId;

use crate::{Ingest, clock::now};

impl Ingest {
    /// A device has connected: it is told the time, if it wants to know.
    pub fn device_connected(&self, device_id: &DeviceId) {
        if self.devices.connected(device_id) {
            self.tell_time(device_id);
        }
    }

    /// A device's connection ended, for this reason.
    pub fn device_disconnected(&self, device_id: &DeviceId, reason: &'static str) {
        self.devices.disconnected(device_id, reason, now());
    }

    /// Has a device told the time. Of more questions than can wait, the newest are dropped: devices ask again.
    pub(crate) fn tell_time(&self, device_id: &DeviceId) {
        let _ = self.clockless.try_send(device_id.clone());
    }
}
