//! Links that show the page and change nothing: `/?share=SECRET` for a time.
//!
//! In: a link, or an admin's wish. Out: a cookie that lasts as long as the link, or the list of links. The link is looked up at
//! every request, so a revoked one ends at once.

use std::sync::Arc;

use accounts::FileError;
use axum::{
    Extension, Json,
    extract::{Path, State, rejection::JsonRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use monitoring::Arrival;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use crate::{
    event::Event,
    members::People,
    pages,
    visitor::{Cookies, Visitor},
};

const DEFAULT_DAYS: u32 = 7;
const MAX_DAYS: u32 = 365;

/// A link to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    days: Option<u32>,
    #[serde(default)]
    label: String,
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
pub(crate) fn open(people: &People, secret: &str, arrival: &Arrival) -> Response {
    let now = Timestamp::now();
    let book = people
        .accounts
        .book_that(|book| book.of_share(secret, now).is_some());
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

/// Every link, without its secret.
pub(crate) async fn list(State(people): State<Arc<People>>) -> Json<Value> {
    let now = Timestamp::now();
    let book = people.accounts.book();
    let shares = book.shares().map(|(id, share)| {
        json!({
            "id": id, "label": share.label, "by": share.by, "created": share.created, "expires": share.expires,
            "valid": share.expires > now,
        })
    });
    Json(shares.collect())
}

/// Makes a link. The answer has its path, this once.
pub(crate) async fn add(
    State(people): State<Arc<People>>,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Response {
    let Ok(Json(Wanted { days, label })) = wanted else {
        let text = "send JSON: {\"days\": 7, \"label\": \"for whom\"}\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let days = days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return (StatusCode::BAD_REQUEST, "days: 1 to 365\n").into_response();
    }
    let expires = Timestamp::now() + SignedDuration::from_hours(24 * i64::from(days));
    let file = people.accounts.file().by(&hand(&visitor));
    let made = tokio::task::spawn_blocking(move || file.share(&label, expires));
    match made.await.expect("writing a file does not panic") {
        Ok((id, token)) => {
            people.accounts.reload();
            let link = json!({"id": id, "path": format!("/?share={}", token.reveal()), "expires": expires});
            (StatusCode::CREATED, Json(link)).into_response()
        }
        Err(error) => impossible(&error),
    }
}

/// Takes a link back.
pub(crate) async fn revoke(
    State(people): State<Arc<People>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let unknown = || (StatusCode::NOT_FOUND, "there is no such link\n").into_response();
    if !people.accounts.book().shares().any(|(known, _)| known == id) {
        return unknown();
    }
    let file = people.accounts.file().by(&hand(&visitor));
    let revoked = tokio::task::spawn_blocking(move || file.unshare(&id));
    match revoked.await.expect("writing a file does not panic") {
        Ok(true) => {
            people.accounts.reload();
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(false) => unknown(),
        Err(error) => impossible(&error),
    }
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
        return (StatusCode::CONFLICT, format!("{why}\n")).into_response();
    }
    warn!("share links cannot be changed: {error}");
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "the accounts cannot be written; the log says why\n",
    )
        .into_response()
}
