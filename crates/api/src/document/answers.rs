//! The answers that handlers do not describe: those of the layers before them, and the form of every error.

use monitoring::ProblemKind;
use monitoring::problem::kinds::{
    FORBIDDEN, INTERNAL, INVALID, MEDIA_TYPE, NOT_FOUND, TIMEOUT, TOO_LARGE, TOO_MANY, UNAUTHORIZED,
    UNAVAILABLE,
};
use serde_json::{Map, Value, json};

use super::operations;

/// What any operation may be answered with.
static ANY: [&ProblemKind; 7] = [
    &UNAUTHORIZED,
    &FORBIDDEN,
    &TIMEOUT,
    &TOO_LARGE,
    &TOO_MANY,
    &INTERNAL,
    &UNAVAILABLE,
];

/// Adds the errors that every operation has, and gives all errors the form of a problem.
pub(super) fn complete(document: &mut Value) {
    for (_, _, operation) in operations(document) {
        let has_body = operation.get("requestBody").is_some();
        let parameters = operation["parameters"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let has_id = parameters.iter().any(|parameter| parameter["in"] == "path");
        let takes_something = has_body || !parameters.is_empty();
        let conditional = [
            (takes_something, &INVALID),
            (has_id, &NOT_FOUND),
            (has_body, &MEDIA_TYPE),
        ];
        let conditional = conditional
            .into_iter()
            .filter_map(|(applies, kind)| applies.then_some(kind));
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            present(&mut parameter["schema"]);
        }
        let Some(responses) = operation["responses"].as_object_mut() else {
            continue;
        };
        for kind in ANY.iter().copied().chain(conditional) {
            let status = kind.status.as_u16().to_string();
            let reference = json!({ "$ref": format!("#/components/responses/{}", kind.slug) });
            responses.entry(status).or_insert(reference);
        }
        for (status, response) in responses {
            let is_error = status.starts_with(['4', '5']);
            if is_error && response.get("$ref").is_none() && response.get("content").is_none() {
                response["content"] = content();
            }
        }
    }
    let shared = ANY.into_iter().chain([&INVALID, &NOT_FOUND, &MEDIA_TYPE]);
    let responses: Map<String, Value> = shared.map(response).collect();
    document["components"]["responses"] = Value::Object(responses);
}

/// A parameter that is there is not null.
fn present(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if kinds.len() == 1 {
            schema["type"] = kinds[0].clone();
        }
    }
    let choices = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    let alone = choices.and_then(|choices| {
        choices.retain(|choice| choice["type"] != "null");
        (choices.len() == 1).then(|| choices[0].clone())
    });
    if let Some(alone) = alone {
        *schema = alone;
    }
}

fn content() -> Value {
    json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemDetails" } } })
}

fn response(kind: &ProblemKind) -> (String, Value) {
    let mut response = json!({
        "description": format!("{}. {}", kind.title, kind.remedy),
        "content": content(),
    });
    if [&TOO_MANY, &UNAVAILABLE].contains(&kind) {
        response["headers"] = json!({
            "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer", "minimum": 0 } }
        });
    }
    (kind.slug.to_owned(), response)
}
