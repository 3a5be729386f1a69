//! Rows as bytes, for the journal between accepting and storing.
//!
//! One version byte, then JSON tagged with the kind of row: readable by a person who inspects a journal and by a later
//! version with more fields. Every encoding that was ever written must remain decodable; the tests hold old ones.

use std::fmt;

use domain::Quantity;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, VariantAccess as _},
};

use crate::{
    AudioRow, AuditRow, CommandStateRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow,
    ReadingRow, SuspectReadingRow, SystemMetricsRow, Table, TelemetryRow, WindowActionRow, WindowStateRow,
};

const JSON_V1: u8 = 1;

/// A row of any table. In JSON it is an object with one key: the name of the quantity for a reading, otherwise the
/// variant in `snake_case`.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A row of the quantity's table.
    Reading(Quantity, ReadingRow),
    /// A row of `suspect_readings`.
    Suspect(SuspectReadingRow),
    /// A row of `sensor_audio`.
    Audio(AudioRow),
    /// A row of `window_actions`.
    WindowAction(WindowActionRow),
    /// A row of `ml_predictions`.
    MlPrediction(MlPredictionRow),
    /// A row of `device_registry`.
    Device(DeviceRow),
    /// A row of `window_states`.
    WindowState(WindowStateRow),
    /// A row of `window_command_states`.
    CommandState(CommandStateRow),
    /// A row of `device_events`.
    DeviceEvent(DeviceEventRow),
    /// A row of `device_telemetry`.
    Telemetry(TelemetryRow),
    /// A row of `ingest_errors`.
    IngestError(IngestErrorRow),
    /// A row of `system_metrics`.
    SystemMetrics(SystemMetricsRow),
    /// A row of `audit_log`.
    Audit(AuditRow),
}

/// The key of a row in JSON.
#[derive(Debug, Clone, Copy)]
enum Tag {
    Reading(Quantity),
    Suspect,
    Audio,
    WindowAction,
    MlPrediction,
    Device,
    WindowState,
    CommandState,
    DeviceEvent,
    Telemetry,
    IngestError,
    SystemMetrics,
    AuditEvent,
}

impl Tag {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reading(quantity) => quantity.as_str(),
            Self::Suspect => "suspect",
            Self::Audio => "audio",
            Self::WindowAction => "window_action",
            Self::MlPrediction => "ml_prediction",
            Self::Device => "device",
            Self::WindowState => "window_state",
            Self::CommandState => "command_state",
            Self::DeviceEvent => "device_event",
            Self::Telemetry => "telemetry",
            Self::IngestError => "ingest_error",
            Self::SystemMetrics => "system_metrics",
            // `audio` is a clip's.
            Self::AuditEvent => "audit_event",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        const OTHERS: [Tag; 12] = [
            Tag::Suspect,
            Tag::Audio,
            Tag::WindowAction,
            Tag::MlPrediction,
            Tag::Device,
            Tag::WindowState,
            Tag::CommandState,
            Tag::DeviceEvent,
            Tag::Telemetry,
            Tag::IngestError,
            Tag::SystemMetrics,
            Tag::AuditEvent,
        ];
        let reading = Quantity::from_word(text).map(Self::Reading);
        reading.or_else(|| OTHERS.into_iter().find(|tag| tag.as_str() == text))
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl de::Visitor<'_> for Word {
            type Value = Tag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of row")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tag, E> {
                Tag::parse(text).ok_or_else(|| E::custom(format!("'{text}' is no kind of row")))
            }
        }
        deserializer.deserialize_identifier(Word)
    }
}

/// A reading to which nothing was added.
#[derive(Serialize)]
struct Uncalibrated<'a> {
    timestamp: i64,
    device_id: &'a str,
    value: f64,
    received_at: i64,
}

impl<'a> Uncalibrated<'a> {
    fn of(row: &'a ReadingRow) -> Self {
        Self {
            timestamp: row.timestamp,
            device_id: &row.device_id,
            value: row.value,
            received_at: row.received_at,
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tag = self.tag().as_str();
        match self {
            // Without the offset that nearly every row has: a journal is mostly readings.
            Self::Reading(_, row) if row.offset.to_bits() == 0 => {
                serializer.serialize_newtype_variant("Row", 0, tag, &Uncalibrated::of(row))
            }
            Self::Reading(_, row) => serializer.serialize_newtype_variant("Row", 0, tag, row),
            Self::Suspect(row) => serializer.serialize_newtype_variant("Row", 8, tag, row),
            Self::Audio(row) => serializer.serialize_newtype_variant("Row", 1, tag, row),
            Self::WindowAction(row) => serializer.serialize_newtype_variant("Row", 2, tag, row),
            Self::MlPrediction(row) => serializer.serialize_newtype_variant("Row", 3, tag, row),
            Self::Device(row) => serializer.serialize_newtype_variant("Row", 4, tag, row),
            Self::WindowState(row) => serializer.serialize_newtype_variant("Row", 5, tag, row),
            Self::DeviceEvent(row) => serializer.serialize_newtype_variant("Row", 6, tag, row),
            Self::IngestError(row) => serializer.serialize_newtype_variant("Row", 7, tag, row),
            Self::SystemMetrics(row) => serializer.serialize_newtype_variant("Row", 9, tag, row),
            Self::Audit(row) => serializer.serialize_newtype_variant("Row", 10, tag, row),
            Self::Telemetry(row) => serializer.serialize_newtype_variant("Row", 11, tag, row),
            Self::CommandState(row) => serializer.serialize_newtype_variant("Row", 12, tag, row),
        }
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tagged;
        impl<'de> de::Visitor<'de> for Tagged {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose one key is the kind of row")
            }
            fn visit_enum<A: de::EnumAccess<'de>>(self, access: A) -> Result<Row, A::Error> {
                let (tag, content) = access.variant::<Tag>()?;
                Ok(match tag {
                    Tag::Reading(quantity) => Row::Reading(quantity, content.newtype_variant()?),
                    Tag::Suspect => Row::Suspect(content.newtype_variant()?),
                    Tag::Audio => Row::Audio(content.newtype_variant()?),
                    Tag::WindowAction => Row::WindowAction(content.newtype_variant()?),
                    Tag::MlPrediction => Row::MlPrediction(content.newtype_variant()?),
                    Tag::Device => Row::Device(content.newtype_variant()?),
                    Tag::WindowState => Row::WindowState(content.newtype_variant()?),
                    Tag::DeviceEvent => Row::DeviceEvent(content.newtype_variant()?),
                    Tag::Telemetry => Row::Telemetry(content.newtype_variant()?),
                    Tag::CommandState => Row::CommandState(content.newtype_variant()?),
                    Tag::IngestError => Row::IngestError(content.newtype_variant()?),
                    Tag::SystemMetrics => Row::SystemMetrics(content.newtype_variant()?),
                    Tag::AuditEvent => Row::Audit(content.newtype_variant()?),
                })
            }
        }
        deserializer.deserialize_enum("Row", &[], Tagged)
    }
}

/// Bytes that are not a row.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There are no bytes, or the version byte is unknown.
    #[error("unknown row encoding {version:?}")]
    Version {
        /// The first byte, if there is one.
        version: Option<u8>,
    },
    /// The version is known, the kind of row is not: a newer program wrote it.
    #[error("'{kind}' is no kind of row that this version knows")]
    Kind {
        /// The kind.
        kind: String,
    },
    /// The version is known, the content is not a row.
    #[error("not a row")]
    Content(#[source] serde_json::Error),
}

impl DecodeError {
    /// Whether a newer program wrote the row, which it still can read.
    pub fn is_newer(&self) -> bool {
        match self {
            // Beyond these lies text: what begins so was never a row.
            Self::Version { version } => {
                version.is_some_and(|version| (JSON_V1 + 1..b' ').contains(&version))
            }
            Self::Kind { .. } => true,
            Self::Content(_) => false,
        }
    }

    /// The error of content that is no row.
    fn of(json: &[u8], source: serde_json::Error) -> Self {
        let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(json);
        match object
            .ok()
            .and_then(|object| object.into_iter().next())
            .map(|(kind, _)| kind)
        {
            Some(kind) if Tag::parse(&kind).is_none() => Self::Kind { kind },
            _ => Self::Content(source),
        }
    }
}

impl Row {
    /// Returns the table that the row belongs to.
    pub const fn table(&self) -> Table {
        match self {
            Self::Reading(quantity, _) => Table::Sensor(*quantity),
            Self::Suspect(_) => Table::SuspectReadings,
            Self::Audio(_) => Table::SensorAudio,
            Self::WindowAction(_) => Table::WindowActions,
            Self::MlPrediction(_) => Table::MlPredictions,
            Self::Device(_) => Table::DeviceRegistry,
            Self::WindowState(_) => Table::WindowStates,
            Self::DeviceEvent(_) => Table::DeviceEvents,
            Self::CommandState(_) => Table::WindowCommandStates,
            Self::Telemetry(_) => Table::DeviceTelemetry,
            Self::IngestError(_) => Table::IngestErrors,
            Self::SystemMetrics(_) => Table::SystemMetrics,
            Self::Audit(_) => Table::AuditLog,
        }
    }

    const fn tag(&self) -> Tag {
        match self {
            Self::Reading(quantity, _) => Tag::Reading(*quantity),
            Self::Suspect(_) => Tag::Suspect,
            Self::Audio(_) => Tag::Audio,
            Self::WindowAction(_) => Tag::WindowAction,
            Self::MlPrediction(_) => Tag::MlPrediction,
            Self::Device(_) => Tag::Device,
            Self::WindowState(_) => Tag::WindowState,
            Self::DeviceEvent(_) => Tag::DeviceEvent,
            Self::CommandState(_) => Tag::CommandState,
            Self::Telemetry(_) => Tag::Telemetry,
            Self::IngestError(_) => Tag::IngestError,
            Self::SystemMetrics(_) => Tag::SystemMetrics,
            Self::Audit(_) => Tag::AuditEvent,
        }
    }

    /// Encodes the row. A reading takes about 110 bytes. Infinities are decoded as NaN.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(JSON_V1);
        serde_json::to_writer(&mut bytes, self).expect("a row of strings and numbers is JSON");
        bytes
    }

    /// Decodes a row that [`Row::encode`] wrote, in this version or an earlier one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            Some((&JSON_V1, json)) => {
                serde_json::from_slice(json).map_err(|error| DecodeError::of(json, error))
            }
            other => Err(DecodeError::Version {
                version: other.map(|(version, _)| *version),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
