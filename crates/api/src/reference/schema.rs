//! Schemas for people.

use maud::{Markup, html};
use serde_json::Value;

use super::{entries, text};

/// What a reference leads to; anything else is itself.
pub(super) fn resolved<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let path = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| document.pointer(path)).unwrap_or(value)
}

/// A type in a few words, with a link where it is described.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap_or_default();
        return html! { a href=(format!("#schema-{name}")) { (name) } };
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[word].as_array() {
            let choices: Vec<Markup> = choices.iter().map(kind).collect();
            return html! { @for (place, choice) in choices.iter().enumerate() { @if place > 0 { " or " } (choice) } };
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().map(text).collect();
        return html! { "one of " code { (words.join(", ")) } };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    html! {
        @if kinds.contains(&"array") { "list of " (kind(&schema["items"])) }
        @else if schema.get("additionalProperties").is_some_and(Value::is_object) {
            "object of " (kind(&schema["additionalProperties"]))
        }
        @else { (kinds.join(" or ")) }
        @if let Some(format) = schema["format"].as_str() { " (" (format) ")" }
        @if let (Some(least), Some(most)) = (schema.get("minimum"), schema.get("maximum")) { ", " (least.to_string()) " to " (most.to_string()) }
    }
}

/// A schema with its fields.
pub(super) fn section(name: &str, schema: &Value) -> Markup {
    let choices: Vec<&Value> = schema["oneOf"].as_array().into_iter().flatten().collect();
    let is_flat = |choice: &&&Value| choice.get("properties").is_some();
    html! {
        section id=(format!("schema-{name}")) {
            h3 { (name) }
            p { (text(&schema["description"])) }
            @if schema.get("properties").is_some() { (fields(schema)) }
            @else if choices.iter().any(|choice| is_flat(&choice)) {
                @for choice in &choices {
                    p { (text(&choice["description"])) }
                    (fields(choice))
                }
            }
            @else { p { (kind(schema)) } }
        }
    }
}

fn fields(schema: &Value) -> Markup {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    html! {
        table {
            tr { th { "field" } th { "type" } th { "meaning" } }
            @for (name, field) in entries(&schema["properties"]) {
                tr {
                    td { code { (name) } @if required.contains(&name.as_str()) { " *" } }
                    td { (kind(field)) }
                    td { (text(&field["description"])) }
                }
            }
        }
    }
}
