//! Signing in and out: by name and password, by a token, by a link that works once.
//!
//! In: a form or a link. Out: a cookie with the secret of a session. Failures wait as long as at the broker, and one answer
//! stands for a wrong name and a wrong password.

use std::sync::Arc;

use accounts::{AccountName, Denied, Known, Role};
use axum::{
    Extension, Json,
    extract::{Form, Query, State, rejection::FormRejection},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::Timestamp;
use monitoring::Arrival;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    event::Event,
    guard::shows_pages,
    members::People,
    pages,
    sessions::LONGEST,
    visitor::{Cookies, Visitor, cookie},
};

/// What a sign-in page is asked with.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    once: Option<String>,
    next: Option<String>,
}

/// What a person fills in. A token may stand in place of the password; it needs no name.
#[derive(Debug, Deserialize)]
pub(crate) struct Filled {
    #[serde(default)]
    name: String,
    password: String,
    next: Option<String>,
}

/// The page, or the end of a link that signs in.
pub(crate) async fn page(
    State(people): State<Arc<People>>,
    Extension(arrival): Extension<Arrival>,
    Query(asked): Query<Asked>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let next = asked
        .next
        .as_deref()
        .map_or_else(|| "/".to_owned(), pages::local_path);
    let Some(secret) = asked.once else {
        return pages::sign_in(StatusCode::OK, "", &next);
    };
    // A browser that looks ahead must not use it up, nor a program that only asks whether a link leads anywhere.
    let looks_ahead = method == Method::HEAD
        || ["purpose", "sec-purpose"].iter().any(|name| {
            headers
                .get(*name)
                .is_some_and(|value| value.as_bytes().starts_with(b"prefetch"))
        });
    if looks_ahead {
        return StatusCode::NO_CONTENT.into_response();
    }
    let Some(known) = people.take_link(&secret).await.filter(has_page) else {
        people.failed("", &arrival, "a link that is void, or was used before");
        let text =
            "This link was used before, or is older than 15 minutes. A new one: casement accounts link";
        return pages::sign_in(StatusCode::UNAUTHORIZED, text, &next);
    };
    let cookie = people.begin(&known, None, &arrival, "by a link").await;
    (cookie, pages::moving_on(&next)).into_response()
}

/// Signs in by what a person filled in.
pub(crate) async fn by_form(
    State(people): State<Arc<People>>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let Ok(Form(filled)) = filled else {
        let text = "send name and password as a form (application/x-www-form-urlencoded)\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let name = filled.name.trim();
    let next = filled
        .next
        .as_deref()
        .map_or_else(|| "/".to_owned(), pages::local_path);
    let known = people.by_secret(name, &filled.password, &arrival).await;
    let denied = match known {
        Ok(known) if has_page(&known) => {
            let by_token = people.accounts.knows_token(&filled.password);
            let (token, how) = if by_token {
                (Some(filled.password.as_str()), "by a token")
            } else {
                (None, "by a password")
            };
            let cookie = people.begin(&known, token, &arrival, how).await;
            return (cookie, Redirect::to(&next)).into_response();
        }
        Ok(known) => {
            let why = format!("its role {} has no page", known.role);
            people.failed(known.name.as_str(), &arrival, &why);
            let text = "This account has no page: readers, operators and admins have.";
            return pages::sign_in(StatusCode::FORBIDDEN, text, &next);
        }
        Err(denied) => denied,
    };
    let (status, text) = explained(&denied);
    people.failed(name, &arrival, text);
    let mut answer = if shows_pages(&headers) {
        pages::sign_in(status, text, &next)
    } else {
        (status, format!("{text}\n")).into_response()
    };
    if let Denied::Wait(pause) = denied {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, (pause.as_secs() + 1).into());
    }
    answer
}

/// Signs out, here and on no other browser.
pub(crate) async fn out(
    State(people): State<Arc<People>>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
) -> Response {
    let cookies = Cookies::of(&arrival);
    let ended = cookie(&headers, &cookies.session).and_then(|secret| people.sessions.end(secret));
    if let Some(account) = ended {
        people.save().await;
        people.audit.note(Event {
            kind: "sign_out",
            account,
            address: Some(arrival.peer.ip()),
            detail: String::new(),
        });
    }
    let gone = [&cookies.session, &cookies.share].map(|name| (header::SET_COOKIE, cookies.set(name, "", 0)));
    let mut answer = Redirect::to("/sign-in").into_response();
    for (name, value) in gone {
        answer
            .headers_mut()
            .append(name, value.parse().expect("it is plain text"));
    }
    answer
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// The account; `null` of somebody on this machine, and with a share link.
    name: Option<AccountName>,
    /// What it may: `reader`, `operator`, `admin`, or `guest` with a share link.
    role: &'static str,
    /// Whether it came by the cookie of the sign-in page.
    signed_in: bool,
}

/// Who asks.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "get_session", tag = "people", responses(
    (status = 200, description = "The account, and what it may.", body = Session)
))]
pub(crate) async fn session(Extension(visitor): Extension<Visitor>) -> Json<Session> {
    let signed_in = matches!(visitor, Visitor::Session(_));
    Json(match visitor {
        Visitor::Nobody | Visitor::Local => Session {
            name: None,
            role: "reader",
            signed_in,
        },
        Visitor::Guest(..) => Session {
            name: None,
            role: "guest",
            signed_in,
        },
        Visitor::Session(known) | Visitor::Program(known) => Session {
            name: Some(known.name),
            role: known.role.as_str(),
            signed_in,
        },
    })
}

/// What a refusal says, and its status. It does not tell whether there is such an account.
pub(crate) fn explained(denied: &Denied) -> (StatusCode, &'static str) {
    match denied {
        Denied::Wait(_) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong names or passwords from here: wait a minute, then try again.",
        ),
        Denied::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many passwords wait to be compared: try again.",
        ),
        Denied::Retired => (StatusCode::UNAUTHORIZED, "This account is closed."),
        Denied::Wrong
        | Denied::NoPassword
        | Denied::DoorClosed
        | Denied::CannotPair(_)
        | Denied::OldCertificate => (StatusCode::UNAUTHORIZED, "Name, password or token is wrong."),
    }
}

fn has_page(known: &Known) -> bool {
    matches!(known.role, Role::Reader | Role::Operator | Role::Admin)
}

type SetCookie = [(header::HeaderName, String); 1];

impl People {
    async fn begin(
        self: &Arc<Self>,
        known: &Known,
        token: Option<&str>,
        arrival: &Arrival,
        how: &str,
    ) -> SetCookie {
        let secret = self.sessions.begin(known, token, Timestamp::now());
        self.save().await;
        self.audit.note(Event {
            kind: "sign_in",
            account: known.name.to_string(),
            address: Some(arrival.peer.ip()),
            detail: how.to_owned(),
        });
        let cookies = Cookies::of(arrival);
        let cookie = cookies.set(&cookies.session, secret.reveal(), LONGEST.as_secs());
        [(header::SET_COOKIE, cookie)]
    }

    fn failed(&self, name: &str, arrival: &Arrival, why: &str) {
        self.audit.note(Event {
            kind: "sign_in_failed",
            account: name.chars().filter(|c| !c.is_control()).take(64).collect(),
            address: Some(arrival.peer.ip()),
            detail: why.to_owned(),
        });
    }
}
