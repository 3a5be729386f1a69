//! The body of a request, read before a route sees it, within a size and a time. Some routes do so themselves.

use axum::{
    Router,
    body::{Body, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::time::timeout;

use crate::HttpLimits;

/// `router`, whose routes see whole bodies.
pub(crate) fn bounded(router: Router, limits: HttpLimits) -> Router {
    router.layer(axum::middleware::from_fn_with_state(limits, read_body))
}

async fn read_body(State(limits): State<HttpLimits>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || limits.streamed.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match timeout(limits.body, to_bytes(body, limits.body_bytes)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => {
            let text = format!(
                "the request is cut, or has more than {} bytes\n",
                limits.body_bytes
            );
            (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
        }
        Err(_) => {
            let text = format!("the request took more than {:?}\n", limits.body);
            (StatusCode::REQUEST_TIMEOUT, text).into_response()
        }
    }
}
