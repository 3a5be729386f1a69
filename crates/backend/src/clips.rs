//! From a received clip to its hash, samples and features, off the async threads.
//!
//! In: decoded Base64. Out: everything the row, the request and the page need. The recording itself goes no further
//! than the next request, and into the archive where the configuration asks for that.

use std::sync::Arc;

use audio::{Extractor, Samples, Spectrum, archive::Archive};
use domain::{AudioFormat, AudioHash, ClipFeatures, ClipLimits, DeviceId, Refusal, RefusalReason, Timestamp};
use mqtt::ReceivedClip;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::{claims, trigger::RecentClip};

/// A clip with what was heard in it.
#[derive(Debug, Clone)]
pub(crate) struct AnalysedClip {
    pub(crate) device_id: DeviceId,
    pub(crate) claimed: Timestamp,
    pub(crate) timestamp: Timestamp,
    /// Samples per second of the recording itself.
    pub(crate) sample_rate: u32,
    /// Seconds of the recording itself.
    pub(crate) duration_s: f64,
    /// What the recording is, whatever the message calls it.
    pub(crate) format: AudioFormat,
    /// In what the message contradicts the recording.
    pub(crate) contradiction: Option<String>,
    forwarded: Forwarded,
    pub(crate) hash: AudioHash,
    pub(crate) features: ClipFeatures,
    /// What rows have beside the features, where that is wanted.
    pub(crate) spectrum: Option<Spectrum>,
    /// The bytes themselves, where recordings are kept.
    recording: Option<Vec<u8>>,
}

/// The recording as requests carry it: a WAV or bare samples, which the specification knows.
#[derive(Debug, Clone)]
struct Forwarded {
    data_base64: Arc<str>,
    format: AudioFormat,
}

impl Forwarded {
    /// A FLAC becomes the WAV of the same samples, if that is within the limits.
    fn new(data_base64: Arc<str>, format: AudioFormat, samples: &Samples, limits: &ClipLimits) -> Self {
        let wav = (format == AudioFormat::Flac).then(|| audio::wav::encode(samples));
        match wav.filter(|wav| wav.len() <= limits.max_bytes) {
            Some(wav) => Self {
                data_base64: mqtt::encode_audio_data(&wav).into(),
                format: AudioFormat::Wav,
            },
            None => Self { data_base64, format },
        }
    }
}

impl AnalysedClip {
    /// The clip as requests carry it.
    pub(crate) fn recent(&self) -> RecentClip {
        RecentClip {
            timestamp: self.timestamp,
            data_base64: Arc::clone(&self.forwarded.data_base64),
            sample_rate: self.sample_rate,
            duration_s: self.duration_s,
            format: self.forwarded.format,
            hash: self.hash.clone(),
            features: self.features.without_frames(),
        }
    }
}

/// What is wanted of every clip.
#[derive(Debug)]
pub(crate) struct Hearing {
    pub(crate) extractor: Extractor,
    pub(crate) limits: ClipLimits,
    /// Whether a clip has a spectrum.
    pub(crate) spectrum: bool,
    /// Whether a clip keeps its recording.
    pub(crate) keeps_recordings: bool,
}

impl Hearing {
    fn analyse(&self, received: ReceivedClip) -> Result<AnalysedClip, Refusal> {
        let ReceivedClip { clip, data_base64 } = received;
        let limits = &self.limits;
        let refusal = |error: audio::AudioError| error.refusal();
        let format = audio::recognise(&clip.data, clip.format).map_err(refusal)?;
        let samples = audio::decode(&clip.data, format, clip.sample_rate, limits).map_err(refusal)?;
        let (features, spectrum) = if self.spectrum {
            let (features, spectrum) = self.extractor.analyse(&samples);
            (features, Some(spectrum))
        } else {
            (self.extractor.extract(&samples), None)
        };
        Ok(AnalysedClip {
            contradiction: claims::contradiction(&clip, &samples),
            device_id: clip.device_id,
            claimed: clip.timestamp,
            timestamp: clip.timestamp,
            sample_rate: samples.rate,
            duration_s: samples.mono.len() as f64 / f64::from(samples.rate),
            format,
            forwarded: Forwarded::new(data_base64, format, &samples, limits),
            hash: audio::hash(&clip.data),
            features,
            spectrum,
            recording: self.keeps_recordings.then_some(clip.data),
        })
    }
}

/// Decodes clips and computes their features, at most as many at once as there are cores.
#[derive(Debug)]
pub(crate) struct ClipAnalyser {
    hearing: Arc<Hearing>,
    permits: Arc<Semaphore>,
}

impl ClipAnalyser {
    pub(crate) fn new(hearing: Hearing) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            hearing: Arc::new(hearing),
            permits: Arc::new(Semaphore::new(cores)),
        }
    }

    pub(crate) async fn analyse(&self, received: ReceivedClip) -> Result<AnalysedClip, Refusal> {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let hearing = Arc::clone(&self.hearing);
        let analysing =
            tokio::task::spawn_blocking(move || monitoring::contain(|| hearing.analyse(received)));
        analysing
            .await
            .unwrap_or(Err(monitoring::Panicked))
            .unwrap_or_else(|_| {
                Err(Refusal::new(
                    RefusalReason::BadAudio,
                    "feature extraction failed on this clip",
                ))
            })
    }
}

/// Where recordings are kept, where they are to be.
#[derive(Debug)]
pub(crate) struct Recordings(pub(crate) Option<Arc<Archive>>);

impl Recordings {
    /// Stores the clip's recording and returns its path in the archive; empty where it is not kept.
    pub(crate) async fn store(&self, clip: &mut AnalysedClip) -> String {
        let (Some(archive), Some(recording)) = (self.0.clone(), clip.recording.take()) else {
            return String::new();
        };
        let (hash, format) = (clip.hash.clone(), clip.format);
        let kept = tokio::task::spawn_blocking(move || archive.keep(&hash, format, &recording)).await;
        match kept {
            Ok(Ok(path)) => path,
            Ok(Err(error)) => {
                warn!(device_id = %clip.device_id, %error, "the recording cannot be kept; see audio.storage_path");
                String::new()
            }
            Err(_) => String::new(),
        }
    }
}
