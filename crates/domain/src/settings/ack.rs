//! What a device answers to the settings that it was sent.

use crate::DeviceId;

/// Characters of a reason that are kept.
const MAX_REASON: usize = 200;

/// A device's answer to settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsAck {
    /// Whose.
    pub device_id: DeviceId,
    /// The version of the settings that it answers.
    pub version: u64,
    /// Why it does not take them; `None` where it does.
    pub refused: Option<String>,
}

impl SettingsAck {
    /// Returns an answer; a reason that is too long is cut, and one that is empty says so.
    pub fn new(device_id: DeviceId, version: u64, refused: Option<&str>) -> Self {
        let refused = refused.map(|reason| {
            let clean = reason.trim().chars().filter(|c| !c.is_control());
            let reason: String = clean.take(MAX_REASON).collect();
            if reason.is_empty() {
                "the device gives no reason".to_owned()
            } else {
                reason
            }
        });
        Self {
            device_id,
            version,
            refused,
        }
    }
}
