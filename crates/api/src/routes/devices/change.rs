//! Changing what people have set up for a device.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use backend::DeviceView;
use domain::{DeviceId, InvalidSetting, Settings};
use monitoring::{
    Problem,
    extract::{Json, Path, Unambiguous},
};
use people::Caller;
use registry::{Book, ChangeError, Entry, Patch, Revision};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::view;
use crate::{
    Parts,
    changes::{self, Retirement},
    merge::patched,
    revision::{IfMatch, changed, etag},
};

/// What changes of a device (RFC 7396): what is not named stays, `null` removes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what is read as a merge")]
pub(super) struct DevicePatch {
    /// What people call it. Without a name, it is called by its id.
    #[schema(max_length = 200, examples("Kitchen window"))]
    name: Option<String>,
    /// Where it is: devices of one location are a group.
    #[schema(max_length = 200, examples("Kitchen"))]
    location: Option<String>,
    /// What is set for it alone.
    settings: Option<Settings>,
    /// Whether it is out of use: nothing is decided for it, and its account opens nothing.
    retired: Option<bool>,
}

/// What can be changed, as it is.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Editable {
    name: String,
    location: String,
    settings: Settings,
    retired: bool,
}

impl Editable {
    fn of(entry: &Entry) -> Self {
        Self {
            name: entry.name.clone(),
            location: entry.location.clone(),
            settings: entry.settings.clone(),
            retired: entry.retired,
        }
    }

    /// What of it is another than in `before`.
    fn changes_since(self, before: &Self) -> Patch {
        fn other<T: PartialEq>(new: T, old: &T) -> Option<T> {
            (new != *old).then_some(new)
        }
        Patch {
            name: other(self.name, &before.name),
            location: other(self.location, &before.location),
            settings: other(self.settings, &before.settings),
            retired: other(self.retired, &before.retired),
        }
    }
}

/// Change a device.
///
/// A merge patch (RFC 7396) of name, location, settings, and whether it is out of use. It takes effect at once, and is on disk
/// when the answer comes. A device that was never heard of is set up so. The account of a device that goes out of use is
/// retired, too, and opens nothing until the device is back in use. An account that an admin closed stays closed, unless an admin
/// takes the device back into use.
#[utoipa::path(patch, path = "/devices/{device_id}", operation_id = "change_device", tag = "devices",
    params(
        ("device_id" = DeviceId, Path, description = "The id of the device."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on. Without it, the change is made in any case.")
    ),
    request_body(content(
        (DevicePatch = "application/json", example = json!({"name": "Kitchen window", "location": "Kitchen", "settings": {"opening": {"max": 80}, "thresholds": {"temperature": 0.3}}})),
        (DevicePatch = "application/merge-patch+json")
    )),
    responses(
        (status = 200, description = "The device as it is now.", body = DeviceView,
            headers(("ETag" = String, description = "Its new revision."))),
        (status = 201, description = "The device, which was set up so.", body = DeviceView,
            headers(("ETag" = String, description = "Its revision."))),
        (status = 409, description = "There are as many devices as there may be."),
        (status = 412, description = "It was changed meanwhile.")
    ))]
pub(super) async fn change(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(device_id): Path<DeviceId>,
    if_match: IfMatch,
    Json(Unambiguous(patch)): Json<Unambiguous>,
) -> Result<Response, Problem> {
    let is_new = view::one(&parts, &device_id).is_none();
    if is_new && if_match == IfMatch::Something {
        return Err(changed(0));
    }
    let expected = if_match.expected(view::revision(&parts, &device_id))?;
    let id = device_id.clone();
    let named = patch.as_object().into_iter().flatten();
    let named: Vec<&str> = named.map(|(name, value)| in_words(name, value)).collect();
    let what = format!("device '{device_id}' is set up: {}", named.join(", "));
    let names_retirement = patch.get("retired").is_some();
    let (revision, retired) = changes::set_up(&parts, &caller, what, move |book| {
        let is_retired = |book: &Book| book.device(&id).is_some_and(|entry| entry.retired);
        let before = is_retired(book);
        let revision = apply(book, &id, &patch, expected)?;
        let after = is_retired(book);
        Ok((revision, Retirement { before, after }))
    })
    .await?;
    if names_retirement {
        changes::of_retirement(&parts, &caller, &device_id, retired).await?;
    }
    let device = view::one(&parts, &device_id).expect("it was just set up");
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, etag(revision), axum::Json(device)).into_response())
}

/// What of a device is changed, for the audit log.
fn in_words<'a>(name: &'a str, value: &Value) -> &'a str {
    match (name, value) {
        ("retired", Value::Bool(true)) => "retired (out of use)",
        ("retired", _) => "retired (in use)",
        _ => name,
    }
}

fn apply(
    book: &mut Book,
    device_id: &DeviceId,
    patch: &Value,
    expected: Option<Revision>,
) -> Result<Revision, ChangeError> {
    let entry = book.device(device_id);
    let (before, revision) = entry.map_or((Editable::default(), 0), |entry| {
        (Editable::of(entry), entry.revision)
    });
    if expected.is_some_and(|expected| expected != revision) {
        return Err(ChangeError::Changed { now: revision });
    }
    let after = patched(&before, patch).map_err(|wrong| ChangeError::Invalid(vec![wrong]))?;
    let wrong = within("settings", after.settings.problems());
    if !wrong.is_empty() {
        return Err(ChangeError::Invalid(wrong));
    }
    let changes = after.changes_since(&before);
    if entry.is_some() && changes == Patch::default() {
        return Ok(revision);
    }
    Ok(book.patch(device_id, changes, expected)?.revision)
}

/// The same problems, of values below `section`.
pub(crate) fn within(section: &str, problems: Vec<InvalidSetting>) -> Vec<InvalidSetting> {
    let below = |problem: InvalidSetting| InvalidSetting {
        path: format!("{section}.{}", problem.path),
        ..problem
    };
    problems.into_iter().map(below).collect()
}
