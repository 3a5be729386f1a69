//! The configuration in effect, without secrets.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Show the configuration.
///
/// The service's own configuration in effect, as `casement config` prints it: passwords are redacted. It is changed in its file
/// and read at a start; what is changed while the service works are the settings of devices.
#[utoipa::path(get, path = "/configuration", operation_id = "get_configuration", tag = "service", responses(
    (status = 200, description = "The configuration, by its sections.", body = Object)
))]
async fn show(State(parts): State<Arc<Parts>>) -> Json<Value> {
    Json(parts.configuration.clone())
}
