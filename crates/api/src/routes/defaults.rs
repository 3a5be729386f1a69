//! What is set for all devices.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Response},
};
use monitoring::{
    Problem,
    extract::{Json, Unambiguous},
};
use people::Caller;
use registry::Level;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::levels::{SettingsPatch, merged};
use crate::{
    Parts, changes,
    revision::{IfMatch, etag},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// Show the defaults.
///
/// What is set for all devices. Groups and devices may have other settings.
#[utoipa::path(get, path = "/settings", operation_id = "get_defaults", tag = "settings", responses(
    (status = 200, description = "The defaults.", body = Level,
        headers(("ETag" = String, description = "For `If-Match` of a change.")))
))]
async fn show(State(parts): State<Arc<Parts>>) -> Response {
    let book = parts.views.registry().book();
    let defaults = book.defaults();
    (etag(defaults.revision), axum::Json(defaults)).into_response()
}

/// Change the defaults.
///
/// A merge patch (RFC 7396). It takes effect for every device that has no other settings, at once.
#[utoipa::path(patch, path = "/settings", operation_id = "change_defaults", tag = "settings",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on. Without it, the change is made in any case.")),
    request_body(content(
        (SettingsPatch = "application/json", example = json!({"settings": {"report_interval_s": 30}})),
        (SettingsPatch = "application/merge-patch+json")
    )),
    responses(
        (status = 200, description = "The defaults as they are now.", body = Level,
            headers(("ETag" = String, description = "Their new revision."))),
        (status = 412, description = "They were changed meanwhile.")
    ))]
async fn change(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    if_match: IfMatch,
    Json(Unambiguous(patch)): Json<Unambiguous>,
) -> Result<Response, Problem> {
    let expected = if_match.expected(parts.views.registry().book().defaults().revision)?;
    let what = "the settings of all devices are changed".to_owned();
    let defaults = changes::set_up(&parts, &caller, what, move |book| {
        let settings = merged(book.defaults(), &patch)?;
        book.set_defaults(settings, expected).cloned()
    })
    .await?;
    Ok((etag(defaults.revision), axum::Json(defaults)).into_response())
}
