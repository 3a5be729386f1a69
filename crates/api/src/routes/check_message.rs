//! What the service would do with a message: for those who write devices.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use backend::{Inspection, Message, Passage};
use domain::{DeviceId, Quantity, Timestamp};
use monitoring::{
    Problem,
    extract::{Json, invalid},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

/// Largest body: the largest payload of a clip, escaped.
const MAX_BYTES: usize = 4 << 20;
/// Longest topic that MQTT knows, in bytes.
const LONGEST_TOPIC: usize = 65_535;

/// A message as it would be published. It has either payload.
#[derive(Deserialize, ToSchema)]
struct Question {
    /// The topic.
    #[schema(example = "sensor/sensor-001/temperature")]
    topic: String,
    /// The payload, where it is text.
    #[schema(example = r#"{"value": 25.5, "timestamp": "2025-10-24T12:00:00Z"}"#)]
    payload: Option<String>,
    /// The payload in Base64, where it is not.
    payload_base64: Option<String>,
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
}

/// Check a message.
///
/// What the service would do with a message, and why: the value as it would be stored, the time that would be believed, what of
/// its form is forgiven, or the reason of a refusal and a payload in the right form. Nothing is stored, nothing is sent, and the
/// role `reader` is enough.
#[utoipa::path(post, path = "/check-message", operation_id = "check_message", tag = "messages",
    request_body(content = Question, description = "A message as it would be published.", example = json!({
        "topic": "sensor/sensor-001/temperature",
        "payload": "{\"value\": 25.5, \"timestamp\": \"2025-10-24T12:00:00Z\"}"
    })),
    responses((status = 200, description = "What becomes of it.", body = Inspection)))]
async fn check(
    State(parts): State<Arc<Parts>>,
    Json(question): Json<Question>,
) -> Result<axum::Json<Inspection>, Problem> {
    if question.topic.len() > LONGEST_TOPIC {
        return Err(invalid("topic", "has at most 65535 bytes"));
    }
    let payload = match (question.payload, question.payload_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => {
            let decoded = mqtt::decode_audio_data(&text, MAX_BYTES);
            decoded.map_err(|refusal| invalid("payload_base64", refusal.detail))?
        }
        _ => return Err(invalid("payload", "stands alone, or payload_base64 does")),
    };
    let message = Message {
        topic: question.topic,
        payload: payload.into(),
        received_at: now(),
        passage: Passage::default(),
    };
    let devices = parts.views.devices();
    let previous = |device_id: &DeviceId, quantity: Quantity| {
        let view = devices.get(device_id)?;
        view.readings.get(&quantity).map(|latest| latest.value)
    };
    let seen = parts.views.inspector().inspect(&message, previous).await;
    Ok(axum::Json(seen))
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}
