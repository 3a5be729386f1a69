//! What the clips of a device sounded like over time: a heat map of mel bands, at a chart's resolution.
//!
//! In: a period, a number of points. Out: at most so many rows of bands, averaged by ClickHouse.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{DeviceId, Timestamp};
use monitoring::{
    Problem,
    extract::{Path, Query},
};
use serde::{Deserialize, Serialize};
use store::SpectrumRow;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Fineness, Intervals, expect_known, intervals, unanswered},
};

const FINENESS: Fineness = Fineness {
    usual: 160,
    most: 1_000,
    shortest_s: 1,
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
    /// At most so many rows, and one. Left out: 160.
    #[param(minimum = 1, maximum = 1_000, example = 160)]
    points: Option<u32>,
}

/// The spectrum of a device's clips over time.
#[derive(Debug, Serialize, ToSchema)]
struct SpectrumHistory {
    /// The device.
    device_id: DeviceId,
    /// Its beginning.
    from: Timestamp,
    /// Its end.
    to: Timestamp,
    /// The length of an interval, in seconds.
    interval_s: u64,
    /// The middle of each band, the lowest first, in Hz, at the configured sample rate (`audio.sample_rate`).
    bands_hertz: Vec<f64>,
    /// The intervals with clips, in the order of time.
    rows: Vec<Spectrum>,
}

/// The clips of an interval.
#[derive(Debug, Serialize, ToSchema)]
struct Spectrum {
    /// The beginning of the interval. The first one may begin before `from`: it is whole.
    time: Timestamp,
    /// How many clips there were.
    clips: u64,
    /// Mean level of each band, in dB re librosa's power of 1, rounded to 0.1; −100 is the least.
    mel_db: Vec<f64>,
}

impl From<SpectrumRow> for Spectrum {
    fn from(row: SpectrumRow) -> Self {
        Self {
            time: Timestamp::from_millis(row.time),
            clips: row.clips,
            mel_db: row
                .mel_db
                .into_iter()
                .map(|level| (level * 10.0).round() / 10.0)
                .collect(),
        }
    }
}

/// The spectrum of a device's clips.
///
/// Thirty-two mel bands over time, in at most as many rows as a heat map has columns. Clips are there for any range; over more
/// than a minute a row they come from rows that were summed up before.
#[utoipa::path(get, path = "/devices/{device_id}/spectrum", operation_id = "get_spectrum", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Asked),
    responses(
        (status = 200, description = "The spectrum. Without clips, `rows` is empty.", body = SpectrumHistory),
        (status = 404, description = "No such device was heard of."),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    Query(asked): Query<Asked>,
) -> Result<Json<SpectrumHistory>, Problem> {
    let Intervals {
        asked: span,
        length_s: interval_s,
        period,
    } = intervals(asked.from.as_deref(), asked.to.as_deref(), asked.points, FINENESS)?;
    let found = parts.store.spectra(&device_id, period, interval_s).await;
    let found = found.map_err(unanswered(&parts))?;
    if found.is_empty() {
        expect_known(&parts, &device_id).await?;
    }
    Ok(Json(SpectrumHistory {
        device_id,
        from: span.from(),
        to: span.to(),
        interval_s,
        bands_hertz: parts.mel_bands_hertz.clone(),
        rows: found.into_iter().map(Spectrum::from).collect(),
    }))
}
