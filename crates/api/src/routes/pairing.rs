//! Devices without an account: the door is held open, they introduce themselves, an admin lets them in. For admins.

use std::sync::Arc;

use accounts::{AccountName, AccountsFile, Book, State as AccountState};
use axum::{Extension, Json, extract::State, http::StatusCode};
use domain::{DeviceId, InvalidSetting};
use jiff::Timestamp;
use monitoring::{
    Problem,
    extract::{NoBody, OptionalJson, Path},
};
use people::Caller;
use registry::Patch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accounts::{AccountView, view};
use crate::{
    Parts, changes,
    problems::{CONFLICT, NOT_FOUND},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(show, open, close))
        .routes(routes!(approve))
        .routes(routes!(refuse))
}

/// The door for devices without an account.
#[derive(Debug, Serialize, ToSchema)]
struct Pairing {
    /// Until when devices may introduce themselves; `null` while the door is closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    open_until: Option<Timestamp>,
    /// Devices that wait to be let in.
    waiting: Vec<Waiting>,
    /// What becomes of a device without an account: `open`, on this machine it may come; `pairing`, it waits here while the door is
    /// open; `closed`, it is refused. `null` where the broker runs elsewhere, with accounts of its own.
    #[schema(examples("pairing"))]
    registration: Option<&'static str>,
    /// Where devices on the network reach the broker; `null` where it listens on this machine alone, or runs elsewhere.
    #[schema(examples("mqtts://192.168.1.20:8883"))]
    network: Option<String>,
}

/// A device that waits to be let in.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    /// Its id, and the name of its account.
    name: AccountName,
    /// Where it connected from.
    address: String,
    /// The client id that it chose.
    client_id: String,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// What it said first. It comes from the device, and may say anything.
    first: Vec<FirstMessage>,
}

/// A message of a device that waits.
#[derive(Debug, Serialize, ToSchema)]
struct FirstMessage {
    /// Its topic.
    topic: String,
    /// The beginning of its payload.
    payload: String,
}

/// What a device that is let in is called, and where it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Approval {
    /// What people call it.
    #[schema(max_length = 128, examples("Kitchen window"))]
    name: Option<String>,
    /// Where it is.
    #[schema(max_length = 128, examples("Kitchen"))]
    location: Option<String>,
}

fn state(parts: &Parts) -> Pairing {
    let book = parts.accounts.book();
    let waiting = book.iter().filter_map(|(name, account)| {
        let pending = account.pending.as_ref()?;
        let first = pending.first.iter().map(|(topic, payload)| FirstMessage {
            topic: topic.clone(),
            payload: payload.clone(),
        });
        Some(Waiting {
            name: name.clone(),
            address: pending.address.clone(),
            client_id: pending.client_id.clone(),
            since: pending.since,
            first: first.collect(),
        })
    });
    Pairing {
        open_until: book.pairing(Timestamp::now()),
        waiting: waiting.collect(),
        registration: parts.admission.as_ref().map(|admission| admission.registration),
        network: parts
            .admission
            .as_ref()
            .and_then(|admission| (admission.network)()),
    }
}

/// Show the pairing.
///
/// Whether devices without an account may introduce themselves, and who waits to be let in.
#[utoipa::path(get, path = "/pairing", operation_id = "get_pairing", tag = "accounts", responses(
    (status = 200, description = "The door, and who waits.", body = Pairing)
))]
async fn show(State(parts): State<Arc<Parts>>) -> Json<Pairing> {
    Json(state(&parts))
}

/// Open the door.
///
/// For five minutes, a device without an account that connects with its id as the user and a password of its own is bound to
/// that password, and waits to be let in.
#[utoipa::path(post, path = "/pairing", operation_id = "open_pairing", tag = "accounts", responses(
    (status = 200, description = "The door is open.", body = Pairing)
))]
async fn open(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    _: NoBody,
) -> Result<Json<Pairing>, Problem> {
    changes::accounts(&parts, &caller, |file| file.open_pairing().map(drop)).await?;
    Ok(Json(state(&parts)))
}

/// Close the door.
///
/// Devices that wait go on waiting.
#[utoipa::path(delete, path = "/pairing", operation_id = "close_pairing", tag = "accounts", responses(
    (status = 204, description = "The door is closed.")
))]
async fn close(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    changes::accounts(&parts, &caller, AccountsFile::close_pairing).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a device in.
///
/// From now on its messages count. A name and a location are set with it.
#[utoipa::path(post, path = "/pairing/{name}/approve", operation_id = "approve_device", tag = "accounts",
    params(("name" = AccountName, Path, description = "The id of the device.", example = "sensor-001")),
    request_body(content = Option<Approval>, example = json!({"name": "Kitchen window", "location": "Kitchen"})),
    responses(
        (status = 200, description = "Its account.", body = AccountView),
        (status = 404, description = "No such device waits."),
        (status = 409, description = "It was let in meanwhile.")
    ))]
async fn approve(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
    OptionalJson(approval): OptionalJson<Option<Approval>>,
) -> Result<Json<AccountView>, Problem> {
    waits(&parts.accounts.book(), &name)?;
    let approval = approval.unwrap_or_default();
    if approval.name.is_some() || approval.location.is_some() {
        let device_id = DeviceId::parse(name.as_str()).expect("the name of a device's account is its id");
        let patch = Patch {
            name: approval.name.clone(),
            location: approval.location.clone(),
            ..Patch::default()
        };
        let what = format!("device '{device_id}' is set up");
        changes::set_up(&parts, &caller, what, move |book| {
            for (path, text) in [("name", &patch.name), ("location", &patch.location)] {
                // Accounts have shorter texts than devices: what does not fit is refused before anything is changed.
                if text.as_ref().is_some_and(|text| text.chars().count() > 128) {
                    let problem = "has more than 128 characters".to_owned();
                    let wrong = InvalidSetting {
                        path: path.into(),
                        problem,
                    };
                    return Err(registry::ChangeError::Invalid(vec![wrong]));
                }
            }
            book.patch(&device_id, patch, None).map(drop)
        })
        .await?;
    }
    let approved = name.clone();
    changes::accounts(&parts, &caller, move |file| {
        file.rename(&approved, approval.name, approval.location)?;
        file.approve(&approved)
    })
    .await?;
    let device_id = DeviceId::parse(name.as_str()).expect("the name of a device's account is its id");
    changes::follow_account(&parts, &device_id).await?;
    view(&parts, &name).map(Json)
}

/// Turn a device away.
///
/// It is forgotten. While the door is open it may introduce itself again.
#[utoipa::path(delete, path = "/pairing/{name}", operation_id = "refuse_device", tag = "accounts",
    params(("name" = AccountName, Path, description = "The id of the device.", example = "sensor-001")),
    responses(
        (status = 204, description = "It is turned away."),
        (status = 404, description = "No such device waits."),
        (status = 409, description = "It was let in meanwhile.")
    ))]
async fn refuse(
    State(parts): State<Arc<Parts>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<AccountName>,
) -> Result<StatusCode, Problem> {
    waits(&parts.accounts.book(), &name)?;
    changes::accounts(&parts, &caller, move |file| file.forget(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses the name of a device that does not wait.
fn waits(book: &Book, name: &AccountName) -> Result<(), Problem> {
    match book.get(name.as_str()) {
        Some((_, account)) if account.state == AccountState::Pending => Ok(()),
        Some(_) => Err(Problem::new(
            &CONFLICT,
            format!("'{name}' does not wait to be let in"),
        )),
        None => Err(Problem::new(
            &NOT_FOUND,
            format!("no device '{name}' waits to be let in"),
        )),
    }
}
