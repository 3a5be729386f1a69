//! A command line for each operation, made from the examples of its parameters and its body.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::operations;

/// Where Casement listens by default.
const BASE: &str = "http://127.0.0.1:8080";
/// The media type of a body that is a file.
const FILE: &str = "application/octet-stream";

/// Adds a line for `curl` to every operation.
pub(super) fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (path, method, operation) in operations(document) {
        let line = line(path, method, operation, &schemas);
        operation["x-codeSamples"] = json!([{ "lang": "Shell", "label": "curl", "source": line }]);
    }
}

fn line(path: &str, method: &str, operation: &Value, schemas: &Value) -> String {
    let mut line = "curl".to_owned();
    if operation["operationId"] == "listen" {
        line.push_str(" -N");
    }
    if method != "get" {
        line.push_str(" -X ");
        line.push_str(&method.to_ascii_uppercase());
    }
    line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    if let Some((kind, body)) = body(operation) {
        let body = body.replace('\'', "'\\''");
        let _ = write!(line, " -H 'Content-Type: {kind}' -d '{body}'");
    } else if operation["requestBody"]["content"].get(FILE).is_some() {
        let _ = write!(
            line,
            " -H 'Content-Type: {FILE}' --data-binary @models/window_regressor.pth"
        );
    }
    let url = url(path, operation, schemas);
    let quote = if url.contains(['?', '&']) { "'" } else { "" };
    format!("{line} {quote}{BASE}{url}{quote}")
}

fn body(operation: &Value) -> Option<(&str, String)> {
    let content = operation["requestBody"]["content"].as_object()?;
    let (kind, media) = content
        .get_key_value("application/json")
        .or_else(|| content.iter().next())?;
    let example = media.get("example")?;
    Some((kind, example.to_string()))
}

/// The path with the examples of its parameters, and of those of the query that are required or have one.
fn url(path: &str, operation: &Value, schemas: &Value) -> String {
    let (mut url, mut query) = (path.to_owned(), form_urlencoded::Serializer::new(String::new()));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let is_required = parameter["required"] == true;
        match parameter["in"].as_str() {
            Some("path") => {
                let value = example(parameter, schemas).unwrap_or_else(|| "1".into());
                url = url.replace(&format!("{{{name}}}"), &value);
            }
            Some("query") if is_required || parameter.get("example").is_some() => {
                if let Some(value) = example(parameter, schemas) {
                    query.append_pair(name, &value);
                }
            }
            _ => {}
        }
    }
    let query = query.finish();
    if query.is_empty() {
        url
    } else {
        format!("{url}?{query}")
    }
}

fn example(parameter: &Value, schemas: &Value) -> Option<String> {
    let own = parameter.get("example");
    let schema = &parameter["schema"];
    let named = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    let schema = named.map_or(schema, |name| &schemas[name]);
    let value = own
        .or_else(|| schema["examples"].get(0))
        .or_else(|| schema["enum"].get(0))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
