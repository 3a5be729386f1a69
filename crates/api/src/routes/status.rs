//! How the service does, in numbers.

use std::sync::Arc;

use axum::{Json, extract::State};
use backend::Status;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Show the status.
///
/// Counters since the start, and what waits in the journal.
#[utoipa::path(get, path = "/status", operation_id = "get_status", tag = "service", responses(
    (status = 200, description = "The status.", body = Status)
))]
async fn show(State(parts): State<Arc<Parts>>) -> Json<Status> {
    Json(parts.views.status())
}
