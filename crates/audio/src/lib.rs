//! From the bytes of a recording to numbers: decoding, resampling, and the features that librosa would compute.
//!
//! In: WAV or PCM bytes as a device sent them. Out: samples, a hash, [`domain::ClipFeatures`], or a refusal with its
//! reason. Pure: no files, no clock, no threads of its own.

mod error;
mod extractor;
mod mel;
mod resample;
mod spectral;
mod spectrum;
pub mod wav;

pub use error::AudioError;
pub use extractor::{Extractor, FeatureOptions};
pub use wav::{Samples, decode};

use domain::AudioHash;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a clip's bytes: the name of a recording in every table.
pub fn hash(data: &[u8]) -> AudioHash {
    AudioHash::from_digest(Sha256::digest(data).into())
}
