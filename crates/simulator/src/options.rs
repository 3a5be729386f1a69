//! What a simulation is to be like.

use std::{sync::Arc, time::Duration};

use domain::DeviceId;
use mqtt::{BrokerUrl, ConnectionOptions, Pipe, SecretString, Topics};

use crate::{Mishaps, SimulationError, delivery_log::DeliveryLog};

/// The shortest interval a device can keep.
pub(crate) const DEVICE_TICK: Duration = Duration::from_millis(200);
const MAX_SPEED: f64 = 100_000.0;

/// Everything about one simulation. Start from [`SimulationOptions::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// Where the devices connect.
    pub broker: BrokerUrl,
    /// The account; `{device_id}` in it stands for the device's id.
    pub username: Option<String>,
    /// The account's password.
    pub password: Option<SecretString>,
    /// Certificates (PEM) to trust for TLS instead of the system's.
    pub trusted_certificates_pem: Option<Vec<u8>>,
    /// A way to the broker within the process, in place of a connection to `broker`.
    pub pipe: Option<Pipe>,
    /// How many devices, each in a room of its own.
    pub devices: usize,
    /// The same seed gives the same rooms, weather, readings and recordings.
    pub seed: u64,
    /// Simulated seconds in a second of wall time.
    pub speed: f64,
    /// Wall time between two readings of a device.
    pub reading_interval: Duration,
    /// Wall time between two recordings of a device.
    pub clip_interval: Duration,
    /// Length of a recording.
    pub clip_length: Duration,
    /// Device ids are this and a number from 001 on.
    pub id_prefix: String,
    /// The installation's topics.
    pub topics: Topics,
    /// What happens to windows besides commands.
    pub mishaps: Mishaps,
    /// Where to note what was published and what was acknowledged.
    pub delivery_log: Option<Arc<DeliveryLog>>,
}

impl SimulationOptions {
    /// Five devices at real speed; climate every 5 s, clips of 2 s every 20 s; windows that do as they are told.
    pub fn new(broker: BrokerUrl) -> Self {
        Self {
            broker,
            username: None,
            password: None,
            trusted_certificates_pem: None,
            pipe: None,
            devices: 5,
            seed: 1,
            speed: 1.0,
            reading_interval: Duration::from_secs(5),
            clip_interval: Duration::from_secs(20),
            clip_length: Duration::from_secs(2),
            id_prefix: "sim-".to_owned(),
            topics: Topics::default(),
            mishaps: Mishaps::default(),
            delivery_log: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SimulationError> {
        if !(self.speed > 0.0 && self.speed <= MAX_SPEED) {
            return Err(SimulationError::BadSpeed(self.speed));
        }
        for interval in [self.reading_interval, self.clip_interval] {
            if interval < DEVICE_TICK {
                return Err(SimulationError::BadInterval(interval));
            }
        }
        self.mishaps.check()?;
        self.device_id(self.devices).map(|_| ())
    }

    /// The id of device number `index`, counted from 0.
    pub fn device_id(&self, index: usize) -> Result<DeviceId, SimulationError> {
        let text = format!("{}{:03}", self.id_prefix, index + 1);
        DeviceId::parse(&text).map_err(|source| SimulationError::BadPrefix {
            prefix: self.id_prefix.clone(),
            source,
        })
    }

    /// A device's connection, without will and subscriptions.
    pub(crate) fn connection(&self, device_id: &DeviceId) -> ConnectionOptions {
        let username = self
            .username
            .as_ref()
            .map(|name| name.replace("{device_id}", device_id.as_str()));
        ConnectionOptions {
            username,
            password: self.password.clone(),
            trusted_certificates_pem: self.trusted_certificates_pem.clone(),
            pipe: self.pipe.clone(),
            ..ConnectionOptions::new(self.broker.clone(), device_id.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SimulationOptions {
        SimulationOptions::new(BrokerUrl::tcp("localhost", 1883))
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(options().check().is_ok());
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let options = SimulationOptions { speed, ..options() };
            assert!(
                matches!(options.check(), Err(SimulationError::BadSpeed(_))),
                "{speed}"
            );
        }
        for prefix in ["a/b", "ä", &"x".repeat(64)] {
            let options = SimulationOptions {
                id_prefix: prefix.to_owned(),
                ..options()
            };
            assert!(
                matches!(options.check(), Err(SimulationError::BadPrefix { .. })),
                "{prefix}"
            );
        }
        let options = SimulationOptions {
            reading_interval: Duration::ZERO,
            ..options()
        };
        assert!(matches!(options.check(), Err(SimulationError::BadInterval(_))));
    }

    #[test]
    fn an_account_can_be_the_devices_own() {
        let options = SimulationOptions {
            username: Some("{device_id}".to_owned()),
            ..options()
        };
        let connection = options.connection(&options.device_id(0).unwrap());
        assert_eq!(connection.username.as_deref(), Some("sim-001"));
    }
}
