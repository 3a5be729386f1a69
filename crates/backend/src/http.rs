//! The page and the API over HTTP. Read-only.
//!
//! In: requests. Out: the latest state of the devices, and the counters. It never asks ClickHouse anything: it answers
//! while the database is away.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse},
    routing::get,
};
use domain::{DeviceId, Quantity};
use serde::Serialize;

use crate::{Devices, Metrics, devices::DeviceView, log::Repeats, metrics::Summary, vitals::Vitals};

/// What the pages show.
#[derive(Debug, Clone)]
pub(crate) struct Views {
    pub(crate) devices: Arc<Devices>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) log: Arc<dyn Repeats>,
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
    store_up: bool,
    broker_up: bool,
    #[serde(flatten)]
    counters: Summary,
}

/// A quantity as the page shows it.
#[derive(Serialize)]
struct QuantityView {
    quantity: Quantity,
    name: &'static str,
    unit: &'static str,
    decimals: u8,
    /// Whether every device is expected to have it.
    climate: bool,
}

/// The routes of the page and the API.
pub(crate) fn routes(views: Views) -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route(
            "/assets/page.css",
            get(async || asset("text/css", include_str!("page.css"))),
        )
        .route(
            "/assets/page.js",
            get(async || asset("text/javascript", include_str!("page.js"))),
        )
        .route("/api/status", get(status))
        .route("/api/quantities", get(quantities))
        .route("/api/devices", get(devices))
        .route("/api/devices/{device_id}", get(device))
        .with_state(views)
}

/// A file of the page. A browser asks for it again, since it is as new as the program.
fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    (headers, text)
}

async fn status(State(views): State<Views>) -> Json<Status> {
    let backlog = views.log.backlog();
    let (devices, devices_active) = views.devices.count();
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        devices,
        devices_active,
        journal_records: backlog.records,
        journal_bytes: backlog.bytes,
        journal_max_bytes: backlog.max_bytes,
        accepting: views.vitals.is_accepting(),
        store_up: views.vitals.store_is_up(),
        broker_up: views.vitals.broker.is_up(),
        counters: views.metrics.summary(),
    })
}

async fn quantities() -> Json<[QuantityView; Quantity::COUNT]> {
    Json(Quantity::ALL.map(|quantity| QuantityView {
        quantity,
        name: quantity.name(),
        unit: quantity.unit(),
        decimals: quantity.decimals(),
        climate: Quantity::CLIMATE.contains(&quantity),
    }))
}

async fn devices(State(views): State<Views>) -> Json<Vec<DeviceView>> {
    Json(views.devices.snapshot().into_values().collect())
}

async fn device(State(views): State<Views>, Path(device_id): Path<DeviceId>) -> impl IntoResponse {
    let device = views.devices.get(&device_id).map(Json);
    device.ok_or((StatusCode::NOT_FOUND, "no device of this id was heard of\n"))
}
