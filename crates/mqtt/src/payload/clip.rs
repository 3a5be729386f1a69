//! `sensor/{device_id}/audio`: a recording in Base64 with its rate, duration and time.

use std::{borrow::Cow, fmt};

use domain::{AudioFormat, Clip, ClipLimits, DeviceId, Refusal, RefusalReason};
use serde::{Deserialize, Serialize};

use super::{
    base64,
    field::{self, Field, Kind, optional, required},
};

/// Largest size of the fields other than the audio data, in bytes.
const ENVELOPE_BYTES: usize = 4_096;

const FIELDS: &[Field] = &[
    required("data", Kind::Text),
    required("sample_rate", Kind::Number),
    required("duration", Kind::Number),
    required("timestamp", Kind::Time),
    optional("format", Kind::Text),
    optional("device_id", Kind::Text),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    sample_rate: f64,
    duration: f64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    device_id: Option<String>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    data: &'a str,
    sample_rate: u32,
    duration: f64,
    timestamp: domain::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
}

/// A clip and its bytes as standard Base64, to be forwarded in a request.
#[derive(Clone, PartialEq)]
pub struct ReceivedClip {
    /// The recording.
    pub clip: Clip,
    /// `clip.data` as standard Base64 with padding: the device's own text if it has this form.
    pub data_base64: String,
}

impl fmt::Debug for ReceivedClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.clip, f)
    }
}

/// Decodes a clip within `limits`. A payload too long for any such clip is refused without decoding. Whether the bytes
/// are valid audio is checked by the audio decoder.
pub fn decode_clip(
    device_id: DeviceId,
    payload: &[u8],
    limits: &ClipLimits,
) -> Result<ReceivedClip, Refusal> {
    let max_payload = limits.max_bytes.saturating_mul(3) / 2 + ENVELOPE_BYTES;
    if payload.len() > max_payload {
        let detail = format!("a payload of {} bytes exceeds {max_payload} bytes", payload.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let timestamp = field::timestamp("timestamp", &inbound.timestamp)?;
    let sample_rate = field::hertz("sample_rate", inbound.sample_rate)?;
    let format = format(inbound.format.as_deref())?;
    let (data, text) = base64::decode(&inbound.data, limits.max_bytes)?;
    limits.check(data.len(), sample_rate, inbound.duration)?;
    check_bytes(format, &data)?;
    let data_base64 = match text {
        Cow::Owned(text) => text,
        Cow::Borrowed(_) => inbound.data.into_owned(),
    };
    let clip = Clip {
        device_id,
        timestamp,
        data,
        sample_rate,
        duration_s: inbound.duration,
        format,
    };
    Ok(ReceivedClip { clip, data_base64 })
}

/// Parses the format in a payload, by default WAV.
pub(super) fn format(text: Option<&str>) -> Result<AudioFormat, Refusal> {
    match text {
        None | Some("wav") => Ok(AudioFormat::Wav),
        Some("pcm") => Ok(AudioFormat::Pcm),
        Some(other) => {
            let shown: String = other.chars().take(40).collect();
            Err(Refusal::new(
                RefusalReason::BadAudio,
                format!("'format' is '{shown}', not wav or pcm"),
            ))
        }
    }
}

fn check_bytes(format: AudioFormat, data: &[u8]) -> Result<(), Refusal> {
    if data.is_empty() {
        return Err(Refusal::new(RefusalReason::BadAudio, "the audio data is empty"));
    }
    if format == AudioFormat::Pcm && !data.len().is_multiple_of(2) {
        return Err(Refusal::new(
            RefusalReason::BadAudio,
            "16-bit samples have an even number of bytes",
        ));
    }
    Ok(())
}

/// Encodes a clip as a device does: exactly the specification's fields for WAV, plus `format` for raw samples.
pub fn encode_clip(clip: &Clip) -> Vec<u8> {
    field::write(&Outbound {
        data: &base64::encode_audio_data(&clip.data),
        sample_rate: clip.sample_rate,
        duration: clip.duration_s,
        timestamp: clip.timestamp,
        format: (clip.format != AudioFormat::Wav).then(|| clip.format.as_str()),
    })
}
