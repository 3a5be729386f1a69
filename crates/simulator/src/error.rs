//! Why a simulation cannot run.

/// A simulation could not start or one of its devices broke. A broker that is away is no error: devices wait for it.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// Device ids made with this prefix are not device ids.
    #[error("'{prefix}' cannot begin a device id")]
    BadPrefix {
        /// What was given.
        prefix: String,
        /// Why.
        #[source]
        source: domain::InvalidDeviceId,
    },
    /// The speed is not a finite number above 0, or so large that rooms cannot keep up.
    #[error("a speed of {0} is outside 0 to 100000")]
    BadSpeed(f64),
    /// An interval is shorter than the devices' beat of 200 ms.
    #[error("an interval of {0:?} is shorter than 200 ms")]
    BadInterval(std::time::Duration),
    /// Presses of a switch are too dense, or so rare that none would be seen.
    #[error("{0:?} between two presses of a switch is not within 200 ms to 30 days")]
    BadPause(std::time::Duration),
    /// A share is not one.
    #[error("a share of {0} is outside 0 to 1")]
    BadShare(f64),
    /// A device's task panicked.
    #[error("a virtual device failed")]
    DeviceFailed(#[source] tokio::task::JoinError),
}
