//! The settings of a device, level by level.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use backend::SettingsState;
use domain::{DeviceId, Settings};
use monitoring::{Problem, extract::Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{unknown, view};
use crate::{Parts, revision::etag};

/// The settings of a device.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceSettings {
    /// What is set for it alone.
    own: Settings,
    /// What is set for its group: the devices of its location.
    group: Settings,
    /// What is set for all devices.
    defaults: Settings,
    /// What is in effect: its own, then its group's, then the defaults.
    effective: Settings,
    /// The version of what is in effect, as it is sent to the device.
    version: u64,
    /// What the device says of it.
    device: SettingsState,
}

/// Show a device's settings.
///
/// Those of each level, those in effect, and whether the device has taken them.
#[utoipa::path(get, path = "/devices/{device_id}/settings", operation_id = "get_device_settings", tag = "settings",
    params(("device_id" = DeviceId, Path, description = "The id of the device.")),
    responses(
        (status = 200, description = "The settings.", body = DeviceSettings,
            headers(("ETag" = String, description = "For `If-Match` of a change of the device."))),
        (status = 404, description = "No such device was heard of or set up."),
        (status = 503, description = "It is not known yet: right after a start, or while ClickHouse is away since then.")
    ))]
pub(super) async fn show(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
) -> Result<Response, Problem> {
    let view = view::one(&parts, &device_id).ok_or_else(|| unknown(&parts, &device_id))?;
    let book = parts.views.registry().book();
    let own = book.device(&device_id);
    let effective = book.effective(&device_id, &view.location);
    let settings = DeviceSettings {
        own: own.map(|entry| entry.settings.clone()).unwrap_or_default(),
        group: book
            .group(&view.location)
            .map(|level| level.settings.clone())
            .unwrap_or_default(),
        defaults: book.defaults().settings.clone(),
        effective: effective.settings,
        version: effective.revision,
        device: view.settings,
    };
    let revision = own.map_or(0, |entry| entry.revision);
    Ok((etag(revision), axum::Json(settings)).into_response())
}
