//! The page of the API, made from its description: operations, parameters, answers, and lines to copy.
//!
//! In: the description. Out: one page without scripts, with a style of its own file.

mod schema;

use axum::{Router, http::header, response::Html, routing::get};
use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

/// A page with the style of the reference.
pub(crate) fn page(title: &str, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/assets/reference.css";
            }
            body { main { (body) } }
        }
    };
    Html(page.into_string())
}

pub(crate) fn routes(document: &Value) -> Router {
    let html = page("The API of Casement", &reference(document)).0;
    let style = [
        (header::CONTENT_TYPE, "text/css"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Router::new()
        .route("/api", get(async move || Html(html.clone())))
        .route(
            "/assets/reference.css",
            get(async move || (style, include_str!("reference.css"))),
        )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn reference(document: &Value) -> Markup {
    let operations: Vec<(&str, &str, &Value)> = entries(&document["paths"])
        .flat_map(|(path, item)| {
            entries(item).map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect();
    let tags: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    let of_tag = |tag: &Value| -> Vec<&(&str, &str, &Value)> {
        let has_tag = |(_, _, operation): &&(&str, &str, &Value)| operation["tags"][0] == tag["name"];
        operations.iter().filter(has_tag).collect()
    };
    html! {
        h1 { "The API of Casement" }
        @for part in text(&document["info"]["description"]).split("\n\n") { p { (part) } }
        p { "The same for programs: " a href="/api/v1/openapi.json" { "openapi.json" } ". Errors: " a href="/problems/" { "problems" } "." }
        nav {
            @for tag in &tags {
                @let operations = of_tag(tag);
                @if !operations.is_empty() {
                    h2 { (text(&tag["name"])) }
                    ul { @for (path, method, operation) in operations {
                        li {
                            a href=(format!("#{}", text(&operation["operationId"]))) { (text(&operation["summary"])) }
                            " " code { (method.to_uppercase()) " " (path) }
                        }
                    } }
                }
            }
        }
        @for tag in &tags {
            @for (path, method, operation) in of_tag(tag) { (one(path, method, operation, document)) }
        }
        h2 { "Schemas" }
        @for (name, schema) in entries(&document["components"]["schemas"]) { (schema::section(name, schema)) }
    }
}

fn one(path: &str, method: &str, operation: &Value, document: &Value) -> Markup {
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    let body = entries(&operation["requestBody"]["content"]).next();
    html! {
        section id=(text(&operation["operationId"])) {
            h3 { (text(&operation["summary"])) }
            p { code.method { (method.to_uppercase()) " " (path) } }
            @for part in text(&operation["description"]).split("\n\n").filter(|part| !part.is_empty()) { p { (part) } }
            pre { (text(&operation["x-codeSamples"][0]["source"])) }
            @if !parameters.is_empty() {
                table {
                    tr { th { "parameter" } th { "in" } th { "type" } th { "meaning" } }
                    @for parameter in parameters {
                        tr {
                            td { code { (text(&parameter["name"])) } @if parameter["required"] == true { " *" } }
                            td { (text(&parameter["in"])) }
                            td { (schema::kind(&parameter["schema"])) }
                            td { (text(&parameter["description"])) }
                        }
                    }
                }
            }
            @if let Some((media, content)) = body {
                p { "Body: " code { (media) } ", " (schema::kind(&content["schema"])) }
            }
            table {
                tr { th { "status" } th { "answer" } th { "meaning" } }
                @for (status, response) in entries(&operation["responses"]) {
                    @let response = schema::resolved(response, document);
                    tr {
                        td { (status) }
                        td { @for (_, content) in entries(&response["content"]) { (schema::kind(&content["schema"])) } }
                        td { (text(&response["description"])) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_operation_and_no_script() {
        let document = crate::document();
        let page = page("The API", &reference(&document)).0;
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item) {
                let id = format!("id=\"{}\"", text(&operation["operationId"]));
                assert!(page.contains(&id), "{method} {path}");
            }
        }
        for word in ["<script", "<style", "style=", "onclick"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
