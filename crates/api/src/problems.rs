//! The kinds of problem of this API, and a page for each.

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use maud::html;
use monitoring::{ProblemKind, extract::Path, problem::kinds};

use crate::reference::page;

pub(crate) use kinds::{CHANGED, CONFLICT, INTERNAL, INVALID, NOT_FOUND, TOO_MANY, UNAVAILABLE};

/// Kinds of this API alone, beside those that every role may answer with.
static OWN: [&ProblemKind; 0] = [];

fn all() -> impl Iterator<Item = &'static ProblemKind> {
    kinds::COMMON.iter().chain(&OWN).copied()
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/problems/", get(list))
        .route("/problems/{slug}", get(show))
}

async fn list() -> Response {
    let body = html! {
        h1 { "Problems" }
        p { "Every error of the API is one of these (RFC 9457)." }
        ul {
            @for kind in all() {
                li { a href=(format!("/problems/{}", kind.slug)) { (kind.title) } " – " (kind.status.as_u16()) }
            }
        }
    };
    page("Problems", &body).into_response()
}

async fn show(Path(slug): Path<String>) -> Response {
    let Some(kind) = all().find(|kind| kind.slug == slug) else {
        let body = html! { h1 { "No such kind of problem" } p { a href="/problems/" { "All kinds" } } };
        return (StatusCode::NOT_FOUND, page("No such kind of problem", &body)).into_response();
    };
    let body = html! {
        h1 { (kind.title) }
        p { "Status " (kind.status) ", " code { "/problems/" (kind.slug) } }
        p { (kind.remedy) }
        p { a href="/problems/" { "All kinds" } " · " a href="/api" { "The API" } }
    };
    page(kind.title, &body).into_response()
}
