//! Errors of decoding and of feature options.

use domain::{Refusal, RefusalReason};

use crate::encoding;

/// Bytes that are not a clip, or options that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The bytes cannot be decoded as a recording.
    #[error("no recording: {0}")]
    Undecodable(&'static str),
    /// The bytes are something else.
    #[error("this is {what}: {advice}")]
    Foreign {
        /// What they are.
        what: &'static str,
        /// What to change in the firmware.
        advice: &'static str,
    },
    /// The WAV encoding is not supported.
    #[error(
        "this WAV holds {} ({tag:#06x}) of {bits} bits a sample: record PCM, 16 bit, mono, 16 kHz",
        encoding::name(*tag)
    )]
    Encoding {
        /// The format tag of the header.
        tag: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// The clip exceeds the limits.
    #[error("{}", .0.detail)]
    Limit(Refusal),
    /// The feature options contradict each other.
    #[error("feature options: {0}")]
    Options(&'static str),
}

impl AudioError {
    /// Returns the refusal to record in `ingest_errors`.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Limit(refusal) => refusal.clone(),
            other => Refusal::new(RefusalReason::BadAudio, other.to_string()),
        }
    }
}
