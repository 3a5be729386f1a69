//! How the service itself did over time: throughput, latencies, journal, ClickHouse, disk.
//!
//! In: a period, a number of points. Out: at most so many points. The backend writes a row every ten seconds, which are kept
//! for a month (`retention.system_metrics_days`).

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::Timestamp;
use monitoring::{Problem, extract::Query};
use serde::{Deserialize, Serialize};
use store::SystemPoint;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Fineness, Intervals, intervals, unanswered},
};

const FINENESS: Fineness = Fineness {
    usual: 300,
    most: 2_000,
    // The backend writes a row so often.
    shortest_s: 10,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Its beginning: RFC 3339, or as far back as `-24h` or `-7d`. Left out: a day before its end.
    #[param(example = "-24h")]
    from: Option<String>,
    /// Its end, likewise; left out: now.
    to: Option<String>,
    /// At most so many points, and one. Left out: 300.
    #[param(minimum = 1, maximum = 2_000, example = 300)]
    points: Option<u32>,
}

/// How the service did over time.
#[derive(Debug, Serialize, ToSchema)]
struct SystemMetrics {
    /// Its beginning.
    from: Timestamp,
    /// Its end.
    to: Timestamp,
    /// The length of an interval, in seconds.
    interval_s: u64,
    /// The intervals in which the service ran, in the order of time.
    points: Vec<SystemMetricsPoint>,
}

/// How the service did in an interval. Null: nothing is known of it, or nothing happened.
#[derive(Debug, Serialize, ToSchema)]
struct SystemMetricsPoint {
    /// The beginning of the interval.
    time: Timestamp,
    /// Messages accepted a second.
    messages_per_s: Option<f64>,
    /// Messages refused a second.
    refused_per_s: Option<f64>,
    /// Rows stored a second.
    rows_per_s: Option<f64>,
    /// From a reading's own time to its row in ClickHouse, in milliseconds, mean.
    reading_to_row_ms: Option<f64>,
    /// From receipt to the row, in milliseconds, the longest.
    row_delay_ms: Option<f64>,
    /// From an inference request to its command, in milliseconds, mean.
    decision_ms: Option<f64>,
    /// Inference, as the model's service states it, in milliseconds, mean.
    inference_ms: Option<f64>,
    /// Records that waited in the journal, at most.
    journal_records: u64,
    /// Their size in bytes, at most.
    journal_bytes: u64,
    /// Inserts that failed and were tried again.
    store_failures: u64,
    /// Connections to the broker that were made anew.
    reconnects: u64,
    /// Memory of ClickHouse in bytes, at most.
    database_memory_bytes: Option<u64>,
    /// The database on disk, in bytes, at most.
    database_disk_bytes: Option<u64>,
    /// Free bytes on the disk of the database, at least.
    disk_free_bytes: Option<u64>,
}

impl From<SystemPoint> for SystemMetricsPoint {
    fn from(point: SystemPoint) -> Self {
        let number = |value: f64| value.is_finite().then_some(value);
        let size = |value: u64| (value > 0).then_some(value);
        Self {
            time: Timestamp::from_millis(point.time),
            messages_per_s: number(point.messages_per_s),
            refused_per_s: number(point.refused_per_s),
            rows_per_s: number(point.rows_per_s),
            reading_to_row_ms: number(point.reading_to_row_ms),
            row_delay_ms: number(point.row_delay_ms),
            decision_ms: number(point.decision_ms),
            inference_ms: number(point.inference_ms),
            journal_records: point.journal_records,
            journal_bytes: point.journal_bytes,
            store_failures: point.store_failures,
            reconnects: point.reconnects,
            database_memory_bytes: size(point.database_memory_bytes),
            database_disk_bytes: size(point.database_disk_bytes),
            disk_free_bytes: size(point.disk_free_bytes),
        }
    }
}

/// The service over time.
///
/// Throughput, latencies, journal, ClickHouse and disk, in at most as many points as a chart has pixels.
#[utoipa::path(get, path = "/system-metrics", operation_id = "get_system_metrics", tag = "service", params(Asked),
    responses(
        (status = 200, description = "How it did.", body = SystemMetrics),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    Query(asked): Query<Asked>,
) -> Result<Json<SystemMetrics>, Problem> {
    let Intervals {
        asked: span,
        length_s: interval_s,
        period,
    } = intervals(asked.from.as_deref(), asked.to.as_deref(), asked.points, FINENESS)?;
    let found = parts.store.system_metrics(period, interval_s).await;
    Ok(Json(SystemMetrics {
        from: span.from(),
        to: span.to(),
        interval_s,
        points: found
            .map_err(unanswered(&parts))?
            .into_iter()
            .map(SystemMetricsPoint::from)
            .collect(),
    }))
}
