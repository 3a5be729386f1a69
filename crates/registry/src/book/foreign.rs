//! Rows of the table of devices that other programs wrote, and who changed what when.

use domain::{DeviceId, Settings};

use super::{Book, ChangeError, Entry, Patch};

/// A row of the table of devices that another program wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// Its settings.
    pub settings: Settings,
    /// Its version, ms.
    pub last_seen: i64,
}

impl Book {
    /// Takes over what another program wrote into the table of devices, unless that was taken over before or is older than
    /// the device's removal. Returns whether it changed anything.
    pub fn adopt(&mut self, device_id: &DeviceId, foreign: Foreign) -> Result<bool, ChangeError> {
        if !self.would_adopt(device_id, &foreign) {
            return Ok(false);
        }
        let patch = Patch {
            name: Some(foreign.name),
            location: Some(foreign.location),
            settings: Some(foreign.settings),
            retired: None,
        };
        self.patch(device_id, patch, None)?;
        let entry = self.devices.get_mut(device_id).expect("it was just set up");
        entry.adopted = foreign.last_seen;
        Ok(true)
    }

    /// Whether [`Book::adopt`] would change anything.
    pub fn would_adopt(&self, device_id: &DeviceId, foreign: &Foreign) -> bool {
        let known = self.devices.get(device_id);
        let last_known = known.map_or(i64::MIN, |entry| entry.adopted);
        let removed = self.forgotten.get(device_id).copied().unwrap_or(i64::MIN);
        let changed = known.map_or(i64::MIN, |entry| entry.changed_at);
        let is_new = |entry: &Entry| {
            (&entry.name, &entry.location, &entry.settings)
                != (&foreign.name, &foreign.location, &foreign.settings)
        };
        foreign.last_seen > last_known.max(removed).max(changed)
            && known.map_or_else(|| is_new(&Entry::default()), is_new)
    }

    /// Notes when people changed what differs from `before`. What was taken over from another program is no change of theirs.
    pub(crate) fn stamp(&mut self, before: &Self, now: i64) {
        for (device_id, entry) in &mut self.devices {
            let adopted = before.devices.get(device_id).map_or(0, |entry| entry.adopted);
            if entry.revision > before.revision && entry.adopted == adopted {
                entry.changed_at = now;
            }
        }
    }
}
