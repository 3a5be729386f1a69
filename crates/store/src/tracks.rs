//! What a device has a history of besides readings: sound, commands, positions.
//!
//! In: a track, a span of time, a number of points. Out: points as of a quantity. Sound comes from its rollup; of the
//! rest a year of one device is few rows, read by the table's key.

use std::num::NonZeroU32;

use domain::DeviceId;

use crate::{HistoryPoint, Period, Store, StoreError, interval_s};

/// Something that is told over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Equivalent level of the clips, dB re full scale; highest: the loudest eighth of a second.
    Sound,
    /// Confidence of a model's commands, 0 to 1.
    Confidence,
    /// Positions that the window was told, % open. The mean is the last of the interval.
    Told,
    /// Positions that the window reported, % open. The mean is the last of the interval.
    Reported,
}

impl Track {
    /// Returns the table, and count, mean, lowest and highest value of an interval, in SQL.
    fn source(self, interval_s: u64) -> (String, [&'static str; 4]) {
        const POSITION: [&str; 4] = [
            "count()",
            "argMax(r.position, r.timestamp)",
            "min(r.position)",
            "max(r.position)",
        ];
        match self {
            Self::Sound if interval_s >= 60 => {
                let step = [86_400, 3_600, 60].into_iter().find(|step| interval_s.is_multiple_of(*step));
                let table = format!(
                    "(SELECT device_id, time AS timestamp, clips, seconds, energy, loudest FROM sound_by_time \
                     WHERE step = {})",
                    step.unwrap_or(60)
                );
                let mean = "10 * log10(sum(r.energy) / sum(r.seconds))";
                (table, ["sum(r.clips)", mean, mean, "toFloat64(max(r.loudest))"])
            }
            Self::Sound => {
                let mean = "10 * log10(sum(r.duration * exp10(r.level_dbfs / 10)) / sum(r.duration))";
                let columns = ["count()", mean, mean, "toFloat64(max(r.max_level_dbfs))"];
                ("sensor_audio".to_owned(), columns)
            }
            Self::Confidence => (
                "(SELECT device_id, timestamp, confidence FROM window_actions WHERE origin NOT IN ('person', 'schedule'))"
                    .to_owned(),
                ["count()", "avg(r.confidence)", "min(r.confidence)", "max(r.confidence)"],
            ),
            Self::Told => ("window_actions".to_owned(), POSITION),
            Self::Reported => ("window_states".to_owned(), POSITION),
        }
    }
}

impl Store {
    /// Returns a track of `device` in `period`, by time, in at most `points` intervals and one. Intervals of which
    /// nothing is known are left out.
    pub async fn track(
        &self,
        device: &DeviceId,
        track: Track,
        period: Period,
        points: NonZeroU32,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let interval = interval_s(period, points);
        let (table, [count, mean, lowest, highest]) = track.source(interval);
        let sql = format!(
            "SELECT ?fields FROM (SELECT 1000 * toInt64(toUnixTimestamp(toStartOfInterval(r.timestamp, INTERVAL {interval} \
             SECOND))) AS time, {count} AS readings, {mean} AS mean, {lowest} AS lowest, {highest} AS highest \
             FROM {table} AS r WHERE device_id = ? AND r.timestamp >= fromUnixTimestamp64Milli(?) \
             AND r.timestamp <= fromUnixTimestamp64Milli(?) GROUP BY time) ORDER BY time"
        );
        let query = self.bounded(&sql).bind(device.as_str());
        Ok(query.bind(period.since).bind(period.until).fetch_all().await?)
    }
}
