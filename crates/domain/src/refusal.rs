//! Why a message is refused: one small enum, shared by counters, the table `ingest_errors` and logs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of fault; a closed set, so that it can label a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The topic matches no known pattern.
    BadTopic,
    /// The id in the topic is not a device id.
    BadDeviceId,
    /// The payload exceeds its limit.
    TooLarge,
    /// The payload is not JSON.
    NotJson,
    /// A required field is absent.
    MissingField,
    /// A field has the wrong type.
    WrongType,
    /// A number is NaN, infinite or too large for a double.
    NotFinite,
    /// A number lies outside what its unit allows.
    OutOfRange,
    /// The unit is none of the quantity.
    BadUnit,
    /// A timestamp cannot be read.
    BadTimestamp,
    /// When a retained message was sent is unknown.
    UnknownTime,
    /// Audio data is not Base64.
    BadBase64,
    /// Audio data cannot be decoded.
    BadAudio,
    /// The payload names a different device from the topic.
    DeviceMismatch,
    /// Nobody knows a device of this id, so its window is not moved.
    UnknownDevice,
    /// The device is retired, so nobody moves its window.
    Retired,
    /// ClickHouse refused the row.
    Database,
    /// Reading it met a fault of ours; the log has it.
    Internal,
}

impl RefusalReason {
    /// Every reason, so that metrics start at zero.
    pub const ALL: [Self; 18] = [
        Self::BadTopic,
        Self::BadDeviceId,
        Self::TooLarge,
        Self::NotJson,
        Self::MissingField,
        Self::WrongType,
        Self::NotFinite,
        Self::OutOfRange,
        Self::BadUnit,
        Self::BadTimestamp,
        Self::UnknownTime,
        Self::BadBase64,
        Self::BadAudio,
        Self::DeviceMismatch,
        Self::UnknownDevice,
        Self::Retired,
        Self::Database,
        Self::Internal,
    ];

    /// Returns the name used in tables, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadTopic => "bad_topic",
            Self::BadDeviceId => "bad_device_id",
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::NotFinite => "not_finite",
            Self::OutOfRange => "out_of_range",
            Self::BadUnit => "bad_unit",
            Self::BadTimestamp => "bad_timestamp",
            Self::UnknownTime => "unknown_time",
            Self::BadBase64 => "bad_base64",
            Self::BadAudio => "bad_audio",
            Self::DeviceMismatch => "device_mismatch",
            Self::UnknownDevice => "unknown_device",
            Self::Retired => "retired",
            Self::Database => "database",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused message and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The kind of fault.
    pub reason: RefusalReason,
    /// Explanation for the person in charge of the device.
    pub detail: String,
}

impl Refusal {
    /// Creates a refusal of the given kind with an explanation.
    pub fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}
