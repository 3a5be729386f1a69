//! Errors of the HTTP API as RFC 9457 writes them.
//!
//! In: the kind of a problem and what is wrong this time. Out: an answer of type `application/problem+json` whose `type` leads to
//! a page that explains the kind.

mod everywhere;
pub mod kinds;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use everywhere::tell;

const MEDIA_TYPE: &str = "application/problem+json";

/// A kind of problem: a fixed set, each with a page.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// The last part of its `type`, `/problems/{slug}`.
    pub slug: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What to do about it, in sentences.
    pub remedy: &'static str,
}

/// One value of a request that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WrongValue {
    /// Where it stands: a JSON path of the body, or the name of a parameter.
    pub path: String,
    /// What is wrong, and what would do.
    pub detail: String,
}

/// A problem, to be answered with.
#[derive(Debug)]
pub struct Problem {
    kind: &'static ProblemKind,
    detail: String,
    errors: Vec<WrongValue>,
    retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem of that kind; `detail` says what is wrong this time.
    pub fn new(kind: &'static ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
        }
    }

    /// The same with the values that cannot be used.
    #[must_use]
    pub fn with_errors(self, errors: Vec<WrongValue>) -> Self {
        Self { errors, ..self }
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }
}

/// What went wrong, as RFC 9457 writes it.
#[derive(Serialize, ToSchema)]
#[schema(as = ProblemDetails)]
pub struct ProblemBody {
    /// The path of a page that explains the kind of problem.
    #[schema(format = "uri-reference", examples("/problems/not-found"))]
    r#type: String,
    /// The kind, in a few words.
    #[schema(examples("Not found"))]
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The values that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<WrongValue>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let ProblemKind {
            slug, status, title, ..
        } = *self.kind;
        let body = ProblemBody {
            r#type: format!("/problems/{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let body = serde_json::to_vec(&body).expect("a problem is plain data");
        let mut answer = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            let value = HeaderValue::from(seconds);
            answer.headers_mut().insert(header::RETRY_AFTER, value);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        http::Request,
        middleware::from_fn,
        routing::get,
    };
    use serde_json::{Value, json};
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(method: &str, path: &str) -> (StatusCode, Value, Option<String>) {
        let router = Router::new()
            .route("/api/text", get(async || (StatusCode::CONFLICT, "it is so\n")))
            .route("/text", get(async || (StatusCode::CONFLICT, "it is so\n")))
            .route(
                "/api/own",
                get(async || Problem::new(&kinds::NOT_FOUND, "none").retry_after(7)),
            )
            .layer(from_fn(tell));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let is_problem = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == MEDIA_TYPE);
        let allow = parts
            .headers
            .get(header::ALLOW)
            .map(|allow| allow.to_str().unwrap().to_owned());
        let body = if is_problem {
            serde_json::from_slice(&bytes).unwrap()
        } else {
            Value::Null
        };
        (parts.status, body, allow)
    }

    #[tokio::test]
    async fn errors_below_api_are_problems_whoever_answers() {
        let (status, body, _) = ask("GET", "/api/text").await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(
            body,
            json!({"type": "/problems/conflict", "title": kinds::CONFLICT.title, "status": 409, "detail": "it is so"})
        );
        assert_eq!(ask("GET", "/text").await.1, Value::Null);
        assert_eq!(ask("GET", "/api/own").await.1["detail"], "none");
        let (status, body, allow) = ask("POST", "/api/own").await;
        assert_eq!((status.as_u16(), allow.as_deref()), (405, Some("GET,HEAD")));
        assert_eq!(body["type"], "/problems/method-not-allowed");
        assert_eq!(ask("GET", "/api/nothing").await.1["status"], 404);
    }

    #[test]
    fn a_kind_has_a_slug_of_its_own() {
        for (place, kind) in kinds::COMMON.iter().enumerate() {
            assert!(kind.status.is_client_error() || kind.status.is_server_error());
            assert!(kinds::COMMON[..place].iter().all(|other| other.slug != kind.slug));
        }
    }
}
