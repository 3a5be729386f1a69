//! The description of the API: collected from the handlers, completed, served, and checked in as `docs/openapi.json`.
//!
//! Handlers describe what is their own. What every operation has in common is added here: the errors of the layers before the
//! handlers, and a command line to copy.

mod answers;
mod samples;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse as _,
    routing::get,
};
use monitoring::ProblemBody;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Parts, routes as resources};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Casement",
        description = "Devices, their history, their settings, and what happens to them.\n\nReading needs no account on the \
            machine that runs Casement, unless `http.anonymous` is `never`; everything else needs a token, a name and a password, \
            or the cookie of the sign-in page. A `reader` reads, an `operator` changes devices and windows, an `admin` does \
            everything. Errors are problems (RFC 9457) whose `type` is a page of this service. Times are UTC. `docs/api.md` says more.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers(
        (url = "/", description = "This service"),
        (url = "http://127.0.0.1:8080", description = "The machine that runs Casement, with its default configuration")
    ),
    tags(
        (name = "devices", description = "Devices, and their latest state."),
        (name = "settings", description = "What people set up: for a device, for the devices of a location, for all."),
        (name = "history", description = "What was stored."),
        (name = "events", description = "What happens, live."),
        (name = "messages", description = "What devices and services say to each other, and what becomes of a message."),
        (name = "models", description = "Versions of the model that decides."),
        (name = "service", description = "How the service does, and how it is set up."),
        (name = "people", description = "Who asks, and links that only read."),
        (name = "accounts", description = "Accounts, tokens, and devices that introduce themselves. For admins."),
    ),
    security((), ("token" = []), ("password" = []), ("session" = [])),
    components(schemas(ProblemBody, backend::Happening)),
    modifiers(&Schemes)
)]
struct Head;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.description = Some("A token of an account: `casement accounts token NAME`.".into());
        let mut password = Http::new(HttpAuthScheme::Basic);
        password.description = Some("Name and password of an account, or any name and a token.".into());
        let session = ApiKeyValue::with_description(
            "casement_8080",
            "The cookie of the sign-in page; its name has the port, and begins with `__Host-` in TLS.",
        );
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("password", SecurityScheme::Http(password));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// The routes and their description.
pub(crate) fn split() -> (Router<Arc<Parts>>, Value) {
    let (router, mut openapi) = OpenApiRouter::with_openapi(Head::openapi())
        .nest("/api/v1", resources::all())
        .split_for_parts();
    openapi.merge(people::document());
    let mut document = serde_json::to_value(openapi).expect("a description is plain data");
    answers::complete(&mut document);
    samples::add(&mut document);
    (router, document)
}

/// The description of the API, as OpenAPI 3.1.
pub fn document() -> Value {
    split().1
}

/// Every operation with its path and its method.
fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        operations.map(|(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// The description itself.
pub(crate) fn routes(document: &Value) -> Router {
    let text: Arc<str> = serde_json::to_string_pretty(document)
        .expect("a description is plain data")
        .into();
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [start, ..] = *digest.as_chunks::<8>().0 else {
        unreachable!("a digest has 32 bytes")
    };
    let tag = format!("\"{:016x}\"", u64::from_be_bytes(start));
    let answer = async move |headers: HeaderMap| {
        let head = [
            (header::ETAG, tag.clone()),
            (header::CACHE_CONTROL, "no-cache".to_owned()),
            (header::CONTENT_TYPE, "application/json".to_owned()),
        ];
        let known = headers.get(header::IF_NONE_MATCH);
        if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        (head, text.to_string()).into_response()
    };
    Router::new().route("/api/v1/openapi.json", get(answer))
}
