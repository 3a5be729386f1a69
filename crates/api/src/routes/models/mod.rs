//! Versions of the model that decides: which there are, which one serves, which one predicts in its shadow.
//!
//! In: what an operator wants of which version. Out: versions as they are then. Files are read, checked and linked off the
//! workers, one request at a time; the service that predicts notices by itself.

mod comparison;
pub(super) mod desk;
mod quality;
mod upload;
mod view;

use std::sync::Arc;

use axum::{
    Extension,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::RegistryError;
use monitoring::{
    Problem,
    extract::{NoBody, Path},
    with_causes,
};
use people::Caller;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tracing::debug;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Models, Parts, problems::CONFLICT};

pub(super) use upload::MOST_VERSIONS;
pub(super) use view::ModelView;

use desk::{Desk, Versions};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, upload::add))
        .routes(routes!(comparison::compare))
        .routes(routes!(quality::show))
        .routes(routes!(rollback))
        .routes(routes!(show, remove))
        .routes(routes!(promote))
        .routes(routes!(shadow, unshadow))
}

/// The one place for work on versions, for all routes that do such work.
pub(super) fn desk() -> Extension<Desk> {
    Extension(Desk::default())
}

/// The body with its `ETag`, or that nothing is new.
fn unless_known(headers: &HeaderMap, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("a view is plain data");
    let digest = Sha256::digest(&body);
    let tag = format!("\"{}\"", hex::encode(&digest[..8]));
    let known = headers.get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let head: [(HeaderName, String); 1] = [(header::ETAG, tag)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (head, kind, body).into_response()
}

/// The version that served before. It is said beside the versions, which are shown without it, too.
fn predecessor(models: &Models) -> Option<String> {
    models.registry.predecessor().unwrap_or_else(|error| {
        debug!("which model served before is not known: {}", with_causes(&error));
        None
    })
}

/// List models.
///
/// Every version, by name, and first the model that serves without being a version yet: the built-in one, or a file that was put
/// in its place.
#[utoipa::path(get, path = "/models", operation_id = "list_models", tag = "models",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer that is there already.")),
    responses(
        (status = 200, description = "The versions.", body = Vec<ModelView>,
            headers(("ETag" = String, description = "For `If-None-Match`."))),
        (status = 304, description = "Nothing is new."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn list(versions: Versions, headers: HeaderMap) -> Result<Response, Problem> {
    let views = versions.work(|models| {
        let mut known: Vec<_> = models.registry.plain(&models.unnamed).into_iter().collect();
        known.extend(models.registry.list()?);
        let predecessor = predecessor(models);
        let views = known
            .into_iter()
            .map(|version| ModelView::beside(version, predecessor.as_deref()));
        Ok(views.collect::<Vec<_>>())
    });
    Ok(unless_known(&headers, &views.await?))
}

/// Show a model.
#[utoipa::path(get, path = "/models/{version}", operation_id = "get_model", tag = "models",
    params(("version" = String, Path, description = "The name of the version.", example = "v1.1.0")),
    responses(
        (status = 200, description = "The version.", body = ModelView),
        (status = 404, description = "There is no such version."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn show(versions: Versions, Path(version): Path<String>) -> Result<axum::Json<ModelView>, Problem> {
    let view = versions.work(move |models| {
        let predecessor = predecessor(models);
        let shown = models.registry.show(&version)?;
        Ok(ModelView::beside(shown, predecessor.as_deref()))
    });
    view.await.map(axum::Json)
}

/// Remove a model.
///
/// Its file is gone. The version that serves stays, and so does the candidate.
#[utoipa::path(delete, path = "/models/{version}", operation_id = "remove_model", tag = "models",
    params(("version" = String, Path, description = "The name of the version.", example = "v1.2.0")),
    responses(
        (status = 204, description = "It is removed."),
        (status = 404, description = "There is no such version."),
        (status = 409, description = "It serves, or it is the candidate."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn remove(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    Path(version): Path<String>,
) -> Result<StatusCode, Problem> {
    let removed = version.clone();
    versions
        .work(move |models| {
            if models.registry.show(&removed)?.built_in {
                return Err(RegistryError::NoFile(removed));
            }
            models.registry.remove(&removed)
        })
        .await?;
    versions.note(&caller, "model_removed", version);
    Ok(StatusCode::NO_CONTENT)
}

/// What serves now.
#[derive(Debug, Serialize, ToSchema)]
struct Promoted {
    /// The version that serves now.
    version: String,
    /// The version that served before; null if there was none.
    before: Option<String>,
}

/// Let a model serve.
///
/// The file is checked once more, then the link that the service follows leads to it. Within a second predictions are its own;
/// `POST /api/v1/models/rollback` takes it back.
#[utoipa::path(post, path = "/models/{version}/promote", operation_id = "promote_model", tag = "models",
    params(("version" = String, Path, description = "The name of the version.", example = "v1.2.0")),
    responses(
        (status = 200, description = "It serves.", body = Promoted),
        (status = 404, description = "There is no such version."),
        (status = 409, description = "Its file cannot be used."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn promote(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    Path(version): Path<String>,
    _: NoBody,
) -> Result<axum::Json<Promoted>, Problem> {
    let promoted = versions.work(move |models| {
        let before = models.registry.promote(&version, &models.unnamed)?;
        Ok(Promoted { version, before })
    });
    let promoted = promoted.await?;
    let before = promoted.before.as_deref().unwrap_or("none");
    let detail = format!("{} in place of {before}", promoted.version);
    versions.note(&caller, "model_promoted", detail);
    Ok(axum::Json(promoted))
}

/// Let the model before serve again.
#[utoipa::path(post, path = "/models/rollback", operation_id = "roll_back_model", tag = "models",
    responses(
        (status = 200, description = "It serves again.", body = ModelView),
        (status = 409, description = "There is none before, or its file cannot be used."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn rollback(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    _: NoBody,
) -> Result<axum::Json<ModelView>, Problem> {
    let view = versions.work(|models| {
        let version = models.registry.rollback()?;
        models.registry.show(&version).map(ModelView::from)
    });
    let view = view.await?;
    versions.note(&caller, "model_rolled_back", view.version.clone());
    Ok(axum::Json(view))
}

/// Let a model predict in the shadow.
///
/// It predicts beside the one that serves and moves no window; in place of any other candidate. Then compare them:
/// `GET /api/v1/models/compare`.
#[utoipa::path(post, path = "/models/{version}/shadow", operation_id = "shadow_model", tag = "models",
    params(("version" = String, Path, description = "The name of the version.", example = "v1.2.0")),
    responses(
        (status = 200, description = "It is the candidate.", body = ModelView),
        (status = 404, description = "There is no such version."),
        (status = 409, description = "It serves, or its file cannot be used."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn shadow(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    Path(version): Path<String>,
    _: NoBody,
) -> Result<axum::Json<ModelView>, Problem> {
    let view = versions.work(move |models| {
        models.registry.shadow(&version)?;
        models.registry.show(&version).map(ModelView::from)
    });
    let view = view.await?;
    versions.note(&caller, "model_shadowed", view.version.clone());
    Ok(axum::Json(view))
}

/// End a model's shadow.
#[utoipa::path(delete, path = "/models/{version}/shadow", operation_id = "unshadow_model", tag = "models",
    params(("version" = String, Path, description = "The name of the version.", example = "v1.2.0")),
    responses(
        (status = 204, description = "It predicts no more."),
        (status = 404, description = "There is no such version."),
        (status = 409, description = "It is not the candidate."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn unshadow(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    Path(version): Path<String>,
) -> Result<StatusCode, Problem> {
    let ended = version.clone();
    let was_candidate = versions.work(move |models| {
        let is_candidate = models.registry.show(&ended)?.shadows;
        if is_candidate {
            models.registry.unshadow()?;
        }
        Ok(is_candidate)
    });
    if !was_candidate.await? {
        return Err(Problem::new(
            &CONFLICT,
            format!("version '{version}' is not the candidate"),
        ));
    }
    versions.note(&caller, "model_unshadowed", version);
    Ok(StatusCode::NO_CONTENT)
}
