//! The layer before every route: who asks, whether they may, whether a page of another site made them.
//!
//! In: a request with its [`Arrival`]. Out: the route's answer, or why there is none. A browser that shows pages is led to the
//! sign-in; everything else gets a status and one line.

use std::sync::Arc;

use accounts::Denied;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use monitoring::{Arrival, Problem, problem::kinds::TOO_MANY};

use crate::{
    event::Event,
    members::People,
    origin,
    pace::Asker,
    pages,
    presence::Presence,
    rules::{self, Verdict},
    share_links, sign_in,
    visitor::{self, Visitor},
};

const SIGN_IN: &str = "sign in first: /sign-in in a browser, Authorization: Bearer TOKEN in a program (casement accounts add NAME --role reader)\n";
const FOREIGN: &str = "a page of another site asked for this; nothing was done\n";

/// Lets a request through, or answers it.
pub(crate) async fn check(State(people): State<Arc<People>>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let is_german = pages::prefers_german(request.headers());
    let mut answer = answer(&people, request, next).await;
    if is_german {
        answer = pages::in_german(answer);
    }
    if !is_asset {
        // What one person may see, and who signs in, is kept for nobody else.
        let headers = answer.headers_mut();
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    answer
}

async fn answer(people: &Arc<People>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(arrival) = parts.extensions.get::<Arrival>().copied() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let identified = visitor::identify(people, &parts, &arrival).await;
    if let Some(answer) = too_often(people, &parts, &arrival, identified.as_ref().ok()) {
        return answer;
    }
    let visitor = match identified {
        Ok(visitor) => visitor,
        Err(denied) => return not_known(people, &parts, &arrival, &denied),
    };
    let path = parts.uri.path();
    let verdict = rules::judge(&parts.method, path, visitor.standing());
    let is_reading = rules::is_reading(&parts.method);
    let by_cookie = matches!(visitor, Visitor::Session(_) | Visitor::Guest(..));
    if !is_reading && !origin::is_ours(&parts.headers, arrival.encrypted, by_cookie) {
        refused(people, &parts, &arrival, &visitor, FOREIGN.trim_end());
        return (StatusCode::FORBIDDEN, FOREIGN).into_response();
    }
    if is_reading && let Some(token) = share_links::offered(&parts) {
        return share_links::open(people, token, &arrival).await;
    }
    match verdict {
        Verdict::Allowed | Verdict::Brief => {}
        Verdict::SignIn if is_reading && shows_pages(&parts.headers) => {
            let next = pages::local_path(parts.uri.path());
            return Redirect::to(&format!("/sign-in?next={next}")).into_response();
        }
        Verdict::SignIn => return unauthorized(SIGN_IN),
        Verdict::Refused(why) => {
            refused(people, &parts, &arrival, &visitor, why);
            return (StatusCode::FORBIDDEN, format!("{why}\n")).into_response();
        }
    }
    parts.extensions.insert(visitor.caller(&arrival));
    let presence = Presence::of(people, &visitor, &parts, &arrival);
    parts.extensions.insert(presence);
    parts.extensions.insert(visitor);
    let answer = next.run(Request::from_parts(parts, body)).await;
    if verdict == Verdict::Brief {
        return brief(answer.status());
    }
    answer
}

/// The answer to who asks the API too often.
fn too_often(
    people: &People,
    parts: &Parts,
    arrival: &Arrival,
    visitor: Option<&Visitor>,
) -> Option<Response> {
    if !parts.uri.path().starts_with("/api/") {
        return None;
    }
    let asker = match visitor {
        Some(Visitor::Session(known) | Visitor::Program(known)) => Asker::Account(known.name.clone()),
        _ => Asker::at(arrival.peer.ip()),
    };
    let wait = people.pace.take(asker).err()?;
    let problem = Problem::new(&TOO_MANY, "more requests in a short time than http.limits allow");
    Some(problem.retry_after(wait.as_secs() + 1).into_response())
}

/// Whether the other side is a browser that shows a page.
pub(crate) fn shows_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn brief(status: StatusCode) -> Response {
    let text = if status.is_success() {
        "ready\n"
    } else {
        "not ready\n"
    };
    (status, text).into_response()
}

fn unauthorized(text: &str) -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"casement\"")];
    (StatusCode::UNAUTHORIZED, challenge, text.to_owned()).into_response()
}

/// What was sent in `Authorization` opens nothing.
fn not_known(people: &People, parts: &Parts, arrival: &Arrival, denied: &Denied) -> Response {
    let (status, text) = sign_in::explained(denied);
    people.audit.note(Event {
        kind: "refused",
        account: String::new(),
        address: Some(arrival.peer.ip()),
        detail: format!("{} {}: {text}", parts.method, pages::local_path(parts.uri.path())),
    });
    let mut answer = unauthorized(&format!("{text}\n"));
    *answer.status_mut() = status;
    if let Denied::Wait(pause) = denied {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, (pause.as_secs() + 1).into());
    }
    answer
}

fn refused(people: &People, parts: &Parts, arrival: &Arrival, visitor: &Visitor, why: &str) {
    let account = match visitor {
        Visitor::Session(known) | Visitor::Program(known) => known.name.to_string(),
        _ => String::new(),
    };
    people.audit.note(Event {
        kind: "refused",
        account,
        address: Some(arrival.peer.ip()),
        detail: format!("{} {}: {why}", parts.method, pages::local_path(parts.uri.path())),
    });
}
