//! The page and the HTTP API: what people and programs read and change.
//!
//! In: requests that `people` has let through, and the parts of a running service. Out: answers, their description as
//! OpenAPI 3.1, and live events. Each file of `routes` is one resource: its types, its handlers, their description. It decides
//! nothing about devices and keeps nothing itself.
//!
//! `authority` hands out the certificate that devices trust; `document` completes the description, `reference` makes a page of it, `problems` explains the errors; `revision`, `merge`
//! and `changes` are how anything is changed; `past` is how anything that was stored is asked for, `range` which bytes of it.

mod authority;
mod changes;
mod document;
mod merge;
mod page;
mod past;
mod problems;
mod range;
mod reference;
mod revision;
mod routes;
mod state;

pub use document::document;
pub use routes::{
    Doctor, Finding, FindingState, Playable, Recordings, Told, TrainedModel, Trainer, TrainingExamples,
    TrainingOrder, TrainingStep, TrainingTold,
};
pub use state::{Admission, Models, Parts};

use std::sync::Arc;

use axum::{Router, http::Uri, routing::any};
use monitoring::Problem;

/// Paths whose bodies the listener hands on unread: their routes bound size and time, when they know who sends.
pub const STREAMED_BODIES: &[&str] = &["/api/v1/models"];

/// The page, the API below `/api/v1`, its description, and the pages of its problems.
pub fn routes(parts: Parts) -> Router {
    let (api, document) = document::split();
    let authority = authority::routes(parts.authority.clone());
    let api = api.with_state(Arc::new(parts));
    api.merge(page::routes())
        .merge(authority)
        .merge(problems::routes())
        .merge(document::routes(&document))
        .merge(reference::routes(&document))
        .route("/api/{*rest}", any(nothing))
}

/// What nothing else answers below `/api/`.
async fn nothing(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(&problems::NOT_FOUND, format!("there is nothing at {path}"))
}
