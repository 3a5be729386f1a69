//! The tables that rows go to.

use serde::{Deserialize, Serialize};

/// A table of the schema that ingest writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Temperature readings.
    SensorTemperature,
    /// Humidity readings.
    SensorHumidity,
    /// Clips, as hash and features.
    SensorAudio,
    /// Window commands as they were sent.
    WindowActions,
    /// Predictions as the model made them.
    MlPredictions,
    /// Devices as they are known now.
    DeviceRegistry,
    /// Positions that windows report.
    WindowStates,
    /// What happened to devices.
    DeviceEvents,
    /// What was refused.
    IngestErrors,
}

impl Table {
    /// Every table, in the order in which a batch is inserted.
    pub const ALL: [Self; 9] = [
        Self::SensorTemperature,
        Self::SensorHumidity,
        Self::SensorAudio,
        Self::WindowActions,
        Self::MlPredictions,
        Self::DeviceRegistry,
        Self::WindowStates,
        Self::DeviceEvents,
        Self::IngestErrors,
    ];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SensorTemperature => "sensor_temperature",
            Self::SensorHumidity => "sensor_humidity",
            Self::SensorAudio => "sensor_audio",
            Self::WindowActions => "window_actions",
            Self::MlPredictions => "ml_predictions",
            Self::DeviceRegistry => "device_registry",
            Self::WindowStates => "window_states",
            Self::DeviceEvents => "device_events",
            Self::IngestErrors => "ingest_errors",
        }
    }

    /// The table of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
