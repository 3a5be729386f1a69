//! Why bytes are not a clip, and why settings are no settings.

use domain::{Refusal, RefusalReason};

/// Bytes that are no clip, or options that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The bytes are no recording that can be decoded.
    #[error("no recording: {0}")]
    Undecodable(&'static str),
    /// An encoding that is not one of those recorders use.
    #[error("wav encoding {tag:#06x} with {bits} bits a sample is not supported")]
    Encoding {
        /// The format tag of the header.
        tag: u16,
        /// Bits a sample.
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
    /// The refusal that stands in `ingest_errors`.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Limit(refusal) => refusal.clone(),
            other => Refusal::new(RefusalReason::BadAudio, other.to_string()),
        }
    }
}
