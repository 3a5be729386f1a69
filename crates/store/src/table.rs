//! The tables that rows go to.

use std::fmt;

use domain::Quantity;
use serde::{Deserialize, Serialize};

/// A table of the schema that ingest writes. It is serialised as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Table {
    /// Readings of one quantity.
    Sensor(Quantity),
    /// Readings typical of a faulty sensor, of every quantity.
    SuspectReadings,
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
    /// How far commands have come.
    WindowCommandStates,
    /// Events of devices.
    DeviceEvents,
    /// What devices say of themselves.
    DeviceTelemetry,
    /// Refused messages and rows.
    IngestErrors,
    /// How the system itself does.
    SystemMetrics,
    /// Who came in, who did not, and what was done to accounts.
    AuditLog,
}

/// The tables that do not hold readings.
const OTHERS: [Table; 12] = [
    Table::SuspectReadings,
    Table::SensorAudio,
    Table::WindowActions,
    Table::MlPredictions,
    Table::DeviceRegistry,
    Table::WindowStates,
    Table::WindowCommandStates,
    Table::DeviceEvents,
    Table::DeviceTelemetry,
    Table::IngestErrors,
    Table::SystemMetrics,
    Table::AuditLog,
];

/// The text is not the name of a table.
#[derive(Debug, thiserror::Error)]
#[error("no table has the name '{0}'")]
pub struct UnknownTable(String);

impl Table {
    /// Every table, in the order in which a batch is inserted.
    pub const ALL: [Self; Quantity::COUNT + OTHERS.len()] = {
        let mut all = [Self::SensorAudio; Quantity::COUNT + OTHERS.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = if place < Quantity::COUNT {
                Self::Sensor(Quantity::ALL[place])
            } else {
                OTHERS[place - Quantity::COUNT]
            };
            place += 1;
        }
        all
    };

    /// Returns its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sensor(quantity) => quantity.table(),
            Self::SuspectReadings => "suspect_readings",
            Self::SensorAudio => "sensor_audio",
            Self::WindowActions => "window_actions",
            Self::MlPredictions => "ml_predictions",
            Self::DeviceRegistry => "device_registry",
            Self::WindowStates => "window_states",
            Self::WindowCommandStates => "window_command_states",
            Self::DeviceEvents => "device_events",
            Self::DeviceTelemetry => "device_telemetry",
            Self::IngestErrors => "ingest_errors",
            Self::SystemMetrics => "system_metrics",
            Self::AuditLog => "audit_log",
        }
    }
}

impl From<Table> for &'static str {
    fn from(table: Table) -> Self {
        table.name()
    }
}

impl TryFrom<String> for Table {
    type Error = UnknownTable;

    fn try_from(name: String) -> Result<Self, UnknownTable> {
        let found = Self::ALL.into_iter().find(|table| table.name() == name);
        found.ok_or(UnknownTable(name))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
