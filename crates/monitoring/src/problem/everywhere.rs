//! Whatever goes wrong below `/api/` is told as a problem, whoever answers: a route, the router, a layer before them.
//!
//! In: an answer. Out: the same, unless it is an error that is no problem yet; then its text is the problem's detail.

use axum::{
    body::to_bytes,
    extract::Request,
    http::header,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{MEDIA_TYPE, Problem, kinds};

/// A text that is longer says nothing to people.
const MAX_TEXT: usize = 4 << 10;

/// Middleware: errors below `/api/` leave as problems.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let answer = next.run(request).await;
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if !is_api || !is_error || kind.is_some_and(|kind| kind == MEDIA_TYPE) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let text = to_bytes(body, MAX_TEXT).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let kind = kinds::of_status(parts.status);
    let detail = match text.trim() {
        "" => kind.remedy,
        text => text,
    };
    let mut told = Problem::new(kind, detail).into_response();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    // `Allow`, `Retry-After` and the like stay.
    told.headers_mut().extend(parts.headers);
    told
}
