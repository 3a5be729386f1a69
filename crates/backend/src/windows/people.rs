//! What people want of windows: wishes that last, until they end or are ended.
//!
//! In: wishes, by whatever hand. Out: they are carried out and survive a restart, or why not.

use domain::{By, DeviceId, Hold, Lasting, RefusalReason, Timestamp};

use super::{Windows, view::ControlView};

/// A person's wish cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It would be over before it begins.
    #[error("it ends before it begins: `until` is {0}, which is past")]
    Past(Timestamp),
    /// No such device was heard of or set up.
    #[error(
        "no device {0} is known, so its window is not moved: check the id; a device is known once it was heard of, or set up with PATCH /api/v1/devices/{0}"
    )]
    Unknown(DeviceId),
    /// The device is out of use.
    #[error(
        "{0} is retired, so its window is not moved: put it back into use first, with {{\"retired\": false}} to PATCH /api/v1/devices/{0}"
    )]
    Retired(DeviceId),
    /// There are too many windows.
    #[error("there are {0} windows already, the most that are looked after; see backend.max_devices")]
    Full(usize),
    /// It was carried out and cannot be kept.
    #[error("it is carried out, but would not survive a restart: {0}")]
    Unkept(String),
}

impl WindowError {
    /// The kind of fault, as in `ingest_errors`.
    pub(crate) const fn reason(&self) -> RefusalReason {
        match self {
            Self::Unknown(_) => RefusalReason::UnknownDevice,
            Self::Retired(_) => RefusalReason::Retired,
            Self::Past(_) | Self::Full(_) | Self::Unkept(_) => RefusalReason::OutOfRange,
        }
    }
}

impl Windows {
    /// Takes a person's wish that lasts. When this returns, it survives a restart.
    pub async fn hold(&self, device_id: &DeviceId, hold: Hold, by: &By) -> Result<ControlView, WindowError> {
        let number = self.begin(device_id, hold, by)?;
        self.kept(number).await?;
        self.shown(device_id)
    }

    /// Ends a person's wish, if there is one. The window stays where it is until the next decision.
    pub async fn resume(&self, device_id: &DeviceId, by: &By) -> Result<Option<ControlView>, WindowError> {
        let number = self.end(device_id, by)?;
        self.kept(number).await?;
        Ok(self.view(device_id))
    }

    /// Begins a person's wish. Returns the number of the change.
    pub(crate) fn begin(&self, device_id: &DeviceId, hold: Hold, by: &By) -> Result<u64, WindowError> {
        self.expect(device_id, Some(&hold))?;
        let begun = self.turn(device_id, |turn| turn.hold(hold, by));
        begun.ok_or(WindowError::Full(self.most))?;
        Ok(self.keeper.newest())
    }

    /// Ends a person's wish. Returns the number of the change.
    pub(crate) fn end(&self, device_id: &DeviceId, by: &By) -> Result<u64, WindowError> {
        self.expect(device_id, None)?;
        self.known_turn(device_id, |turn| turn.resume(by));
        Ok(self.keeper.newest())
    }

    /// Whether a person may move a window, or let go of it: that of a device that is known and in use.
    pub(crate) fn expect(&self, device_id: &DeviceId, hold: Option<&Hold>) -> Result<(), WindowError> {
        if !self.is_of_known(device_id) {
            return Err(WindowError::Unknown(device_id.clone()));
        }
        if self.setups.of(device_id).is_retired {
            return Err(WindowError::Retired(device_id.clone()));
        }
        if let Some(Lasting::Until(until)) = hold.map(|hold| hold.lasting)
            && until <= self.clock.read().wall
        {
            return Err(WindowError::Past(until));
        }
        Ok(())
    }

    /// Whether a device was heard of or set up.
    pub(crate) fn is_of_known(&self, device_id: &DeviceId) -> bool {
        let is_window = || {
            let windows = self.by_id.lock();
            windows.get(device_id).is_some_and(|window| window.is_known)
        };
        self.devices.knows(device_id) || self.setups.has(device_id) || is_window()
    }

    /// Waits until the change of that number survives a restart.
    pub(crate) async fn kept(&self, number: u64) -> Result<(), WindowError> {
        self.keeper.written(number).await.map_err(WindowError::Unkept)
    }

    fn shown(&self, device_id: &DeviceId) -> Result<ControlView, WindowError> {
        self.view(device_id).ok_or(WindowError::Full(self.most))
    }
}
