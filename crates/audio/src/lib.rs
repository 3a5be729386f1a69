//! Audio processing: decoding, resampling, and features as librosa computes them.
//!
//! In: WAV, FLAC or PCM bytes from a device. Out: samples, a hash, [`domain::ClipFeatures`], or a refusal with its reason.
//! Pure: no files, no clock and no threads, except in [`archive`], which stores recordings.

pub mod archive;
mod container;
mod decode;
mod encoding;
mod error;
mod extractor;
mod flac;
mod gate;
mod logarithm;
mod mel;
mod options;
mod pass;
mod preprocess;
mod resample;
mod spectral;
mod spectrum;
mod stft;
mod track;
pub mod wav;
mod waveform;

pub use container::recognise;
pub use decode::{Samples, decode};
pub use error::AudioError;
pub use extractor::Extractor;
pub use options::{FeatureOptions, Normalization, Preprocessing, UnknownNormalization};
pub use spectrum::Spectrum;

use domain::AudioHash;
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a clip's bytes, which identifies a recording in every table.
pub fn hash(data: &[u8]) -> AudioHash {
    AudioHash::from_digest(Sha256::digest(data).into())
}

/// Returns the lower edges of the bands of [`domain::FeatureName::MelSpectrogram`] in hertz and the upper edge of the
/// last one: 129 ascending numbers.
pub fn mel_edges(rate: u32) -> Vec<f64> {
    mel::edges(rate, mel::BANDS)
        .into_iter()
        .take(mel::BANDS + 1)
        .collect()
}
