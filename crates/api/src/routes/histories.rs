//! Several series of a device at once: what a page of charts asks for.
//!
//! In: series, a period, a number of points. Out: columns, which take a third of the bytes of points with names, and are what
//! charts draw. Numbers have single precision: more than pixels show.

use std::sync::Arc;

use axum::{Json, extract::State};
use domain::{DeviceId, Quantity, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use monitoring::{
    Problem,
    extract::{Path, Query, invalid},
};
use serde::{Deserialize, Serialize};
use store::{HistoryPoint, Series, Track};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::history::series;
use crate::{
    Parts,
    past::{Fineness, Intervals, expect_known, intervals, unanswered},
};

const FINENESS: Fineness = Fineness {
    usual: 500,
    most: 2_000,
    shortest_s: 1,
};
/// Series at most.
const MOST_SERIES: usize = 16;
/// So many tracks are one question.
const TOGETHER: usize = 4;
/// So many of these questions are asked side by side: a page leaves turns at ClickHouse to others.
const SIDE_BY_SIDE: usize = 2;

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(show))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// 1 to 16 words of `GET /devices/{device_id}/history`, with commas between them.
    #[param(example = "temperature,humidity,position")]
    quantities: String,
    /// Their beginning: RFC 3339, or as far back as `-90s`, `-15m`, `-24h`, `-7d`, `-4w`. Left out: a day before their end.
    #[param(example = "-24h")]
    from: Option<String>,
    /// Their end, likewise; left out: now.
    to: Option<String>,
    /// At most so many points of each, and one. Left out: 500.
    #[param(minimum = 1, maximum = 2_000, example = 300)]
    points: Option<u32>,
}

/// The histories of several series.
#[derive(Debug, Serialize, ToSchema)]
struct Histories {
    /// The device.
    device_id: DeviceId,
    /// Their beginning.
    from: Timestamp,
    /// Their end.
    to: Timestamp,
    /// The length of an interval, in seconds.
    #[schema(examples(300))]
    interval_s: u64,
    /// The series, in the order in which they were asked for.
    series: Vec<Columns>,
}

/// A history as columns: the first entry of each belongs to the first interval that has readings, and so on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryColumns)]
struct Columns {
    /// What was asked for.
    #[schema(examples("temperature"))]
    quantity: String,
    /// The unit of its values; empty where they have none.
    #[schema(examples("°C"))]
    unit: &'static str,
    /// Of `position` and `commanded`, the last one before the first interval, which stands until then; `null` where there is
    /// none, and of everything else.
    before: Option<f32>,
    /// The beginnings of the intervals, in milliseconds since 1970. The first one may begin before `from`: it is whole.
    time_ms: Vec<i64>,
    /// The means, as in a history; `null` where there is no such number.
    mean: Vec<Option<f32>>,
    /// The least.
    min: Vec<Option<f32>>,
    /// The most.
    max: Vec<Option<f32>>,
}

impl Columns {
    fn of(series: Series, points: &[HistoryPoint], before: Option<f64>) -> Self {
        let number = |value: f64| value.is_finite().then_some(value as f32);
        Self {
            quantity: series.to_string(),
            unit: series.unit(),
            before: before.and_then(number),
            time_ms: points.iter().map(|point| point.time).collect(),
            mean: points.iter().map(|point| number(point.mean)).collect(),
            min: points.iter().map(|point| number(point.lowest)).collect(),
            max: points.iter().map(|point| number(point.highest)).collect(),
        }
    }
}

/// Several histories of a device.
///
/// The series of a page of charts in one answer, as columns: each has the mean, the least and the most of its intervals. A year is
/// answered as fast as an hour.
#[utoipa::path(get, path = "/devices/{device_id}/histories", operation_id = "get_histories", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Asked),
    responses(
        (status = 200, description = "The histories. Without readings, the columns are empty.", body = Histories),
        (status = 404, description = "No such device was heard of."),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
async fn show(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    Query(asked): Query<Asked>,
) -> Result<Json<Histories>, Problem> {
    let all = every(&asked.quantities)?;
    let Intervals {
        asked: span,
        length_s: interval_s,
        period,
    } = intervals(asked.from.as_deref(), asked.to.as_deref(), asked.points, FINENESS)?;

    let store = &parts.store;
    let quantities: Vec<Quantity> = all.iter().filter_map(|one| quantity(*one)).collect();
    let tracks: Vec<Track> = all.iter().filter_map(|one| track(*one)).collect();
    let tracks: Vec<_> = tracks
        .chunks(TOGETHER)
        .map(|some| store.tracks(&device_id, some, period, interval_s))
        .collect();
    let tracks = stream::iter(tracks).buffered(SIDE_BY_SIDE);
    let is_window = all.iter().any(|one| place(*one).is_some());
    let stood = async {
        if is_window {
            store.positions_before(&device_id, period.since).await
        } else {
            Ok([None, None])
        }
    };
    let of_quantities = store.histories(&device_id, &quantities, period, interval_s);
    let found = tokio::try_join!(of_quantities, tracks.try_collect::<Vec<_>>(), stood);
    let (of_quantities, of_tracks, stood) = found.map_err(unanswered(&parts))?;
    let (mut of_quantities, mut of_tracks) = (of_quantities.into_iter(), of_tracks.into_iter().flatten());
    let columns = all.into_iter().map(|one| {
        let found = match quantity(one) {
            Some(_) => of_quantities.next(),
            None => of_tracks.next(),
        };
        Columns::of(
            one,
            &found.unwrap_or_default(),
            place(one).and_then(|place| stood[place]),
        )
    });
    let series: Vec<Columns> = columns.collect();
    if series
        .iter()
        .all(|one| one.time_ms.is_empty() && one.before.is_none())
    {
        expect_known(&parts, &device_id).await?;
    }
    Ok(Json(Histories {
        device_id,
        from: span.from(),
        to: span.to(),
        interval_s,
        series,
    }))
}

const fn quantity(series: Series) -> Option<Quantity> {
    match series {
        Series::Quantity(quantity) => Some(quantity),
        Series::Track(_) => None,
    }
}

const fn track(series: Series) -> Option<Track> {
    match series {
        Series::Quantity(_) => None,
        Series::Track(track) => Some(track),
    }
}

/// Where a series stands among the positions before a period.
const fn place(series: Series) -> Option<usize> {
    match series {
        Series::Track(Track::Reported) => Some(0),
        Series::Track(Track::Told) => Some(1),
        _ => None,
    }
}

/// Reads words with commas between them.
fn every(words: &str) -> Result<Vec<Series>, Problem> {
    let mut all = Vec::new();
    for word in words.split(',') {
        if all.len() == MOST_SERIES {
            return Err(invalid("quantities", format!("are more than {MOST_SERIES}")));
        }
        let series = series("quantities", word)?;
        if all.contains(&series) {
            return Err(invalid("quantities", format!("has {series} twice")));
        }
        all.push(series);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_their_order_and_each_once() {
        let all = every("position,temperature,mfcc_3").unwrap();
        let words: Vec<String> = all.iter().map(Series::to_string).collect();
        assert_eq!(words, ["position", "temperature", "mfcc_3"]);
        for wrong in [
            "",
            ",",
            "temperature,",
            "temperature,smell",
            "wind,wind",
            "wind, rain",
        ] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
        let most: Vec<String> = (0..MOST_SERIES).map(|number| format!("mfcc_{number}")).collect();
        assert_eq!(every(&most.join(",")).unwrap().len(), MOST_SERIES);
        assert!(every(&format!("{},wind", most.join(","))).is_err());
    }

    #[test]
    fn columns_have_null_where_there_is_no_number() {
        let point = |time, mean| HistoryPoint {
            time,
            readings: 1,
            mean,
            lowest: 0.1,
            highest: f64::INFINITY,
        };
        let series = Series::from_word("wind").unwrap();
        let columns = Columns::of(series, &[point(1_000, 0.25), point(2_000, f64::NAN)], None);
        assert_eq!(
            serde_json::to_string(&columns).unwrap(),
            r#"{"quantity":"wind","unit":"m/s","before":null,"time_ms":[1000,2000],"mean":[0.25,null],"min":[0.1,0.1],"max":[null,null]}"#
        );
    }
}
