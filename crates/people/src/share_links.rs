//! Links that show the page and change nothing: `/?share=SECRET` for a time.
//!
//! In: a link, or an admin's wish. Out: a cookie that lasts as long as the link, or the list of links. The link is looked up at
//! every request, so a revoked one ends at once.

use std::sync::Arc;

use accounts::{AccountsFile, FileError};
use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use monitoring::{
    Arrival, Problem,
    extract::{Json, Path, invalid},
    problem::kinds::{CONFLICT, INTERNAL, NOT_FOUND},
};
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::ToSchema;

use crate::{
    event::Event,
    members::People,
    pages,
    visitor::{Cookies, Visitor},
};

const DEFAULT_DAYS: u32 = 7;
const MAX_DAYS: u32 = 365;

/// A link to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewShare)]
pub(crate) struct Wanted {
    /// How long it is valid; 7 days where it is not stated.
    #[schema(minimum = 1, maximum = 365, examples(7))]
    days: Option<u32>,
    /// Whom it is for.
    #[serde(default)]
    #[schema(max_length = 128, examples("Bob"))]
    label: String,
}

/// A link that shows the page and changes nothing, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
pub(crate) struct ShareView {
    /// Its id.
    id: String,
    /// Whom it is for.
    label: String,
    /// The account that made it.
    by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// From when on it is void.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
    /// Whether it is valid now.
    valid: bool,
}

/// A link that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeShare)]
pub(crate) struct Made {
    /// Its id.
    id: String,
    /// The link itself, as a path of this service. It is shown this once.
    path: String,
    /// From when on it is void.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
}

/// The secret of a link that leads to the page.
pub(crate) fn offered(parts: &Parts) -> Option<&str> {
    if parts.uri.path() != "/" {
        return None;
    }
    let pairs = parts.uri.query()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "share")
        .map(|(_, secret)| secret)
}

/// Opens a link: the cookie is set, and the secret leaves the address line.
pub(crate) async fn open(people: &People, secret: &str, arrival: &Arrival) -> Response {
    let now = Timestamp::now();
    let book = people
        .accounts
        .book_that(|book| book.of_share(secret, now).is_some())
        .await;
    let Some((id, share)) = book.of_share(secret, now) else {
        let text = "This link has expired, or was taken back.";
        return pages::sign_in(StatusCode::UNAUTHORIZED, text, "/");
    };
    people.audit.note(Event {
        kind: "share_opened",
        account: String::new(),
        address: Some(arrival.peer.ip()),
        detail: format!("link {id} {}", share.label),
    });
    let cookies = Cookies::of(arrival);
    let left = share.expires.duration_since(now).as_secs();
    let cookie = [(header::SET_COOKIE, cookies.set(&cookies.share, secret, left))];
    (cookie, pages::moving_on("/")).into_response()
}

/// Every share link, without its secret.
#[utoipa::path(get, path = "/api/v1/shares", operation_id = "list_shares", tag = "people", responses(
    (status = 200, description = "The links, expired ones included.", body = Vec<ShareView>)
))]
pub(crate) async fn list(State(people): State<Arc<People>>) -> axum::Json<Vec<ShareView>> {
    let now = Timestamp::now();
    let book = people.accounts.book();
    let shares = book.shares().map(|(id, share)| ShareView {
        id: id.to_owned(),
        label: share.label.clone(),
        by: share.by.clone(),
        created: share.created,
        expires: share.expires,
        valid: share.expires > now,
    });
    axum::Json(shares.collect())
}

/// Make a share link. The answer has the link, this once.
#[utoipa::path(post, path = "/api/v1/shares", operation_id = "add_share", tag = "people",
    request_body(content = Wanted, example = json!({"days": 7, "label": "Bob"})),
    responses(
        (status = 201, description = "The link.", body = Made),
        (status = 409, description = "There are as many links as there may be.")
    ))]
pub(crate) async fn add(
    State(people): State<Arc<People>>,
    Extension(visitor): Extension<Visitor>,
    Json(Wanted { days, label }): Json<Wanted>,
) -> Response {
    let days = days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return invalid("days", "is not within 1 to 365").into_response();
    }
    let expires = Timestamp::now() + SignedDuration::from_hours(24 * i64::from(days));
    let made = changed(&people, &visitor, move |file| file.share(&label, expires));
    match made.await {
        Ok((id, token)) => {
            let path = format!("/?share={}", token.reveal());
            (StatusCode::CREATED, axum::Json(Made { id, path, expires })).into_response()
        }
        Err(error) => impossible(&error),
    }
}

/// Take a share link back. It opens nothing from then on.
#[utoipa::path(delete, path = "/api/v1/shares/{id}", operation_id = "remove_share", tag = "people",
    params(("id" = String, Path, description = "The id of the link.", example = "0123456789ab")),
    responses((status = 204, description = "The link is void."), (status = 404, description = "There is no such link.")))]
pub(crate) async fn revoke(
    State(people): State<Arc<People>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let unknown = || Problem::new(&NOT_FOUND, "there is no such link").into_response();
    if !people.accounts.book().shares().any(|(known, _)| known == id) {
        return unknown();
    }
    let revoked = changed(&people, &visitor, move |file| file.unshare(&id));
    match revoked.await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => unknown(),
        Err(error) => impossible(&error),
    }
}

/// Changes the accounts in the name of who asks. When this returns, that is in force.
async fn changed<T: Send + 'static>(
    people: &People,
    visitor: &Visitor,
    work: impl FnOnce(&AccountsFile) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let (accounts, by) = (Arc::clone(&people.accounts), hand(visitor));
    let changing = tokio::task::spawn_blocking(move || {
        let done = work(&accounts.file().by(&by));
        accounts.reload();
        done
    });
    changing.await.expect("writing a file does not panic")
}

/// Who changes something, for the audit log.
fn hand(visitor: &Visitor) -> String {
    match visitor {
        Visitor::Session(known) | Visitor::Program(known) => known.name.to_string(),
        _ => String::new(),
    }
}

fn impossible(error: &FileError) -> Response {
    if let FileError::Refused(why) = error {
        return Problem::new(&CONFLICT, why.to_string()).into_response();
    }
    warn!("share links cannot be changed: {error}");
    Problem::new(&INTERNAL, "the accounts cannot be written; the log says why").into_response()
}
