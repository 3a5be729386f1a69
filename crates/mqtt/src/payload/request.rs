//! `ml/inference/request/{device_id}`: the backend's request for a position.
//!
//! In addition to the specification's fields it may have `audio_hash`, `audio_features`, `expires_at` and `window` and,
//! if the audio data is not WAV, `audio_metadata.format`.

use std::{borrow::Cow, sync::Arc};

use domain::{
    AudioFormat, ClipFeatures, DeviceId, InferenceRequest, Quantity, Refusal, RefusalReason, RequestAudio,
    Timestamp, WindowContext,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    clip,
    field::{self, Field, Kind, optional, required},
};

pub(super) const FIELDS: &[Field] = &[
    optional("device_id", Kind::Text),
    required("timestamp", Kind::Time),
    required("temperature", Kind::Number),
    required("humidity", Kind::Number),
    optional("audio_data", Kind::Text),
    optional("audio_metadata", Kind::Object),
    required("audio_metadata.sample_rate", Kind::Number),
    required("audio_metadata.duration", Kind::Number),
    optional("audio_metadata.format", Kind::Text),
    optional("audio_hash", Kind::Text),
    optional("expires_at", Kind::Time),
    optional("window", Kind::Object),
];

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(default)]
    device_id: Option<String>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    temperature: f64,
    humidity: f64,
    #[serde(borrow, default, deserialize_with = "field::text")]
    audio_data: Option<Cow<'a, str>>,
    #[serde(default)]
    audio_metadata: Option<Metadata>,
    #[serde(default)]
    audio_hash: Option<String>,
    #[serde(default)]
    audio_features: Option<Value>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    window: Option<Box<WindowContext>>,
}

#[derive(Serialize)]
struct Outbound<'a> {
    device_id: &'a DeviceId,
    timestamp: Timestamp,
    temperature: f64,
    humidity: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_metadata: Option<OutboundMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_features: Option<&'a ClipFeatures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'a WindowContext>,
}

#[derive(Deserialize)]
struct Metadata {
    sample_rate: f64,
    duration: f64,
    #[serde(default)]
    format: Option<String>,
}

#[derive(Serialize)]
struct OutboundMetadata {
    /// A whole number, as in the specification: some receivers require it.
    sample_rate: u32,
    duration: f64,
    /// Absent for WAV, as in the specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
}

/// Decodes a request. The audio data stays Base64 (see [`super::decode_audio_data`]): it is not needed if the request
/// has features of the right version. Features that cannot be decoded count as absent.
pub fn decode_request(device_id: DeviceId, payload: &[u8]) -> Result<InferenceRequest, Refusal> {
    let mut repaired = Vec::new();
    let inbound: Inbound<'_> = field::read(payload, FIELDS, &mut repaired)?;
    field::same_device(inbound.device_id.as_deref(), &device_id)?;
    let timestamp = field::timestamp("timestamp", &inbound.timestamp)?;
    let expires_at = inbound
        .expires_at
        .map(|text| field::timestamp("expires_at", &text))
        .transpose()?;
    let audio = match inbound.audio_data {
        None => None,
        Some(data) if data.is_empty() => None,
        Some(data) => {
            let metadata = inbound
                .audio_metadata
                .ok_or_else(|| Refusal::new(RefusalReason::MissingField, "'audio_metadata' is missing"))?;
            Some(RequestAudio {
                data_base64: Arc::from(&*data),
                sample_rate: field::hertz("audio_metadata.sample_rate", metadata.sample_rate)?,
                duration_s: metadata.duration,
                format: clip::format(metadata.format.as_deref())?,
                audio_hash: field::audio_hash("audio_hash", inbound.audio_hash.as_deref())?,
                features: field::lenient(inbound.audio_features),
            })
        }
    };
    Ok(InferenceRequest {
        device_id,
        timestamp,
        temperature: Quantity::Temperature.check(inbound.temperature)?,
        humidity: Quantity::Humidity.check(inbound.humidity)?,
        audio,
        expires_at,
        window: inbound.window,
    })
}

/// Encodes a request.
pub fn encode_request(request: &InferenceRequest) -> Vec<u8> {
    let audio = request.audio.as_ref();
    let mut payload = field::write(&Outbound {
        device_id: &request.device_id,
        timestamp: request.timestamp,
        temperature: request.temperature,
        humidity: request.humidity,
        audio_metadata: audio.map(|audio| OutboundMetadata {
            sample_rate: audio.sample_rate,
            duration: audio.duration_s,
            format: (audio.format != AudioFormat::Wav).then_some(audio.format.as_str()),
        }),
        audio_hash: audio
            .and_then(|audio| audio.audio_hash.as_ref())
            .map(domain::AudioHash::as_str),
        audio_features: audio.and_then(|audio| audio.features.as_ref()),
        expires_at: request.expires_at,
        window: request.window.as_deref(),
    });
    if let Some(audio) = audio {
        field::append_text(&mut payload, "audio_data", &audio.data_base64);
    }
    payload
}
