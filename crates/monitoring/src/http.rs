//! Metrics and health of a role over HTTP.
//!
//! In: a registry, health sources. Out: routes. Requests by other hosts' names are refused where only this machine is
//! meant to ask.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};

use crate::{
    Health, HealthSource, collect::HealthGauge, descriptors, headers, panics::answer_panics, problem, site,
};

/// The media type of the metrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `router` for a listener at `listen`, without the requests of other sites. A request that panics gets an answer.
pub(crate) fn guarded(router: Router, listen: SocketAddr) -> Router {
    router
        .layer(axum::middleware::from_fn(answer_panics))
        .layer(axum::middleware::from_fn_with_state(listen, site::refuse_others))
        .layer(axum::middleware::from_fn(problem::tell))
        .layer(axum::middleware::from_fn(headers::add))
}

/// The metrics and the health of one role. Cheap to clone.
#[derive(Clone)]
pub struct Monitor {
    registry: Arc<Registry>,
    sources: Arc<[HealthSource]>,
}

impl Monitor {
    /// The metrics in `registry`, and the health that `sources` give together.
    pub fn new(mut registry: Registry, sources: Vec<HealthSource>) -> Self {
        let sources: Arc<[HealthSource]> = sources.into();
        registry.register_collector(Box::new(HealthGauge(Arc::clone(&sources))));
        Self {
            registry: Arc::new(registry),
            sources,
        }
    }

    /// The health of all parts now.
    pub fn health(&self) -> Health {
        let parts = self.sources.iter().flat_map(|source| source());
        Health::of(parts.chain(descriptors::part()).collect())
    }

    /// All metrics as `OpenMetrics` text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }

    /// `/metrics`, `/health`, `/healthz`, `/ready` and `/readyz`.
    pub fn routes(&self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/health", get(alive))
            .route("/healthz", get(alive))
            .route("/ready", get(ready))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }

    /// [`Monitor::routes`] for a service at `listen` that does not use [`crate::HttpListener`].
    pub fn guarded_routes(&self, listen: SocketAddr) -> Router {
        guarded(self.routes(), listen)
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}

/// The process answers: nothing more is said.
async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(State(monitor): State<Monitor>) -> (StatusCode, Json<Health>) {
    let health = monitor.health();
    let status = if health.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}

async fn metrics(State(monitor): State<Monitor>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPENMETRICS)], monitor.text())
}
