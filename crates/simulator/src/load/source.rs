//! The messages of one device under load: readings whose values count up, now and then a clip.
//!
//! In: nothing but the wall clock. Out: messages of which no two are equal, so that each can be found again.

use std::sync::Arc;

use domain::{AudioFormat, Clip, DeviceId, Quantity, Reading, Timestamp};
use mqtt::{TopicKind, Topics};

use super::LoadOptions;
use crate::{
    clock,
    delivery_log::{Content, Record},
    noise,
    sound::{self, Ambience, SAMPLE_RATE, SoundKind},
};

/// Different recordings in a load with clips.
const CLIPS: usize = 16;
const CLIP_SECONDS: f64 = 2.0;

/// Recordings as WAV files, one of each everyday kind in turn.
pub(super) fn make_clips(seed: u64) -> Arc<[Vec<u8>]> {
    let mut rng = noise::generator(seed, 900_000_000);
    let kinds = [
        SoundKind::Quiet,
        SoundKind::Street,
        SoundKind::Rain,
        SoundKind::Speech,
    ];
    (0..CLIPS)
        .map(|i| {
            let ambience = Ambience::typical(kinds[i % kinds.len()]);
            audio::wav::encode_pcm16(&sound::synthesise(&ambience, CLIP_SECONDS, &mut rng), SAMPLE_RATE)
        })
        .collect()
}

/// A message, ready to be published.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) kind: TopicKind,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// Only where a delivery log wants it.
    pub(super) record: Option<Record>,
}

/// Makes the messages of one device.
#[derive(Debug)]
pub(super) struct Source {
    id: DeviceId,
    topics: Topics,
    clips: Arc<[Vec<u8>]>,
    clip_every: Option<u64>,
    logged: bool,
    made: u64,
}

impl Source {
    pub(super) fn new(id: DeviceId, options: &LoadOptions, clips: Arc<[Vec<u8>]>) -> Self {
        Self {
            id,
            topics: options.simulation.topics.clone(),
            clips,
            clip_every: options.clip_every,
            logged: options.simulation.delivery_log.is_some(),
            made: 0,
        }
    }

    pub(super) const fn id(&self) -> &DeviceId {
        &self.id
    }

    /// How many messages were made.
    pub(super) const fn made(&self) -> u64 {
        self.made
    }

    pub(super) fn next(&mut self) -> Outgoing {
        let number = self.made;
        self.made += 1;
        let now = clock::now();
        if self
            .clip_every
            .is_some_and(|every| self.made.is_multiple_of(every.max(1)))
        {
            self.clip(number, now)
        } else {
            self.reading(number, now)
        }
    }

    fn reading(&self, number: u64, now: Timestamp) -> Outgoing {
        // Within one millisecond, values tell readings apart.
        let value = 10.0 + (number / 2 % 3_000) as f64 / 100.0;
        let quantity = Quantity::CLIMATE[(number % 2) as usize];
        let reading =
            Reading::new(self.id.clone(), quantity, value, now).expect("10 to 40 is in every range");
        let payload = mqtt::encode_reading(&reading);
        self.outgoing(TopicKind::Reading(quantity), payload, now, || {
            Content::value(value)
        })
    }

    fn clip(&self, number: u64, now: Timestamp) -> Outgoing {
        let mut data = self.clips[number as usize % CLIPS].clone();
        // The last samples count, so that no two clips are equal.
        let end = data.len() - 8;
        data[end..].copy_from_slice(&number.to_le_bytes());
        let clip = Clip {
            device_id: self.id.clone(),
            timestamp: now,
            duration_s: CLIP_SECONDS,
            data,
            sample_rate: SAMPLE_RATE,
            format: AudioFormat::Wav,
        };
        self.outgoing(TopicKind::Audio, mqtt::encode_clip(&clip), now, || {
            Content::Clip(audio::hash(&clip.data))
        })
    }

    fn outgoing(
        &self,
        kind: TopicKind,
        payload: Vec<u8>,
        timestamp: Timestamp,
        content: impl Fn() -> Content,
    ) -> Outgoing {
        Outgoing {
            kind,
            topic: self.topics.topic_for(kind, &self.id),
            payload,
            record: self.logged.then(|| Record {
                device_id: self.id.clone(),
                kind,
                timestamp,
                content: content(),
            }),
        }
    }
}
