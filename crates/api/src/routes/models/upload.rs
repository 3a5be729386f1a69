//! A model's file becomes a version, as by `casement models add`.
//!
//! In: the bytes of a `.pth` or `.onnx` file, the name of the version. Out: the version, if the file loads as the service would
//! load it. One file at a time is read, and only of somebody who may.

use std::{io, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use model::{Details, OutputScale, RegistryError};
use monitoring::{
    Problem,
    extract::{Query, invalid},
    problem::kinds::{MEDIA_TYPE, TIMEOUT, TOO_LARGE},
    with_causes,
};
use people::Caller;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Models,
    problems::{CONFLICT, INTERNAL},
};

use super::{
    desk::{self, Versions},
    view::ModelView,
};

/// Bytes of a model's file at most.
const MOST_BYTES: usize = 16 << 20;
/// How long its arrival may take.
const LONGEST_ARRIVAL: Duration = Duration::from_mins(1);
/// Versions that there may be before another one is uploaded.
pub(in crate::routes) const MOST_VERSIONS: usize = 64;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The name of the version: 1 to 64 letters, digits, `.`, `_` and `-`, not beginning with `.`.
    #[param(example = "v1.2.0")]
    version: String,
    /// The scale of an `.onnx` model's outputs, if its metadata does not state it: `0-1` or `0-100`.
    #[param(inline)]
    output_scale: Option<Scale>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(as = OutputScale)]
enum Scale {
    #[serde(rename = "0-1")]
    Share,
    #[serde(rename = "0-100")]
    Percent,
}

impl From<Scale> for OutputScale {
    fn from(scale: Scale) -> Self {
        match scale {
            Scale::Share => Self::Share,
            Scale::Percent => Self::Percent,
        }
    }
}

/// Upload a model.
///
/// The body is the file, of 16 MiB at most: a `.pth` file of the documented layout, or an `.onnx` file. It is checked as the
/// service would load it, and its code is never run. It does not serve yet: let it predict in the shadow, or promote it. The same
/// file again changes nothing.
#[utoipa::path(post, path = "/models", operation_id = "add_model", tag = "models", params(Asked),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file."),
    responses(
        (status = 201, description = "The version.", body = ModelView,
            headers(("Location" = String, description = "The path of the version."))),
        (status = 409, description = "Another file has this version, or there are too many versions."),
        (status = 503, description = "Another process has the models, or another file is being uploaded.")
    ))]
pub(super) async fn add(
    versions: Versions,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<Asked>,
    request: Request,
) -> Result<Response, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/octet-stream") {
        return Err(Problem::new(
            &MEDIA_TYPE,
            "the body has to be the file itself: Content-Type: application/octet-stream",
        ));
    }
    let place = versions.desk.take().await?;
    let bytes = arrived(request.into_body()).await?;
    let added = desk::done(&versions.parts, place, move |models| {
        store(models, &asked, &bytes)
    });
    let view = added.await?;
    versions.note(&caller, "model_added", view.version.clone());
    let location = [(header::LOCATION, format!("/api/v1/models/{}", view.version))];
    Ok((StatusCode::CREATED, location, axum::Json(view)).into_response())
}

/// Reads the body, within a size and a time.
async fn arrived(body: Body) -> Result<Bytes, Problem> {
    let read = timeout(LONGEST_ARRIVAL, to_bytes(body, MOST_BYTES)).await;
    let read = read.map_err(|_| Problem::new(&TIMEOUT, "the file took more than a minute"))?;
    let bytes = read.map_err(|_| {
        let text = format!("the file is cut, or has more than {MOST_BYTES} bytes");
        Problem::new(&TOO_LARGE, text)
    })?;
    if bytes.is_empty() {
        return Err(invalid("body", "is empty; it has to be the file"));
    }
    Ok(bytes)
}

fn store(models: &Models, asked: &Asked, bytes: &[u8]) -> Result<ModelView, Problem> {
    let registry = &models.registry;
    let versions = registry.list().map_err(desk::refused)?;
    let is_new = versions.iter().all(|known| known.version != asked.version);
    if is_new && versions.len() >= MOST_VERSIONS {
        let text = format!("there are {MOST_VERSIONS} versions; remove one first");
        return Err(Problem::new(&CONFLICT, text));
    }
    let file = written(bytes).map_err(|error| {
        tracing::warn!("an uploaded model cannot be written: {error}");
        Problem::new(&INTERNAL, "the file cannot be written; the log says why")
    })?;
    let details = Details {
        output_scale: asked.output_scale.map(OutputScale::from),
        ..Details::default()
    };
    let added = registry.add_with(file.path(), Some(&asked.version), details);
    added.map(ModelView::from).map_err(|error| match &error {
        RegistryError::Load(cause) => invalid("body", with_causes(cause)),
        _ => desk::refused(error),
    })
}

fn written(bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), bytes)?;
    Ok(file)
}
