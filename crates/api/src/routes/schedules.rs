//! Schedules: what is on now, and what comes next.

use std::sync::Arc;

use axum::extract::State;
use backend::ScheduleView;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List schedules.
///
/// What moves windows by itself: night cooling, airing, fixed times. They are a part of the settings of a device, a group or all
/// devices (`schedules`).
#[utoipa::path(get, path = "/schedules", operation_id = "list_schedules", tag = "settings", responses(
    (status = 200, description = "The schedules of each device, in the order of devices and names.", body = Vec<ScheduleView>)
))]
async fn list(State(parts): State<Arc<Parts>>) -> axum::Json<Vec<ScheduleView>> {
    axum::Json(parts.views.rules().schedules())
}
