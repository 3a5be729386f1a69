//! What a handler takes from a request: path, query and body. Whatever does not fit is told as a problem that names the
//! value.
//!
//! In: a request. Out: typed values, or a [`Problem`] with one entry for the first value that cannot be used.

mod unambiguous;

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request,
        path::ErrorKind,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    problem::{Problem, WrongValue, kinds},
    words,
};

pub use unambiguous::Unambiguous;

/// The parameters of a path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// The parameters of a query.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// A body of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A body of JSON, or none.
#[derive(Debug, Clone, Copy)]
pub struct OptionalJson<T>(pub T);

/// No body. An empty object is none, too.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

/// The only content of a body that says nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A problem with one value of a request.
pub fn invalid(path: impl Into<String>, detail: impl Into<String>) -> Problem {
    let wrong = WrongValue {
        path: path.into(),
        detail: detail.into(),
    };
    Problem::new(&kinds::INVALID, format!("{}: {}", wrong.path, wrong.detail)).with_errors(vec![wrong])
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                let names = RawPathParams::from_request_parts(parts, state).await;
                let name = names.ok().and_then(|names| {
                    let mut names = names.iter().map(|(name, _)| name.to_owned());
                    names.next().filter(|_| names.next().is_none())
                });
                Err(wrong_path(rejection, name))
            }
        }
    }
}

/// `only`: the name of the path's only parameter.
fn wrong_path(rejection: PathRejection, only: Option<String>) -> Problem {
    let only = only.unwrap_or_else(|| "path".to_owned());
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return invalid(only, "has a form that cannot be used");
    };
    match failed.into_kind() {
        ErrorKind::InvalidUtf8InPathParam { key } => invalid(key, "is not UTF-8 text"),
        ErrorKind::DeserializeError { key, message, .. } => invalid(key, words::plain(&message)),
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => invalid(key, format!("is not {}", words::parameter(expected_type))),
        ErrorKind::ParseError { expected_type, .. } => {
            invalid(only, format!("is not {}", words::parameter(expected_type)))
        }
        other => invalid(only, words::plain(&other.to_string())),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Reads the text of a query, which begins after the `?`.
    pub fn read(query: &str) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
        read.map(Self).map_err(|error| {
            let (path, error) = (error.path().to_string(), error.into_inner());
            let told = words::plain(&error.to_string());
            invalid(if path == "." { "query".into() } else { path }, told)
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = body(request, state).await?;
        if !is_json {
            return Err(Problem::new(
                &kinds::MEDIA_TYPE,
                "the body has to be JSON: Content-Type: application/json",
            ));
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = body(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(Problem::new(
                &kinds::MEDIA_TYPE,
                "the body has to be JSON: Content-Type: application/json",
            ));
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = body(request, state).await?;
        if !bytes.is_empty() {
            parse::<Option<Nothing>>(&bytes)?;
        }
        Ok(Self)
    }
}

async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, state).await;
    read.map_err(|rejection: BytesRejection| {
        let kind = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            &kinds::TOO_LARGE
        } else {
            &kinds::INVALID
        };
        Problem::new(kind, rejection.body_text())
    })
}

/// Reads `bytes` as JSON. Nesting is limited by the parser, to 128 levels.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        if error.is_data() && path != "." {
            invalid(path, words::plain(&error.to_string()))
        } else {
            invalid("body", words::plain(&error.to_string()))
        }
    })?;
    reader
        .end()
        .map_err(|error| invalid("body", words::plain(&error.to_string())))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.map(|kind| {
        kind.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    });
    essence.is_some_and(|kind| {
        kind.strip_prefix("application/")
            .is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
    })
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        http::Request,
        routing::{get, post},
    };
    use serde::Deserialize;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        limit: Option<u32>,
    }

    async fn ask(method: &str, uri: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let router = Router::new()
            .route("/a/{number}", get(async |Path(_): Path<u32>| "ok"))
            .route("/b/{x}/{y}", get(async |Path(_): Path<(u32, String)>| "ok"))
            .route(
                "/c",
                get(async |Query(asked): Query<Asked>| asked.limit.unwrap_or(0).to_string()),
            )
            .route(
                "/d",
                post(async |Json(asked): Json<Asked>| asked.limit.unwrap_or(0).to_string()),
            )
            .route("/e", post(async |OptionalJson(_): OptionalJson<Value>| "ok"))
            .route("/f", post(async |_: NoBody| "ok"))
            .route("/g", post(async |Json(_): Json<Unambiguous>| "ok"));
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", kind);
        let request = request.body(Body::from(body.to_vec())).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        (status, body["errors"][0]["path"].clone())
    }

    #[tokio::test]
    async fn a_problem_names_the_value() {
        let json = "application/json";
        for (method, uri, kind, body, status, path) in [
            ("GET", "/a/7", json, "", 200, ""),
            ("GET", "/a/x", json, "", 400, "number"),
            ("GET", "/a/%ff", json, "", 400, "number"),
            ("GET", "/b/x/y", json, "", 400, "path"),
            ("GET", "/c?limit=7", json, "", 200, ""),
            ("GET", "/c?limit=-1", json, "", 400, "limit"),
            ("GET", "/c?limt=1", json, "", 400, "limt"),
            ("POST", "/d", json, "{\"limit\": 3}", 200, ""),
            (
                "POST",
                "/d",
                "application/merge-patch+json; charset=utf-8",
                "{}",
                200,
                "",
            ),
            ("POST", "/d", json, "{\"limit\": \"x\"}", 400, "limit"),
            ("POST", "/d", json, "{\"limt\": 3}", 400, "limt"),
            ("POST", "/d", json, "{} {}", 400, "body"),
            ("POST", "/d", json, "", 400, "body"),
            ("POST", "/d", "text/plain", "{}", 415, ""),
            ("POST", "/e", "text/plain", "", 200, ""),
            ("POST", "/e", "text/plain", "{}", 415, ""),
            ("POST", "/f", "text/plain", "", 200, ""),
            ("POST", "/f", json, "{}", 200, ""),
            ("POST", "/f", json, "null", 200, ""),
            ("POST", "/f", json, "{", 400, "body"),
            ("POST", "/f", json, "{\"minutes\": 5}", 400, "minutes"),
            ("POST", "/f", "text/plain", "now", 400, "body"),
            ("POST", "/g", json, "{\"a\": 1, \"b\": 1}", 200, ""),
            ("POST", "/g", json, "{\"a\": 1, \"a\": 1}", 400, "body"),
            ("POST", "/g", json, "{\"a\": {\"b\": 1, \"b\": 2}}", 400, "a"),
        ] {
            let (found, told) = ask(method, uri, kind, body.as_bytes()).await;
            assert_eq!(
                (found, told.as_str().unwrap_or_default()),
                (status, path),
                "{uri} {body}"
            );
        }
        let deep = "[".repeat(100_000);
        assert_eq!(ask("POST", "/e", json, deep.as_bytes()).await.0, 400);
        assert_eq!(ask("POST", "/d", json, b"{\"\xff\": 1}").await.0, 400);
    }
}
