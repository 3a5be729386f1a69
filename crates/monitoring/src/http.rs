//! The HTTP listener of a role: metrics and health, and whatever else the role serves.
//!
//! In: an address, a registry, health sources, routes of the role's own. Out: answers until shutdown. Requests by other
//! hosts' names are refused where only this machine is meant to ask.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
    serve::ListenerExt as _,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Health, HealthSource, collect::HealthGauge, descriptors, panics::answer_panics, site};

/// The media type of the metrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that is taken before anything else is started: a port in use then costs nothing.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    addr: SocketAddr,
}

/// HTTP cannot be served there.
#[derive(Debug, thiserror::Error)]
#[error("HTTP cannot listen on {addr}: {}, with --http ADDR or {key}", remedy(source))]
pub struct HttpError {
    addr: SocketAddr,
    key: &'static str,
    source: io::Error,
}

/// What prevents listening and what to do, for an error of `bind`.
pub fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another address".into()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one of its own".into(),
        io::ErrorKind::PermissionDenied => {
            "this user may not take that port; choose one from 1024 upwards".into()
        }
        _ => format!("{error}; choose another address"),
    }
}

impl HttpListener {
    /// Takes `addr`; port 0 is a free one. Requests wait until [`HttpListener::spawn`]. `key` is the configuration's key
    /// for the address, for the error.
    pub async fn bind(addr: SocketAddr, key: &'static str) -> Result<Self, HttpError> {
        let failed = |source| HttpError { addr, key, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, addr })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves `router` until `shutdown`, in a task of its own that ends when the last answer has left.
    pub fn spawn(self, router: Router, shutdown: CancellationToken) -> JoinHandle<()> {
        let addr = self.addr;
        tokio::spawn(async move {
            if let Err(error) = self.serve(router, shutdown).await {
                tracing::error!(%addr, %error, "HTTP ended");
            }
        })
    }

    async fn serve(self, router: Router, shutdown: CancellationToken) -> io::Result<()> {
        let router = guarded(router, self.addr);
        // An answer's last piece must not wait for the acknowledgement of the one before.
        let listener = self
            .listener
            .tap_io(|connection| drop(connection.set_nodelay(true)));
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    }
}

/// `router` for a listener at `listen`, without the requests of other sites. A request that panics gets an answer.
fn guarded(router: Router, listen: SocketAddr) -> Router {
    router
        .layer(axum::middleware::from_fn(answer_panics))
        .layer(axum::middleware::from_fn_with_state(listen, site::refuse_others))
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

    /// [`Monitor::routes`] for a service at `listen` that does not use [`HttpListener`].
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
