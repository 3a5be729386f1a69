//! Devices: their latest state, and what people have set up for them.

mod change;
mod hold;
mod settings;
mod view;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use backend::{DeviceView, Presence};
use domain::DeviceId;
use monitoring::{
    Problem,
    extract::{Path, Query, invalid},
};
use people::Caller;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts, changes,
    problems::{NOT_FOUND, UNAVAILABLE},
    revision::{IfMatch, etag},
};

pub(crate) use change::within;
pub(crate) use view::all;

/// When to ask again for a device of before the start, s.
const READ_S: u64 = 2;
/// Devices of one page at most.
const MOST: usize = 1_000;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change::change, forget))
        .routes(routes!(hold::hold, hold::resume))
        .routes(routes!(settings::show))
}

/// Whether a device is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeviceState {
    Online,
    Stale,
    Offline,
    NeverSeen,
}

impl DeviceState {
    const fn of(presence: Presence) -> Self {
        match presence {
            Presence::Online => Self::Online,
            Presence::Stale => Self::Stale,
            Presence::Offline => Self::Offline,
            Presence::NeverSeen => Self::NeverSeen,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only devices at this location.
    #[param(example = "Kitchen")]
    location: Option<String>,
    /// Only devices in this state.
    #[param(inline)]
    state: Option<DeviceState>,
    /// Whether devices that were taken out of use are listed, too.
    retired: Option<bool>,
    /// At most so many devices. The header `Link` then leads to the next ones.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only devices whose ids come after this one.
    #[param(example = "sensor-001")]
    after: Option<DeviceId>,
}

impl Asked {
    fn fits(&self, view: &DeviceView) -> bool {
        let is_there = |state: DeviceState| state == DeviceState::of(view.health.state);
        (self.retired == Some(true) || !view.retired)
            && self
                .location
                .as_ref()
                .is_none_or(|wanted| *wanted == view.location)
            && self.state.is_none_or(is_there)
            && self.after.as_ref().is_none_or(|after| view.device_id > *after)
    }

    /// The header that leads on after `last`.
    fn next(self, last: &DeviceView) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(location) = &self.location {
            query.append_pair("location", location);
        }
        if let Some(state) = self.state {
            let state = match state {
                DeviceState::Online => "online",
                DeviceState::Stale => "stale",
                DeviceState::Offline => "offline",
                DeviceState::NeverSeen => "never_seen",
            };
            query.append_pair("state", state);
        }
        if let Some(retired) = self.retired {
            query.append_pair("retired", &retired.to_string());
        }
        query.append_pair("limit", &self.limit.unwrap_or(MOST).to_string());
        query.append_pair("after", last.device_id.as_str());
        format!("</api/v1/devices?{}>; rel=\"next\"", query.finish())
    }
}

/// List devices.
///
/// Every device that was heard of or set up, with its latest state, in the order of ids. Devices that were taken out of use
/// are left out.
#[utoipa::path(get, path = "/devices", operation_id = "list_devices", tag = "devices", params(Asked), responses(
    (status = 200, description = "The devices.", body = Vec<DeviceView>,
        headers(("Link" = Option<String>, description = "Where more devices are: `<…>; rel=\"next\"`.")))
))]
async fn list(State(parts): State<Arc<Parts>>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    if asked.limit.is_some_and(|limit| !(1..=MOST).contains(&limit)) {
        return Err(invalid("limit", format!("is not within 1 to {MOST}")));
    }
    let mut devices: Vec<DeviceView> = view::all(&parts).filter(|view| asked.fits(view)).collect();
    let limit = asked.limit.unwrap_or(usize::MAX);
    let more = devices.len() > limit;
    devices.truncate(limit);
    let next = devices.last().filter(|_| more).map(|last| asked.next(last));
    let mut answer = axum::Json(devices).into_response();
    if let Some(next) = next {
        let next = next.parse().expect("a query is plain text");
        answer.headers_mut().insert(header::LINK, next);
    }
    Ok(answer)
}

/// Show a device.
///
/// Its latest state. The `ETag` is the revision of what people have set up: name, location, settings.
#[utoipa::path(get, path = "/devices/{device_id}", operation_id = "get_device", tag = "devices",
    params(("device_id" = DeviceId, Path, description = "The id of the device.")),
    responses(
        (status = 200, description = "The device.", body = DeviceView,
            headers(("ETag" = String, description = "For `If-Match` of a change."))),
        (status = 404, description = "No such device was heard of or set up."),
        (status = 503, description = "It is not known yet: right after a start, or while ClickHouse is away since then.")
    ))]
async fn show(State(parts): State<Arc<Parts>>, Path(device_id): Path<DeviceId>) -> Result<Response, Problem> {
    let view = view::one(&parts, &device_id).ok_or_else(|| unknown(&parts, &device_id))?;
    Ok((etag(view::revision(&parts, &device_id)), axum::Json(view)).into_response())
}

/// Forget a device.
///
/// What was set up for it is gone, and it is no longer listed until it is heard of again. Its readings are kept. Its account
/// stays: to keep it out, retire or forget the account.
#[utoipa::path(delete, path = "/devices/{device_id}", operation_id = "forget_device", tag = "devices",
    params(
        ("device_id" = DeviceId, Path, description = "The id of the device."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the removal is based on.")
    ),
    responses(
        (status = 204, description = "It is forgotten."),
        (status = 404, description = "No such device was heard of or set up."),
        (status = 412, description = "It was changed meanwhile."),
        (status = 503, description = "It is not known yet: right after a start, or while ClickHouse is away since then.")
    ))]
async fn forget(
    State(parts): State<Arc<Parts>>,
    caller: axum::Extension<Caller>,
    if_match: IfMatch,
    Path(device_id): Path<DeviceId>,
) -> Result<StatusCode, Problem> {
    if view::one(&parts, &device_id).is_some() {
        if_match.expected(view::revision(&parts, &device_id))?;
    }
    changes::forget(&parts, &caller, &device_id)
        .await?
        .then_some(StatusCode::NO_CONTENT)
        .ok_or_else(|| unknown(&parts, &device_id))
}

/// There is no such device; or there may be, right after a start, when what was known before is not read yet.
fn unknown(parts: &Parts, device_id: &DeviceId) -> Problem {
    if !parts.views.has_read_devices() {
        let detail = format!(
            "'{device_id}' is not known yet: ClickHouse has not said which devices were known before the start"
        );
        return Problem::new(&UNAVAILABLE, detail).retry_after(READ_S);
    }
    Problem::new(
        &NOT_FOUND,
        format!("no device '{device_id}' was heard of or set up"),
    )
}
