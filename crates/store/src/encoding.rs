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
    AudioRow, AuditRow, DeviceEventRow, DeviceRow, IngestErrorRow, MlPredictionRow, ReadingRow,
    SuspectReadingRow, SystemMetricsRow, Table, WindowActionRow, WindowStateRow,
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
    /// A row of `device_events`.
    DeviceEvent(DeviceEventRow),
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
    DeviceEvent,
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
            Self::DeviceEvent => "device_event",
            Self::IngestError => "ingest_error",
            Self::SystemMetrics => "system_metrics",
            // `audio` is a clip's.
            Self::AuditEvent => "audit_event",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        const OTHERS: [Tag; 10] = [
            Tag::Suspect,
            Tag::Audio,
            Tag::WindowAction,
            Tag::MlPrediction,
            Tag::Device,
            Tag::WindowState,
            Tag::DeviceEvent,
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

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tag = self.tag().as_str();
        match self {
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
    /// The version is known, the content is not a row.
    #[error("not a row")]
    Content(#[source] serde_json::Error),
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
            Some((&JSON_V1, json)) => serde_json::from_slice(json).map_err(DecodeError::Content),
            other => Err(DecodeError::Version {
                version: other.map(|(version, _)| *version),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn old_encodings_keep_decoding() {
        // Never change these lines: existing journals contain them.
        let reading = b"\x01{\"temperature\":{\"timestamp\":1761307200000,\"device_id\":\"sensor-001\",\"value\":25.5,\"received_at\":1761307200123}}";
        let expected = ReadingRow {
            timestamp: 1_761_307_200_000,
            device_id: "sensor-001".to_owned(),
            value: 25.5,
            received_at: 1_761_307_200_123,
        };
        assert_eq!(
            Row::decode(reading).unwrap(),
            Row::Reading(Quantity::Temperature, expected)
        );
        let specification_only = br#"{"window_action":{"timestamp":1,"device_id":"a","position":75.5,"confidence":0.92,"temperature":25.5,"humidity":null,"audio_hash":"","received_at":2}}"#;
        let Row::WindowAction(action) = Row::decode(&[&[1], &specification_only[..]].concat()).unwrap()
        else {
            panic!("another kind of row");
        };
        assert!(action.humidity.is_nan() && action.command_id.is_empty());
        let audio = br#"{"audio":{"timestamp":1,"device_id":"a","sample_rate":16000,"duration":2.0,"format":"wav","audio_hash":"h","features":"{}","received_at":2}}"#;
        let Row::Audio(clip) = Row::decode(&[&[1], &audio[..]].concat()).unwrap() else {
            panic!("another kind of row");
        };
        assert!(
            clip.spectral_bandwidth.is_nan() && clip.spectral_flatness.is_nan() && clip.mel_db.is_empty()
        );
    }

    #[test]
    fn other_versions_and_nothing_are_refused() {
        assert!(matches!(
            Row::decode(b""),
            Err(DecodeError::Version { version: None })
        ));
        assert!(matches!(
            Row::decode(b"\x07{}"),
            Err(DecodeError::Version { version: Some(7) })
        ));
    }

    #[test]
    fn nan_survives() {
        let row = WindowStateRow {
            timestamp: 0,
            device_id: String::new(),
            position: f64::NAN,
            received_at: 0,
        };
        let Row::WindowState(row) = Row::decode(&Row::WindowState(row).encode()).unwrap() else {
            panic!()
        };
        assert!(row.position.is_nan());
    }

    fn reading() -> impl Strategy<Value = ReadingRow> {
        (
            any::<i64>(),
            any::<String>(),
            prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
            any::<i64>(),
        )
            .prop_map(|(timestamp, device_id, value, received_at)| ReadingRow {
                timestamp,
                device_id,
                value,
                received_at,
            })
    }

    proptest! {
        #[test]
        fn a_row_comes_back_to_the_last_bit(row in reading()) {
            let decoded = Row::decode(&Row::Reading(Quantity::Humidity, row.clone()).encode()).unwrap();
            let Row::Reading(Quantity::Humidity, decoded) = decoded else { panic!("another kind of row") };
            prop_assert_eq!(decoded.value.to_bits(), row.value.to_bits());
            prop_assert_eq!(decoded, row);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Row::decode(&bytes);
            let _ = Row::decode(&[&[JSON_V1], &bytes[..]].concat());
        }
    }
}
