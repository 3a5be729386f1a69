//! Groups: the devices of one location, and what is set for them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use domain::Settings;
use monitoring::{
    Problem,
    extract::{Json, Path, Unambiguous},
};
use people::Caller;
use registry::{Book, Revision};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    devices,
    levels::{SettingsPatch, merged},
};
use crate::{
    Parts, changes,
    problems::NOT_FOUND,
    revision::{IfMatch, etag},
};

/// The devices of one location, and what is set for them.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Group {
    /// The location: the name of the group.
    location: String,
    /// How many devices are there.
    devices: usize,
    /// What is set for them. Each of them may have other settings.
    settings: Settings,
    /// The number of the last change; 0 before the first.
    #[schema(value_type = u64)]
    revision: Revision,
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change, remove))
}

/// Every group: where devices are, and where something is set.
fn all(parts: &Parts) -> BTreeMap<String, Group> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for view in devices::all(parts).filter(|view| !view.location.is_empty()) {
        *counts.entry(view.location).or_default() += 1;
    }
    let book = parts.views.registry().book();
    for (location, level) in book.groups() {
        if !level.settings.is_empty() {
            counts.entry(location.to_owned()).or_default();
        }
    }
    let group = |(location, devices)| (String::clone(&location), group(&book, location, devices));
    counts.into_iter().map(group).collect()
}

fn group(book: &Book, location: String, devices: usize) -> Group {
    let level = book.group(&location);
    Group {
        devices,
        settings: level.map(|level| level.settings.clone()).unwrap_or_default(),
        revision: level.map_or(0, |level| level.revision),
        location,
    }
}

/// List groups.
///
/// The devices of one location are a group: locations where devices are, and those for which something is set.
#[utoipa::path(get, path = "/groups", operation_id = "list_groups", tag = "settings", responses(
    (status = 200, description = "The groups, in the order of their names.", body = Vec<Group>)
))]
async fn list(State(parts): State<Arc<Parts>>) -> axum::Json<Vec<Group>> {
    axum::Json(all(&parts).into_values().collect())
}

/// Show a group.
#[utoipa::path(get, path = "/groups/{location}", operation_id = "get_group", tag = "settings",
    params(("location" = String, Path, description = "The location.", example = "Kitchen")),
    responses(
        (status = 200, description = "The group.", body = Group,
            headers(("ETag" = String, description = "For `If-Match` of a change."))),
        (status = 404, description = "No device is there, and nothing is set.")
    ))]
async fn show(State(parts): State<Arc<Parts>>, Path(location): Path<String>) -> Result<Response, Problem> {
    let group = all(&parts).remove(&location).ok_or_else(unknown)?;
    Ok((etag(group.revision), axum::Json(group)).into_response())
}

/// Change a group.
///
/// A merge patch (RFC 7396) of what is set for the devices of a location. It takes effect for each of them that has no other
/// settings, at once. Devices may be put there later.
#[utoipa::path(patch, path = "/groups/{location}", operation_id = "change_group", tag = "settings",
    params(
        ("location" = String, Path, description = "The location.", example = "Kitchen"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on. Without it, the change is made in any case.")
    ),
    request_body(content(
        (SettingsPatch = "application/json", example = json!({"settings": {"quiet_hours": [{"from": "22:00", "until": "06:30"}]}})),
        (SettingsPatch = "application/merge-patch+json")
    )),
    responses(
        (status = 200, description = "The group as it is now.", body = Group,
            headers(("ETag" = String, description = "Its new revision."))),
        (status = 409, description = "There are as many groups as there may be."),
        (status = 412, description = "It was changed meanwhile.")
    ))]
async fn change(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(location): Path<String>,
    if_match: IfMatch,
    Json(Unambiguous(patch)): Json<Unambiguous>,
) -> Result<Response, Problem> {
    let now = revision(&parts, &location);
    let expected = if_match.expected(now)?;
    let (name, what) = (
        location.clone(),
        format!("the settings of group {location:?} are changed"),
    );
    let revision = changes::set_up(&parts, &caller, what, move |book| {
        let present = book.group(&name).cloned().unwrap_or_default();
        let settings = merged(&present, &patch)?;
        Ok(book.set_group(&name, settings, expected)?.revision)
    })
    .await?;
    let book = parts.views.registry().book();
    let devices = devices::all(&parts).filter(|view| view.location == location);
    let group = group(&book, location.clone(), devices.count());
    Ok((etag(revision), axum::Json(group)).into_response())
}

/// Remove a group's settings.
///
/// Nothing is set for the devices of the location any more. The devices stay.
#[utoipa::path(delete, path = "/groups/{location}", operation_id = "remove_group", tag = "settings",
    params(
        ("location" = String, Path, description = "The location.", example = "Kitchen"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the removal is based on.")
    ),
    responses(
        (status = 204, description = "Nothing is set for the group."),
        (status = 404, description = "No device is there, and nothing is set."),
        (status = 412, description = "It was changed meanwhile.")
    ))]
async fn remove(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(location): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    all(&parts).remove(&location).ok_or_else(unknown)?;
    let expected = if_match.expected(revision(&parts, &location))?;
    let what = format!("the settings of group {location:?} are removed");
    changes::set_up(&parts, &caller, what, move |book| {
        if book.group(&location).is_some() {
            book.set_group(&location, Settings::default(), expected)?;
        }
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn revision(parts: &Parts, location: &str) -> Revision {
    let book = parts.views.registry().book();
    book.group(location).map_or(0, |level| level.revision)
}

fn unknown() -> Problem {
    Problem::new(
        &NOT_FOUND,
        "no device is at that location, and nothing is set for it",
    )
}
