//! The health of the service: each part with its reason.

use std::sync::Arc;

use axum::{Json, extract::State};
use monitoring::Health;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Show the service's health.
///
/// Every part with its state and, where it is not well, the reason and what to do: the database, the broker, the journal, the
/// disk, the model, the certificate and when it expires. The answer is 200 however the parts are; `/ready` answers 503 while
/// one is down.
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "service", responses(
    (status = 200, description = "The health.", body = Health)
))]
async fn show(State(parts): State<Arc<Parts>>) -> Json<Health> {
    Json(parts.monitor.health())
}
