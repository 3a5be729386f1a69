//! Moving a window by hand: a person's wish that lasts, and its end.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json as Answer, extract::State, http::HeaderMap, http::StatusCode};
use backend::{ControlView, WindowError};
use domain::{By, DeviceId, Hold, Lasting, Position, Source, Timestamp};
use monitoring::{
    Problem,
    extract::{Json, Path, invalid},
};
use people::Caller;
use serde::Deserialize;
use tracing::{info, warn};
use utoipa::ToSchema;

use super::unknown;
use crate::{
    Parts, changes,
    problems::{CONFLICT, UNAVAILABLE},
};

/// Where a window is to be, and for how long. Without a time it lasts as long as the device's `override_s` says, two hours
/// otherwise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OverrideRequest)]
pub(super) struct Wanted {
    /// Percent open.
    #[schema(minimum = 0, maximum = 100, examples(40.0))]
    position: f64,
    /// How long, s: a year at most.
    #[schema(minimum = 1, maximum = 31_622_400)]
    for_s: Option<f64>,
    /// Until then.
    until: Option<Timestamp>,
    /// Whether somebody has to end it.
    forever: Option<bool>,
}

impl Wanted {
    fn hold(&self) -> Result<Hold, Problem> {
        let position =
            Position::new(self.position).map_err(|error| invalid("position", error.to_string()))?;
        let lasting = match (self.for_s, self.until, self.forever.unwrap_or(false)) {
            (None, None, false) => Lasting::Usual,
            (None, None, true) => Lasting::Forever,
            (None, Some(until), false) => Lasting::Until(until),
            (Some(seconds), None, false) => {
                let longest = Lasting::LONGEST.as_secs_f64();
                if !(1.0..=longest).contains(&seconds) {
                    return Err(invalid(
                        "for_s",
                        format!("is {seconds}; it may be 1 to {longest}"),
                    ));
                }
                Lasting::For(Duration::from_secs_f64(seconds))
            }
            _ => {
                let detail = "says how long it lasts more than once: give one of for_s, until and forever";
                return Err(invalid("for_s", detail));
            }
        };
        Ok(Hold { position, lasting })
    }
}

/// Who asks, and whether it is from our own page.
fn by(caller: &Caller, headers: &HeaderMap) -> By {
    // A browser says so of what our page sends; nobody gains anything by saying it.
    let is_page = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin");
    By::new(
        &changes::hand(caller),
        if is_page { Source::Page } else { Source::Api },
    )
}

fn of_window(parts: &Parts, device_id: &DeviceId, error: &WindowError) -> Problem {
    match error {
        WindowError::Past(_) => invalid("until", error.to_string()),
        WindowError::Unknown(device_id) => unknown(parts, device_id),
        WindowError::Retired(_) | WindowError::Full(_) => Problem::new(&CONFLICT, error.to_string()),
        WindowError::Unkept(_) => {
            warn!(%device_id, %error, "a person's wish is not kept");
            Problem::new(&UNAVAILABLE, error.to_string()).retry_after(5)
        }
    }
}

/// Move a window by hand.
///
/// The window goes there at once, unless an interlock or its limits keep it from it, and stays: neither the model nor a schedule
/// moves it until the time is over or `DELETE` ends it. When the answer comes, this survives a restart. Of two people the last
/// one counts.
#[utoipa::path(put, path = "/devices/{device_id}/override", operation_id = "hold_window", tag = "devices",
    params(("device_id" = DeviceId, Path, description = "The id of the device.")),
    request_body(content((Wanted = "application/json", example = json!({"position": 40, "for_s": 7200})))),
    responses(
        (status = 202, description = "The window is on its way, or why it is not.", body = ControlView),
        (status = 404, description = "No such device was heard of or set up."),
        (status = 409, description = "The device is retired, or there are as many windows as there may be."),
        (status = 503, description = "It is carried out, and cannot be kept; or the device is not known yet, right after a start.")
    ))]
pub(super) async fn hold(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(device_id): Path<DeviceId>,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Answer<ControlView>), Problem> {
    let hold = wanted.hold()?;
    let by = by(&caller, &headers);
    let control = parts.views.windows().hold(&device_id, hold, &by).await;
    let control = control.map_err(|error| of_window(&parts, &device_id, &error))?;
    info!(by = by.name, %device_id, position = wanted.position, "a window is moved by hand");
    Ok((StatusCode::ACCEPTED, Answer(control)))
}

/// End a move by hand.
///
/// The window stays where it is; the next decision moves it. Where nobody holds the window, nothing changes.
#[utoipa::path(delete, path = "/devices/{device_id}/override", operation_id = "resume_window", tag = "devices",
    params(("device_id" = DeviceId, Path, description = "The id of the device.")),
    responses(
        (status = 200, description = "What is known of the window now; `null` of a device without one.", body = ControlView),
        (status = 404, description = "No such device was heard of or set up."),
        (status = 409, description = "The device is retired."),
        (status = 503, description = "It is carried out, and cannot be kept; or the device is not known yet, right after a start.")
    ))]
pub(super) async fn resume(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(device_id): Path<DeviceId>,
    headers: HeaderMap,
) -> Result<Answer<Option<ControlView>>, Problem> {
    let by = by(&caller, &headers);
    let control = parts.views.windows().resume(&device_id, &by).await;
    control
        .map(Answer)
        .map_err(|error| of_window(&parts, &device_id, &error))
}
