//! What happened to devices, as it was stored. What happens now is told live by `events`.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use domain::{DeviceId, Timestamp};
use monitoring::{Problem, extract::Path};
use serde::Serialize;
use store::DeviceEventRow;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Asked, Paging, of_known, unanswered},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(of_device))
        .routes(routes!(of_all))
}

/// What happened to a device.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceEvent {
    /// When it happened.
    timestamp: Timestamp,
    /// The device.
    device_id: String,
    /// `registered`, `online`, `offline`, `inactive`, or a fault that was found.
    #[schema(examples("online"))]
    event: String,
    /// More, in words.
    detail: String,
    /// When it was noticed.
    received_at: Timestamp,
}

impl From<DeviceEventRow> for DeviceEvent {
    fn from(row: DeviceEventRow) -> Self {
        Self {
            timestamp: Timestamp::from_millis(row.timestamp),
            device_id: row.device_id,
            event: row.event,
            detail: row.detail,
            received_at: Timestamp::from_millis(row.received_at),
        }
    }
}

/// List the events of a device.
///
/// The newest come first. Events that come meanwhile move no page.
#[utoipa::path(get, path = "/devices/{device_id}/events", operation_id = "list_device_events", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Paging),
    responses(
        (status = 200, description = "The events.", body = Vec<DeviceEvent>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`."))),
        (status = 404, description = "No such device was heard of.")
    ))]
async fn of_device(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    asked: Asked,
) -> Result<Response, Problem> {
    let found = parts.store.device_events(Some(&device_id), &asked.page).await;
    let page = of_known(&parts, &device_id, found).await?;
    let path = format!("/devices/{device_id}/events");
    Ok(asked.answer(&path, page, DeviceEvent::from))
}

/// List the events of all devices.
///
/// The newest come first. Events that come meanwhile move no page.
#[utoipa::path(get, path = "/device-events", operation_id = "list_all_device_events", tag = "history", params(Paging),
    responses(
        (status = 200, description = "The events.", body = Vec<DeviceEvent>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`.")))
    ))]
async fn of_all(State(parts): State<Arc<Parts>>, asked: Asked) -> Result<Response, Problem> {
    let found = parts.store.device_events(None, &asked.page).await;
    let page = found.map_err(unanswered(&parts))?;
    Ok(asked.answer("/device-events", page, DeviceEvent::from))
}
