//! Rows, field for field as their tables have them: same names, same order, plain strings and numbers.
//!
//! Every `*_at` and `timestamp` is in milliseconds since 1970-01-01 UTC. Unknown values are NaN or empty, as in the
//! tables. To add a column, append a field with `#[serde(default)]`, so that rows in existing journals remain
//! decodable.

mod devices;
mod measured;
mod system;
mod windows;

use serde::{Deserialize, Deserializer};

pub use devices::{DeviceEventRow, DeviceRow, TelemetryRow};
pub use measured::{AudioRow, ReadingRow, SuspectReadingRow};
pub use system::{AuditRow, IngestErrorRow, SystemMetricsRow};
pub use windows::{CommandStateRow, MlPredictionRow, WindowActionRow, WindowStateRow};

/// What rows in journals from before a column say of it.
const fn nan() -> f64 {
    f64::NAN
}

/// JSON has no NaN and writes it as null.
fn number_or_nan<'de, D: Deserializer<'de>, T: Deserialize<'de> + From<f32>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_else(|| f32::NAN.into()))
}

/// What a row of before says of a column that came later.
const fn unknown() -> f32 {
    f32::NAN
}
