//! The page, the API and the metrics over HTTP. Read-only.
//!
//! In: requests. Out: the latest state of the devices, the counters, and whether the service is ready. It never asks
//! ClickHouse anything: it answers while the database is away.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse},
    routing::get,
    serve::ListenerExt as _,
};
use domain::DeviceId;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Metrics,
    devices::{DeviceView, Devices},
    metrics::Summary,
};

/// What a small message takes in the journal.
const ROOM: u64 = 4 << 10;

/// The address of page, API and metrics, taken before anything else is started: a port in use then costs nothing.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    addr: SocketAddr,
}

/// The page cannot be served there.
#[derive(Debug, thiserror::Error)]
#[error("HTTP cannot listen on {addr}; stop what uses it, or choose another with --http ADDR or http.addr")]
pub struct HttpError {
    addr: SocketAddr,
    source: std::io::Error,
}

impl HttpListener {
    /// Takes `addr`; port 0 is a free one. Requests wait until the backend serves them.
    pub async fn bind(addr: SocketAddr) -> Result<Self, HttpError> {
        let failed = |source| HttpError { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, addr })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Text that another service adds to the metrics.
pub type MetricsSource = Arc<dyn Fn() -> String + Send + Sync>;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Views {
    pub(crate) devices: Arc<Devices>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) journal: journal::Journal,
    pub(crate) more_metrics: Vec<MetricsSource>,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    devices: usize,
    devices_active: usize,
    journal_records: u64,
    journal_bytes: u64,
    journal_max_bytes: u64,
    /// Whether there is room in the journal: without, nothing is acknowledged.
    accepting: bool,
    #[serde(flatten)]
    counters: Summary,
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    listener: HttpListener,
    views: Views,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/status", get(status))
        .route("/api/devices", get(devices))
        .route("/api/devices/{device_id}", get(device))
        .with_state(views)
        .layer(axum::middleware::from_fn_with_state(
            listener.listener.local_addr()?,
            crate::site::refuse_others,
        ));
    // An answer's last piece must not wait for the acknowledgement of the one before.
    let listener = listener
        .listener
        .tap_io(|connection| drop(connection.set_nodelay(true)));
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

async fn ready(State(views): State<Views>) -> (StatusCode, Json<Status>) {
    let status = views.status();
    let ready = status.counters.broker_up && status.counters.store_up && status.accepting;
    (
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        Json(status),
    )
}

async fn status(State(views): State<Views>) -> Json<Status> {
    Json(views.status())
}

async fn devices(State(views): State<Views>) -> Json<Vec<DeviceView>> {
    Json(views.devices.snapshot().into_values().collect())
}

async fn device(State(views): State<Views>, Path(device_id): Path<DeviceId>) -> impl IntoResponse {
    views
        .devices
        .snapshot()
        .remove(&device_id)
        .map(Json)
        .ok_or((StatusCode::NOT_FOUND, "no device of this id was heard of\n"))
}

async fn metrics(State(views): State<Views>) -> impl IntoResponse {
    let stats = views.journal.stats();
    views.metrics.journal(stats.records, stats.bytes);
    // Each source ends with the `# EOF` of its own text; only the last one may stay.
    let mut text = String::new();
    for part in std::iter::once(views.metrics.text()).chain(views.more_metrics.iter().map(|source| source()))
    {
        text.push_str(part.trim_end().trim_end_matches("# EOF"));
    }
    text.push_str("# EOF\n");
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
}

impl Views {
    fn status(&self) -> Status {
        let stats = self.journal.stats();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            devices: self.devices.snapshot().len(),
            devices_active: self.devices.active(),
            journal_records: stats.records,
            journal_bytes: stats.bytes,
            journal_max_bytes: stats.max_bytes,
            accepting: stats.bytes + ROOM <= stats.max_bytes,
            counters: self.metrics.summary(),
        }
    }
}
