//! A recording on its way from the microphone to the broker.
//!
//! In: what is to be heard, whose it is, when. Out: a message as the specification wants it: WAV, 16 kHz, mono, 16 bit.

use std::time::Duration;

use domain::{AudioFormat, Clip, DeviceId, Timestamp};
use mqtt::TopicKind;

use crate::{
    delivery_log::{Content, Record},
    simulation::Take,
    sound::SAMPLE_RATE,
    uplink::Post,
};

/// A recording that has yet to be made.
pub(crate) struct Recording {
    pub(crate) take: Take,
    pub(crate) device_id: DeviceId,
    pub(crate) timestamp: Timestamp,
    pub(crate) length: Duration,
    pub(crate) topic: String,
    /// Whether a delivery log wants to know about it.
    pub(crate) logged: bool,
}

impl Recording {
    /// Synthesises, encodes and hashes; milliseconds of arithmetic.
    pub(crate) fn make(self) -> Post {
        let samples = self.take.record(self.length);
        let clip = Clip {
            device_id: self.device_id,
            timestamp: self.timestamp,
            duration_s: samples.len() as f64 / f64::from(SAMPLE_RATE),
            data: audio::wav::encode_pcm16(&samples, SAMPLE_RATE),
            sample_rate: SAMPLE_RATE,
            format: AudioFormat::Wav,
        };
        let record = self.logged.then(|| Record {
            device_id: clip.device_id.clone(),
            kind: TopicKind::Audio,
            timestamp: clip.timestamp,
            content: Content::Clip(audio::hash(&clip.data)),
        });
        Post {
            kind: TopicKind::Audio,
            topic: self.topic,
            payload: mqtt::encode_clip(&clip),
            record,
        }
    }
}
