//! Topics and payloads, described for programs.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use monitoring::{Problem, extract::Path};
use mqtt::TopicKind;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Parts, problems::NOT_FOUND};

/// A kind of message.
#[derive(Serialize, ToSchema)]
struct SchemaView {
    /// Its word.
    kind: &'static str,
    /// Its topic, with `{device_id}` for the device.
    topic: String,
    /// Where the JSON Schema of its payload is.
    schema: String,
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(asyncapi))
}

/// List kinds of message.
///
/// Every kind, with its topic in this installation and where the schema of its payload is.
#[utoipa::path(get, path = "/schemas", operation_id = "list_schemas", tag = "messages", responses(
    (status = 200, description = "The kinds.", body = Vec<SchemaView>)
))]
async fn list(State(parts): State<Arc<Parts>>) -> Json<Vec<SchemaView>> {
    let view = |kind: TopicKind| SchemaView {
        kind: kind.as_str(),
        topic: parts.topics.pattern(kind).shown(),
        schema: format!("/api/v1/schemas/{}", kind.as_str()),
    };
    Json(TopicKind::ALL.map(view).into())
}

/// Show the schema of a payload.
///
/// The JSON Schema (draft 7) of the payloads of one kind of message: the right form. What is forgiven beyond it, `check-message`
/// tells.
#[utoipa::path(get, path = "/schemas/{kind}", operation_id = "get_schema", tag = "messages",
    params(("kind" = String, Path, description = "The word of the kind, as `GET /schemas` lists it.", example = "temperature")),
    responses(
        (status = 200, description = "The schema.", body = Object, content_type = "application/schema+json"),
        (status = 404, description = "No message has that kind.")
    ))]
async fn show(Path(word): Path<String>) -> Result<Response, Problem> {
    let kind = TopicKind::from_word(&word);
    let kind =
        kind.ok_or_else(|| Problem::new(&NOT_FOUND, "no message has that kind; see GET /api/v1/schemas"))?;
    let media_type = [(header::CONTENT_TYPE, "application/schema+json")];
    Ok((media_type, Json(mqtt::payload_schema(kind))).into_response())
}

/// Show topics and payloads.
///
/// Every topic and payload of this installation, as AsyncAPI 3.0.
#[utoipa::path(get, path = "/asyncapi.json", operation_id = "get_asyncapi", tag = "messages", responses(
    (status = 200, description = "The document.", body = Object)
))]
async fn asyncapi(State(parts): State<Arc<Parts>>) -> Json<Value> {
    Json(parts.messages.clone())
}
