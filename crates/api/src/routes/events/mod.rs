//! What happens, told live as server-sent events (HTML Living Standard, 9.2).
//!
//! In: who listens, from which event on, and what they want to hear. Out: a stream. However many listen and however slowly
//! they read, an event is kept once: a listener has a place in the feed, and no queue.

mod filter;
mod listeners;
mod stream;

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use backend::Happening;
use domain::DeviceId;
use monitoring::{Closing, Problem, extract::Query};
use people::{Caller, Presence};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

use filter::Filter;
use listeners::Listeners;
use stream::Listener;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    let router = OpenApiRouter::new().routes(routes!(listen));
    router.layer(Extension(Arc::new(Listeners::default())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only events of this device, and changes of the registry.
    device_id: Option<DeviceId>,
    /// Only these events, separated by commas: `reading`, `suspect`, `clip`, `command`, `held`, `withheld`, `telemetry`,
    /// `settings`, `window`, `device`, `registry`, `refused`.
    #[param(example = "reading,command")]
    events: Option<String>,
}

/// Listen to events.
///
/// A stream of server-sent events. Each has an `id`, the kind as its `event`, and JSON as its `data` (the schema `Happening`,
/// with the time of acceptance as `at`). The last 8,192 events are kept: `Last-Event-ID` goes on after the one of that id.
/// Where events were missed, or the service was started anew, `event: reset` says so, with their number as far as it is known:
/// ask for everything anew. A comment comes every 15 seconds. The stream ends when the account, the token or the share link is
/// void. An account may have 32 listeners, and so may an address beyond this machine.
#[utoipa::path(get, path = "/events", operation_id = "listen", tag = "events",
    params(
        Asked,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard.")
    ),
    responses(
        (status = 200, description = "The events, without end.", content_type = "text/event-stream", body = String),
        (status = 503, description = "There are as many listeners as there may be.")
    ))]
async fn listen(
    State(parts): State<Arc<Parts>>,
    Extension(listeners): Extension<Arc<Listeners>>,
    Extension(caller): Extension<Caller>,
    Extension(presence): Extension<Presence>,
    closing: Option<Extension<Closing>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = Filter::new(asked.device_id, asked.events.as_deref(), caller.guest)?;
    let place = match Listeners::take(&listeners, &caller) {
        Ok(place) => place,
        Err(problem) => {
            // A connection that is kept would keep others out.
            let mut answer = problem.into_response();
            answer
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
            return Ok(answer);
        }
    };
    let last = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or_default());
    let listener = Listener::new(
        Arc::clone(parts.views.feed()),
        filter,
        presence,
        closing.map(|Extension(Closing(token))| token).unwrap_or_default(),
        place,
    );
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((kind, Body::from_stream(listener.begin(last))).into_response())
}

/// The name of an event, and the device that it is about.
fn kind(happening: &Happening) -> (&'static str, Option<&DeviceId>) {
    match happening {
        Happening::Reading { device_id, .. } => ("reading", Some(device_id)),
        Happening::Suspect { device_id, .. } => ("suspect", Some(device_id)),
        Happening::Clip { device_id, .. } => ("clip", Some(device_id)),
        Happening::Command { device_id, .. } => ("command", Some(device_id)),
        Happening::Held { device_id, .. } => ("held", Some(device_id)),
        Happening::Withheld { device_id, .. } => ("withheld", Some(device_id)),
        Happening::Telemetry { device_id, .. } => ("telemetry", Some(device_id)),
        Happening::Settings { device_id, .. } => ("settings", Some(device_id)),
        Happening::Window { device_id, .. } => ("window", Some(device_id)),
        Happening::Control { device_id, .. } => ("control", Some(device_id)),
        Happening::Device { device_id, .. } => ("device", Some(device_id)),
        Happening::Registry { .. } => ("registry", None),
        Happening::Refused { .. } => ("refused", None),
    }
}
