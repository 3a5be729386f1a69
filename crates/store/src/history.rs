//! A device's history at a chart's resolution.
//!
//! In: a quantity, a span of time, a number of points. Out: at most so many points, from the coarsest rollup that is fine
//! enough. The page, the API and `casement plot` ask here; `readings_over` is the same for SQL.

use std::num::NonZeroU32;

use clickhouse::Row;
use domain::{DeviceId, Quantity};
use serde::{Deserialize, Serialize};

use crate::{Period, Store, StoreError};

/// The readings of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Row)]
pub struct HistoryPoint {
    /// Begin of the interval, ms.
    pub time: i64,
    /// Number of readings.
    pub readings: u64,
    /// Their mean.
    pub mean: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

/// Intervals that people read easily, s.
const INTERVALS_S: [u64; 18] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800,
];

/// Returns the shortest easily read interval, s, with which `period` has at most `points` points.
pub fn interval_s(period: Period, points: NonZeroU32) -> u64 {
    let span_ms = period.until.saturating_sub(period.since).max(0) as u64;
    let least = span_ms.div_ceil(1_000 * u64::from(points.get()));
    let fits = INTERVALS_S.into_iter().find(|&interval| interval >= least);
    fits.unwrap_or(least)
}

/// `period` with its beginning at that of an interval, so that the first interval is whole.
#[must_use]
pub const fn whole_intervals(period: Period, interval_s: u64) -> Period {
    let length = 1_000 * interval_s as i64;
    Period {
        since: period.since - period.since.rem_euclid(length),
        until: period.until,
    }
}

/// The step of the rollup for an interval, s; `None` for the readings themselves.
pub(crate) const fn step(interval_s: u64) -> Option<u32> {
    match interval_s {
        0..60 => None,
        60..3_600 => Some(60),
        3_600..86_400 => Some(3_600),
        86_400.. => Some(86_400),
    }
}

/// The beginning of the interval that a row `r` lies in, ms.
pub(crate) fn interval_of(column: &str, interval_s: u64) -> String {
    format!(
        "1000 * toInt64(toUnixTimestamp(toStartOfInterval(r.{column}, INTERVAL {interval_s} SECOND))) AS time"
    )
}

/// What an interval has of readings `r`.
pub(crate) const OF_READINGS: &str =
    "count() AS readings, avg(r.value) AS mean, min(r.value) AS lowest, max(r.value) AS highest";
/// What an interval has of rows `r` of a rollup.
pub(crate) const OF_ROLLUP: &str = "sum(r.readings) AS readings, sum(r.total) / sum(r.readings) AS mean, \
                                    min(r.lowest) AS lowest, max(r.highest) AS highest";

/// The sums of intervals, as `{table}_over` has them. The view would do, but ClickHouse plans both of its tables, which takes
/// longer than the answer.
fn intervals(quantity: Quantity, interval_s: u64) -> String {
    match step(interval_s) {
        None => format!(
            "SELECT {}, {OF_READINGS} FROM {} AS r WHERE 1",
            interval_of("timestamp", interval_s),
            quantity.table()
        ),
        Some(step) => format!(
            "SELECT {}, {OF_ROLLUP} FROM readings_by_time AS r WHERE r.step = {step} AND r.quantity = '{quantity}'",
            interval_of("time", interval_s)
        ),
    }
}

impl Store {
    /// Returns the history of a quantity in `period`, by time, in at most `points` intervals and one. Intervals without
    /// readings are left out.
    pub async fn history(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        period: Period,
        points: NonZeroU32,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        self.history_every(device, quantity, period, interval_s(period, points))
            .await
    }

    /// Returns the history of a quantity in `period`, by time, in intervals of that many seconds.
    pub(crate) async fn history_every(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let sql = format!(
            "SELECT ?fields FROM ({} AND device_id = ? AND {{at}} >= fromUnixTimestamp64Milli(?) \
             AND {{at}} <= fromUnixTimestamp64Milli(?) GROUP BY time) ORDER BY time",
            intervals(quantity, interval_s)
        );
        let sql = sql.replace(
            "{at}",
            if step(interval_s).is_none() {
                "r.timestamp"
            } else {
                "r.time"
            },
        );
        let query = self.question(&sql).bind(device.as_str());
        self.answers(query.bind(period.since).bind(period.until)).await
    }
}

impl Store {
    /// Returns the days in `period` on which the window of `device` reported a position, as midnights (UTC, ms).
    pub async fn days_reported(&self, device: &str, period: Period) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT DISTINCT intDiv(toUnixTimestamp64Milli(r.timestamp), 86400000) * 86400000 \
                   FROM window_states AS r WHERE device_id = ? AND r.timestamp >= fromUnixTimestamp64Milli(?) \
                   AND r.timestamp < fromUnixTimestamp64Milli(?)";
        let query = self
            .bounded(sql)
            .bind(device)
            .bind(period.since)
            .bind(period.until);
        Ok(query.fetch_all().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_fills_the_points_and_no_more() {
        let hour = 3_600_000;
        let of = |hours: i64, points| {
            let period = Period {
                since: 0,
                until: hours * hour,
            };
            interval_s(period, NonZeroU32::new(points).unwrap())
        };
        assert_eq!(of(1, 1_000), 5);
        assert_eq!(of(1, 3_600), 1);
        assert_eq!(of(24, 1_000), 120);
        assert_eq!(of(30 * 24, 1_000), 3_600);
        assert_eq!(of(8_760, 1_000), 43_200);
        // Beyond the longest one, as long as it takes.
        assert_eq!(of(8_760, 2), 15_768_000);
        assert_eq!(of(0, 10), 1);
    }

    #[test]
    fn the_first_interval_is_whole() {
        let period = Period {
            since: 61_500,
            until: 200_000,
        };
        assert_eq!(whole_intervals(period, 60).since, 60_000);
        assert_eq!(whole_intervals(period, 1).since, 61_000);
        let before = Period { since: -1, ..period };
        assert_eq!(whole_intervals(before, 60).since, -60_000);
    }
}
