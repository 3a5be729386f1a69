//! The recordings of clips, for those who may hear them.
//!
//! In: a hash and what the device sent. Out: bytes that browsers play. A path is made of the hash alone, never of what stands in
//! a table.

use std::{io, path::PathBuf};

use api::{Playable, Recordings};
use audio::{archive, wav};
use domain::{AudioFormat, AudioHash, ClipLimits};

/// A folder of recordings.
pub(crate) struct Shelf(pub(crate) PathBuf);

impl Recordings for Shelf {
    fn playable(
        &self,
        hash: &AudioHash,
        format: AudioFormat,
        sample_rate: u32,
    ) -> io::Result<Option<Playable>> {
        let Some(bytes) = archive::read(&self.0, hash, format)? else {
            return Ok(None);
        };
        // Browsers play RIFF and FLAC, and no bare samples, RIFX or RF64.
        let as_it_is = match format {
            AudioFormat::Flac if bytes.starts_with(b"fLaC") => Some("audio/flac"),
            AudioFormat::Wav if bytes.starts_with(b"RIFF") => Some("audio/wav"),
            _ => None,
        };
        if let Some(media_type) = as_it_is {
            return Ok(Some(Playable { bytes, media_type }));
        }
        let samples = audio::decode(&bytes, format, sample_rate, &ClipLimits::default());
        let samples =
            samples.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        Ok(Some(Playable {
            bytes: wav::encode(&samples),
            media_type: "audio/wav",
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_samples_become_a_wav_and_what_is_gone_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let kept = archive::Archive::open(archive::ArchiveOptions {
            path: folder.path().into(),
            max_bytes: None,
            max_age: None,
        })
        .unwrap();
        let samples: Vec<u8> = (0..1_600_i16).flat_map(i16::to_le_bytes).collect();
        let hash = audio::hash(&samples);
        kept.keep(&hash, AudioFormat::Pcm, &samples).unwrap();
        let shelf = Shelf(folder.path().into());
        let played = shelf.playable(&hash, AudioFormat::Pcm, 16_000).unwrap().unwrap();
        assert_eq!(played.media_type, "audio/wav");
        assert_eq!(
            (&played.bytes[..4], &played.bytes[44..]),
            (&b"RIFF"[..], &samples[..])
        );
        assert_eq!(shelf.playable(&hash, AudioFormat::Flac, 16_000).unwrap(), None);
        let wave = wav::encode_pcm16(&[0.0, 0.5], 8_000);
        let hash = audio::hash(&wave);
        kept.keep(&hash, AudioFormat::Wav, &wave).unwrap();
        let played = shelf.playable(&hash, AudioFormat::Wav, 8_000).unwrap().unwrap();
        assert_eq!(played.bytes, wave);
    }
}
