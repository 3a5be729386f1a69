//! Why a message is refused: one small enum, used by counters, the `ingest_errors` table and the logs alike.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of fault; a closed set, so that it can label a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The topic has another shape than any we know.
    BadTopic,
    /// The id in the topic is not a device id.
    BadDeviceId,
    /// The payload exceeds its limit.
    TooLarge,
    /// The payload is not JSON.
    NotJson,
    /// A required field is absent.
    MissingField,
    /// A field has another type than specified.
    WrongType,
    /// A number is NaN, infinite or too large for a double.
    NotFinite,
    /// A number lies outside what its unit allows.
    OutOfRange,
    /// A timestamp is not RFC 3339.
    BadTimestamp,
    /// Audio data is not Base64.
    BadBase64,
    /// Audio data is not a sound we can decode.
    BadAudio,
    /// The payload names another device than the topic.
    DeviceMismatch,
    /// ClickHouse refused the row.
    Database,
}

impl RefusalReason {
    /// Every reason, for metrics that start at zero.
    pub const ALL: [Self; 13] = [
        Self::BadTopic,
        Self::BadDeviceId,
        Self::TooLarge,
        Self::NotJson,
        Self::MissingField,
        Self::WrongType,
        Self::NotFinite,
        Self::OutOfRange,
        Self::BadTimestamp,
        Self::BadBase64,
        Self::BadAudio,
        Self::DeviceMismatch,
        Self::Database,
    ];

    /// The word for it in tables, metrics and logs.
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
            Self::BadTimestamp => "bad_timestamp",
            Self::BadBase64 => "bad_base64",
            Self::BadAudio => "bad_audio",
            Self::DeviceMismatch => "device_mismatch",
            Self::Database => "database",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message that changes nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The kind of fault.
    pub reason: RefusalReason,
    /// What exactly, for the person who looks after the device.
    pub detail: String,
}

impl Refusal {
    /// A refusal of the given kind with its explanation.
    pub fn new(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}
