//! What clips sounded like over time: the mel bands of a device's clips, averaged by intervals.
//!
//! In: a device, a span of time. Out: a row of bands for each interval with clips, from the coarsest rollup that is fine
//! enough, as in `tracks`.

use clickhouse::Row;
use domain::DeviceId;
use serde::{Deserialize, Serialize};

use crate::{
    Period, Store, StoreError,
    history::{interval_of, step},
};

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
        // The columns that are summed have other names: a name of the answer would stand for the answer's own column.
        let (begin, sums, rows, at) = match step(interval_s) {
            None => (
                interval_of("timestamp", interval_s),
                "count() AS clips, sumForEach(r.mel_db::Array(Float64)) AS sums",
                "sensor_audio AS r WHERE notEmpty(r.mel_db)".to_owned(),
                "timestamp",
            ),
            Some(step) => (
                interval_of("time", interval_s),
                "sum(r.clips) AS clips, sumForEachMerge(r.mel_db) AS sums",
                format!("sound_by_time AS r WHERE r.step = {step}"),
                "time",
            ),
        };
        let sql = format!(
            "SELECT ?fields FROM (SELECT time, clips, arrayMap(x -> x / clips, sums) AS mel_db \
             FROM (SELECT {begin}, {sums} FROM {rows} AND r.device_id = ? AND r.{at} >= fromUnixTimestamp64Milli(?) \
             AND r.{at} <= fromUnixTimestamp64Milli(?) GROUP BY time) WHERE notEmpty(sums)) ORDER BY time"
        );
        let query = self.question(&sql).bind(device.as_str());
        self.answers(query.bind(period.since).bind(period.until)).await
    }
}
