//! What clips sounded like over time: the mel bands of a device's clips, averaged by intervals.
//!
//! In: a device, a span of time. Out: a row of bands for each interval with clips, from the coarsest rollup that is fine
//! enough, as in `tracks`.

use clickhouse::Row;
use domain::DeviceId;
use serde::{Deserialize, Serialize};

use crate::{Period, Store, StoreError};

/// The clips of one interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
pub struct SpectrumRow {
    /// Begin of the interval, ms.
    pub time: i64,
    /// Number of clips.
    pub clips: u64,
    /// Mean level of each mel band, the lowest first, dB.
    pub mel_db: Vec<f64>,
}

impl Store {
    /// Returns the spectra of `device` in `period`, by time, in intervals of that many seconds. Intervals without clips are
    /// left out, and so are clips without a spectrum.
    pub async fn spectra(
        &self,
        device: &DeviceId,
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<SpectrumRow>, StoreError> {
        let start = |column: &str| {
            format!(
                "1000 * toInt64(toUnixTimestamp(toStartOfInterval(s.{column}, INTERVAL {interval_s} SECOND)))"
            )
        };
        // The columns that are summed have other names: a name of the answer would stand for the answer's own column.
        let step = match interval_s {
            0..60 => None,
            60..3_600 => Some(60),
            3_600..86_400 => Some(3_600),
            86_400.. => Some(86_400),
        };
        let (begin, sums) = step.map_or_else(
            || {
                (
                    start("timestamp"),
                    "count() AS clips, sumForEach(s.mel_db::Array(Float64)) AS sums FROM sensor_audio AS s \
                     WHERE notEmpty(s.mel_db) AND s.device_id = ? AND s.timestamp >= fromUnixTimestamp64Milli(?) \
                     AND s.timestamp <= fromUnixTimestamp64Milli(?)"
                        .to_owned(),
                )
            },
            |step| {
                (
                    start("time"),
                    format!(
                        "sum(s.clips) AS clips, sumForEachMerge(s.mel_db) AS sums FROM sound_by_time AS s \
                         WHERE s.step = {step} AND s.device_id = ? AND s.time >= fromUnixTimestamp64Milli(?) \
                         AND s.time <= fromUnixTimestamp64Milli(?)"
                    ),
                )
            },
        );
        let sql = format!(
            "SELECT ?fields FROM (SELECT time, clips, arrayMap(x -> x / clips, sums) AS mel_db \
             FROM (SELECT {begin} AS time, {sums} GROUP BY time) WHERE notEmpty(sums)) ORDER BY time"
        );
        let query = self.question(&sql).bind(device.as_str());
        self.answers(query.bind(period.since).bind(period.until)).await
    }
}
