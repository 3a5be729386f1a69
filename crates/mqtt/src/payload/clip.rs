//! `sensor/{device_id}/audio`: a recording in Base64 with its rate, duration and time.

use std::{borrow::Cow, fmt, sync::Arc};

use domain::{AudioFormat, Clip, ClipLimits, DeviceId, Refusal, RefusalReason, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    base64,
    field::{self, Dated, Field, Kind, optional, required},
};

/// Largest size of the fields other than the audio data, in bytes.
const ENVELOPE_BYTES: usize = 4_096;

const fn fields(timestamp: Field) -> [Field; 6] {
    [
        required("data", Kind::Text),
        required("sample_rate", Kind::Number),
        required("duration", Kind::Number),
        timestamp,
        optional("format", Kind::Text),
        optional("device_id", Kind::Text),
    ]
}

pub(super) const FIELDS: &[Field] = &fields(required("timestamp", Kind::Time));
const UNDATED: &[Field] = &fields(optional("timestamp", Kind::Time));

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    sample_rate: f64,
    duration: f64,
    #[serde(borrow, default, deserialize_with = "field::text")]
    timestamp: Option<Cow<'a, str>>,
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
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a str>,
}

/// A clip and its bytes as standard Base64, to be forwarded in a request.
#[derive(Clone, PartialEq)]
pub struct ReceivedClip {
    /// The recording.
    pub clip: Clip,
    /// `clip.data` as standard Base64 with padding: the device's own text if it has this form.
    pub data_base64: Arc<str>,
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
    Ok(decode_clip_or(device_id, payload, limits, None)?.message)
}

/// Decodes a clip that may state no time, if there is one for it `otherwise`.
pub fn decode_clip_or(
    device_id: DeviceId,
    payload: &[u8],
    limits: &ClipLimits,
    otherwise: Option<Timestamp>,
) -> Result<Dated<ReceivedClip>, Refusal> {
    let max_payload = limits.max_bytes.saturating_mul(3) / 2 + ENVELOPE_BYTES;
    if payload.len() > max_payload {
        let detail = format!("a payload of {} bytes exceeds {max_payload} bytes", payload.len());
        return Err(Refusal::new(RefusalReason::TooLarge, detail));
    }
    let fields = if otherwise.is_some() { UNDATED } else { FIELDS };
    let (mut repaired, mut again) = (Vec::new(), Vec::new());
    let mut inbound: Inbound<'_> = field::read(payload, fields, &mut repaired)?;
    if inbound.timestamp.is_none() {
        inbound = field::read_repaired(payload, fields, &mut again)?;
    }
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let (timestamp, is_stated) = field::dated(inbound.timestamp.as_deref(), otherwise)?;
    let sample_rate = field::hertz("sample_rate", inbound.sample_rate)?;
    let format = format(inbound.format.as_deref())?;
    let (data, text) = base64::decode(&inbound.data, limits.max_bytes)?;
    limits
        .check(data.len(), sample_rate, inbound.duration)
        .map_err(|refusal| with_unit(refusal, sample_rate, inbound.duration))?;
    if data.is_empty() {
        return Err(Refusal::new(RefusalReason::BadAudio, "the audio data is empty"));
    }
    let data_base64 = Arc::from(&*text);
    let clip = Clip {
        device_id,
        timestamp,
        data,
        sample_rate,
        duration_s: inbound.duration,
        format,
    };
    let message = ReceivedClip { clip, data_base64 };
    Ok(Dated { message, is_stated })
}

/// Names the unit where a number looks like one of kilohertz or milliseconds.
fn with_unit(mut refusal: Refusal, sample_rate: u32, duration: f64) -> Refusal {
    if (4..=192).contains(&sample_rate) {
        refusal.detail += "; 'sample_rate' is in hertz, not in kilohertz";
    } else if duration >= 100.0 {
        refusal.detail += "; 'duration' is in seconds, not in milliseconds";
    }
    refusal
}

/// Parses the format in a payload, by default WAV: its name or its media type, in any case of letters.
pub(super) fn format(text: Option<&str>) -> Result<AudioFormat, Refusal> {
    let Some(text) = text else {
        return Ok(AudioFormat::Wav);
    };
    let shown: String = text.chars().take(40).collect();
    let name = shown.to_ascii_lowercase();
    let name = name.split(';').next().unwrap_or_default().trim();
    let name = name.strip_prefix("audio/").unwrap_or(name);
    match name.strip_prefix("x-").unwrap_or(name) {
        "" | "wav" | "wave" | "vnd.wave" | "riff" | "rifx" | "rf64" | "bw64" => Ok(AudioFormat::Wav),
        "flac" => Ok(AudioFormat::Flac),
        "pcm" | "pcm16" | "pcm_s16le" | "s16le" | "s16_le" | "raw" => Ok(AudioFormat::Pcm),
        _ => Err(Refusal::new(
            RefusalReason::BadAudio,
            format!("'format' is '{shown}', not wav, flac or pcm: record PCM, 16 bit, mono, 16 kHz"),
        )),
    }
}

/// Encodes a clip as a device does: exactly the specification's fields for WAV, plus `format` for others.
pub fn encode_clip(clip: &Clip) -> Vec<u8> {
    field::write(&Outbound {
        data: &base64::encode_audio_data(&clip.data),
        sample_rate: clip.sample_rate,
        duration: clip.duration_s,
        timestamp: clip.timestamp,
        format: (clip.format != AudioFormat::Wav).then(|| clip.format.as_str()),
    })
}
