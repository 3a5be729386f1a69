//! The history of a device: any quantity, its sound, its window, at a chart's resolution.
//!
//! In: a series, a period, a number of points. Out: at most so many points, each with mean, least and most, from the coarsest
//! rows that fill them. ClickHouse does the sums; nothing is kept here.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use domain::{DeviceId, Timestamp};
use monitoring::{
    Problem,
    extract::{Path, Query, invalid},
};
use serde::{Deserialize, Serialize};
use store::{HistoryPoint, Series};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Fineness, Intervals, expect_known, intervals, unanswered},
};

const FINENESS: Fineness = Fineness {
    usual: 1_000,
    most: 10_000,
    shortest_s: 1,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// A quantity of `GET /api/v1/quantities`; of the clips `sound_level`, `rms`, `spectral_centroid`, `spectral_rolloff`,
    /// `spectral_bandwidth`, `spectral_flatness`, `zero_crossing_rate` or a coefficient `mfcc_0`, `mfcc_1`, …; of the window
    /// `position` (as it reports), `commanded` or `confidence` (of the model's commands).
    #[param(example = "temperature")]
    quantity: String,
    /// Its beginning: RFC 3339, or as far back as `-90s`, `-15m`, `-24h`, `-7d`, `-4w`. Left out: a day before its end.
    #[param(example = "-24h")]
    from: Option<String>,
    /// Its end, likewise; left out: now.
    to: Option<String>,
    /// At most so many points, and one. Left out: 1,000.
    #[param(minimum = 1, maximum = 10_000, example = 300)]
    points: Option<u32>,
    /// `json` or `csv`. Left out: what `Accept` prefers.
    #[param(inline)]
    format: Option<HistoryFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HistoryFormat {
    Json,
    Csv,
}

impl HistoryFormat {
    /// What the other side accepts.
    fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        match accepted {
            Some(accepted) if accepted.trim_start().starts_with("text/csv") => Self::Csv,
            _ => Self::Json,
        }
    }
}

/// The history of one series.
#[derive(Debug, Serialize, ToSchema)]
struct History {
    /// The device.
    device_id: DeviceId,
    /// What was asked for.
    #[schema(examples("temperature"))]
    quantity: String,
    /// The unit of its values; empty where they have none.
    #[schema(examples("°C"))]
    unit: &'static str,
    /// Its beginning.
    from: Timestamp,
    /// Its end.
    to: Timestamp,
    /// The length of an interval, in seconds.
    #[schema(examples(300))]
    interval_s: u64,
    /// The intervals with readings, in the order of time. Those without any are left out.
    points: Vec<Point>,
}

/// What was measured in an interval.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPoint)]
struct Point {
    /// The beginning of the interval. The first one may begin before `from`: it is whole.
    time: Timestamp,
    /// The mean; of positions the last one, of a sound level that of the energy. Null: there is no such number.
    mean: Option<f64>,
    /// The least. Of features over more than four minutes, that of the means of minutes or hours.
    min: Option<f64>,
    /// The most, likewise; of a sound level, that of the loudest eighth of a second.
    max: Option<f64>,
    /// How many readings, clips, reports or commands there were.
    readings: u64,
}

impl From<HistoryPoint> for Point {
    fn from(point: HistoryPoint) -> Self {
        let number = |value: f64| value.is_finite().then_some(value);
        Self {
            time: Timestamp::from_millis(point.time),
            mean: number(point.mean),
            min: number(point.lowest),
            max: number(point.highest),
            readings: point.readings,
        }
    }
}

impl History {
    fn csv(&self) -> String {
        let mut text = String::from("time,mean,min,max,readings\r\n");
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for point in &self.points {
            let (mean, min, max) = (number(point.mean), number(point.min), number(point.max));
            writeln!(text, "{},{mean},{min},{max},{}\r", point.time, point.readings)
                .expect("writing to a String cannot fail");
        }
        text
    }
}

/// The history of a device.
///
/// A quantity over time, in at most as many points as a chart has pixels: each has the mean, the least and the most of its
/// interval. A year is answered as fast as an hour, from rows that were summed up before.
#[utoipa::path(get, path = "/devices/{device_id}/history", operation_id = "get_history", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Asked),
    responses(
        (status = 200, description = "The history. Without readings, `points` is empty.", content(
            (History = "application/json"),
            (String = "text/csv", example = "time,mean,min,max,readings\r\n2026-05-01T12:00:00Z,21.4,21.3,21.6,300\r\n")
        )),
        (status = 404, description = "No such device was heard of."),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let series = series("quantity", &asked.quantity)?;
    let Intervals {
        asked: span,
        length_s: interval_s,
        period,
    } = intervals(asked.from.as_deref(), asked.to.as_deref(), asked.points, FINENESS)?;
    let found = parts.store.series(&device_id, series, period, interval_s).await;
    let found = found.map_err(unanswered(&parts))?;
    if found.is_empty() {
        expect_known(&parts, &device_id).await?;
    }
    let history = History {
        device_id,
        quantity: series.to_string(),
        unit: series.unit(),
        from: span.from(),
        to: span.to(),
        interval_s,
        points: found.into_iter().map(Point::from).collect(),
    };
    let format = asked.format.unwrap_or_else(|| HistoryFormat::accepted(&headers));
    let varies = [(header::VARY, "Accept")];
    Ok(match format {
        HistoryFormat::Json => (varies, axum::Json(history)).into_response(),
        HistoryFormat::Csv => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            (varies, kind, history.csv()).into_response()
        }
    })
}

/// Reads the word of a series, which stands in the field `name`.
pub(super) fn series(name: &str, word: &str) -> Result<Series, Problem> {
    Series::from_word(word).ok_or_else(|| {
        let words: Vec<String> = Series::words().collect();
        invalid(
            name,
            format!("is none of {}, mfcc_0, mfcc_1, …", words.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_point_and_nothing_where_nothing_is_known() {
        let point = |mean| {
            Point::from(HistoryPoint {
                time: 1_761_307_200_000,
                readings: 2,
                mean,
                lowest: -1.5,
                highest: 1e21,
            })
        };
        let history = History {
            device_id: DeviceId::parse("a").unwrap(),
            quantity: "co2".into(),
            unit: "ppm",
            from: Timestamp::from_millis(0),
            to: Timestamp::from_millis(1),
            interval_s: 1,
            points: vec![point(f64::NAN), point(0.25)],
        };
        assert_eq!(
            history.csv(),
            "time,mean,min,max,readings\r\n2025-10-24T12:00:00Z,,-1.5,1000000000000000000000,2\r\n\
             2025-10-24T12:00:00Z,0.25,-1.5,1000000000000000000000,2\r\n"
        );
    }

    #[test]
    fn what_is_accepted_first_is_sent() {
        let accepted = |value: &str| {
            HistoryFormat::accepted(&HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]))
        };
        assert_eq!(accepted("text/csv"), HistoryFormat::Csv);
        assert_eq!(accepted("text/csv;q=1, */*"), HistoryFormat::Csv);
        assert_eq!(accepted("*/*"), HistoryFormat::Json);
        assert_eq!(accepted("application/json, text/csv"), HistoryFormat::Json);
        assert_eq!(HistoryFormat::accepted(&HeaderMap::new()), HistoryFormat::Json);
    }
}
