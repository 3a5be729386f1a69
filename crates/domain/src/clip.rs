//! Short audio recordings as devices send them: the bytes and their description.
//!
//! In: decoded Base64. Out: a clip within the limits, with the hash that identifies it everywhere. The `audio` crate
//! handles samples and features.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Refusal, RefusalReason, Timestamp};

/// The container of a clip's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioFormat {
    /// RIFF/WAVE, RIFX or RF64; its header states rate, channels and encoding.
    #[default]
    Wav,
    /// FLAC, a compressed form that loses nothing; its header states rate, channels and sample size.
    Flac,
    /// Raw samples: 16 bit, little-endian, mono, at the rate stated in the message.
    Pcm,
}

impl AudioFormat {
    /// Returns `wav`, `flac` or `pcm`, as in the table `sensor_audio`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Pcm => "pcm",
        }
    }
}

/// SHA-256 of a clip's bytes after Base64 decoding, in lower-case hex. Every table refers to audio data by it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AudioHash(String);

impl AudioHash {
    /// Creates the hash from a SHA-256 digest.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(text)
    }

    /// Parses 64 hex digits, the form used in payloads and tables.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AudioHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AudioHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Limits on the size of a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipLimits {
    /// Most bytes after Base64 decoding.
    pub max_bytes: usize,
    /// Longest duration in seconds.
    pub max_seconds: f64,
    /// The lowest accepted sample rate in hertz.
    pub min_sample_rate: u32,
    /// The highest accepted sample rate in hertz.
    pub max_sample_rate: u32,
}

impl Default for ClipLimits {
    /// Returns the specification's limits: 1 MiB, 60 s, 4 to 192 kHz.
    fn default() -> Self {
        Self {
            max_bytes: 1 << 20,
            max_seconds: 60.0,
            min_sample_rate: 4_000,
            max_sample_rate: 192_000,
        }
    }
}

impl ClipLimits {
    /// Checks what a message or a WAV header states about a clip. In a hostile one, `seconds` may be NaN or negative.
    pub fn check(&self, bytes: usize, sample_rate: u32, seconds: f64) -> Result<(), Refusal> {
        if bytes > self.max_bytes {
            let detail = format!("a clip of {bytes} bytes exceeds {} bytes", self.max_bytes);
            return Err(Refusal::new(RefusalReason::TooLarge, detail));
        }
        if !(self.min_sample_rate..=self.max_sample_rate).contains(&sample_rate) {
            let detail = format!(
                "sample rate {sample_rate} Hz is outside {} to {} Hz",
                self.min_sample_rate, self.max_sample_rate
            );
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        if !(0.0..=self.max_seconds).contains(&seconds) {
            let detail = format!("a duration of {seconds} s is outside 0 to {} s", self.max_seconds);
            return Err(Refusal::new(RefusalReason::OutOfRange, detail));
        }
        Ok(())
    }
}

/// A recording as a device sent it.
#[derive(Clone, PartialEq)]
pub struct Clip {
    /// The device that recorded it.
    pub device_id: DeviceId,
    /// Time of the recording, by the device's clock.
    pub timestamp: Timestamp,
    /// The bytes of the container, as decoded from Base64.
    pub data: Vec<u8>,
    /// Samples per second as stated in the message; where the recording has a header, the header decides.
    pub sample_rate: u32,
    /// Duration in seconds as stated in the message.
    pub duration_s: f64,
    /// Format of `data`.
    pub format: AudioFormat,
}

impl fmt::Debug for Clip {
    /// Omits the recording itself, which may contain speech.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip")
            .field("device_id", &self.device_id)
            .field("timestamp", &self.timestamp)
            .field("bytes", &self.data.len())
            .field("sample_rate", &self.sample_rate)
            .field("duration_s", &self.duration_s)
            .field("format", &self.format)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_read_back() {
        let hash = AudioHash::from_digest([0xab; 32]);
        assert_eq!(hash.as_str(), "ab".repeat(32));
        assert_eq!(AudioHash::parse(hash.as_str()), Some(hash));
        assert_eq!(AudioHash::parse("zz"), None);
    }

    #[test]
    fn absurd_headers_are_refused() {
        let limits = ClipLimits::default();
        assert!(limits.check(64_044, 16_000, 2.0).is_ok());
        for (bytes, rate, seconds) in [
            (2 << 20, 16_000, 2.0),
            (100, 0, 2.0),
            (100, 4_000_000, 2.0),
            (100, 16_000, 61.0),
            (100, 16_000, f64::NAN),
            (100, 16_000, -1.0),
        ] {
            assert!(
                limits.check(bytes, rate, seconds).is_err(),
                "{bytes} {rate} {seconds}"
            );
        }
    }
}
