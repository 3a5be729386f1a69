//! What a device has a history of besides readings: sound, commands, positions.
//!
//! In: a track, a span of time, a number of points. Out: points as of a quantity. Sound comes from its rollup where intervals
//! are long: a rollup at least four times finer, so that the lowest and the highest are those of its minutes or hours. Of the
//! rest a year of one device is few rows, read by the table's key.

use std::num::NonZeroU32;

use domain::DeviceId;

use crate::{HistoryPoint, Period, Store, StoreError, interval_s};

/// Most coefficients that a clip can have.
const MOST_MFCC: u8 = 128;

/// Something that is told over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// Equivalent level of the clips, dB re full scale; highest: the loudest eighth of a second.
    Sound,
    /// Root mean square of the clips' samples.
    Rms,
    /// Spectral centroid of the clips, Hz.
    Centroid,
    /// Frequency below which most of the clips' energy lies, Hz.
    Rolloff,
    /// Spectral bandwidth of the clips, Hz.
    Bandwidth,
    /// Spectral flatness of the clips, 0 to 1.
    Flatness,
    /// Share of the clips' samples at which the sign changes.
    Crossings,
    /// A mel-frequency cepstral coefficient of the clips, from 0.
    Mfcc(u8),
    /// Confidence of a model's commands, 0 to 1.
    Confidence,
    /// Positions that the window was told, % open. The mean is the last of the interval.
    Told,
    /// Positions that the window reported, % open. The mean is the last of the interval.
    Reported,
}

/// The rows of a track, and count, mean, lowest and highest value of an interval, in SQL.
struct Source {
    /// A subquery with a column `timestamp`.
    rows: String,
    columns: [&'static str; 4],
}

/// Conditions that bind device, beginning and end.
fn within(time: &str) -> String {
    format!(
        "device_id = ? AND {time} >= fromUnixTimestamp64Milli(?) AND {time} <= fromUnixTimestamp64Milli(?)"
    )
}

/// The step of the rollup for an interval, s; `None` for the rows themselves.
const fn step(interval_s: u64) -> Option<u32> {
    match interval_s {
        0..240 => None,
        240..14_400 => Some(60),
        _ => Some(3_600),
    }
}

impl Track {
    /// The tracks of the sound and of the window, but for the coefficients.
    pub const NAMED: [Self; 10] = [
        Self::Sound,
        Self::Rms,
        Self::Centroid,
        Self::Rolloff,
        Self::Bandwidth,
        Self::Flatness,
        Self::Crossings,
        Self::Confidence,
        Self::Told,
        Self::Reported,
    ];

    /// The track of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        if let Some(number) = word.strip_prefix("mfcc_") {
            let number = number.parse().ok().filter(|number| *number < MOST_MFCC)?;
            let track = Self::Mfcc(number);
            return (track.word() == word).then_some(track);
        }
        Self::NAMED.into_iter().find(|track| track.word() == word)
    }

    /// The word for it in the API.
    pub fn word(self) -> String {
        let word = match self {
            Self::Sound => "sound_level",
            Self::Rms => "rms",
            Self::Centroid => "spectral_centroid",
            Self::Rolloff => "spectral_rolloff",
            Self::Bandwidth => "spectral_bandwidth",
            Self::Flatness => "spectral_flatness",
            Self::Crossings => "zero_crossing_rate",
            Self::Mfcc(number) => return format!("mfcc_{number}"),
            Self::Confidence => "confidence",
            Self::Told => "commanded",
            Self::Reported => "position",
        };
        word.to_owned()
    }

    /// The unit of its values; empty where they have none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Sound => "dBFS",
            Self::Centroid | Self::Rolloff | Self::Bandwidth => "Hz",
            Self::Told | Self::Reported => "%",
            Self::Rms | Self::Flatness | Self::Crossings | Self::Mfcc(_) | Self::Confidence => "",
        }
    }

    /// The question of its intervals, in no order, with `before` in front of their columns. It binds device, beginning and end.
    pub(crate) fn question(self, interval_s: u64, before: &str) -> String {
        let Source {
            rows,
            columns: [count, mean, lowest, highest],
        } = self.source(interval_s);
        format!(
            "SELECT {before}1000 * toInt64(toUnixTimestamp(toStartOfInterval(r.timestamp, INTERVAL {interval_s} SECOND))) AS time, \
             {count} AS readings, {mean} AS mean, {lowest} AS lowest, {highest} AS highest FROM {rows} AS r GROUP BY time"
        )
    }

    fn source(self, interval_s: u64) -> Source {
        let step = step(interval_s);
        match (self, step) {
            (Self::Sound, _) => sound(step),
            (Self::Mfcc(number), None) => feature(
                &format!("a.mfcc[{}]", number + 1),
                &format!("length(a.mfcc) > {number}"),
            ),
            (Self::Mfcc(number), Some(step)) => rolled_up_feature(
                &format!("sumForEachMerge(s.mfcc)[{}]", number + 1),
                &format!("length(sumForEachMerge(s.mfcc)) > {number}"),
                step,
            ),
            (Self::Rms, Some(step)) => rolled_up_feature("sum(s.rms)", "1", step),
            (Self::Centroid, Some(step)) => rolled_up_feature("sum(s.centroid)", "1", step),
            (Self::Rolloff, Some(step)) => rolled_up_feature("sum(s.rolloff)", "1", step),
            (Self::Crossings, Some(step)) => rolled_up_feature("sum(s.crossings)", "1", step),
            (Self::Rms, None) => feature("a.rms", "1"),
            (Self::Centroid, None) => feature("a.spectral_centroid", "1"),
            (Self::Rolloff, None) => feature("a.spectral_rolloff", "1"),
            (Self::Crossings, None) => feature("a.zero_crossing_rate", "1"),
            // Of these there is no rollup.
            (Self::Bandwidth, _) => feature("a.spectral_bandwidth", "1"),
            (Self::Flatness, _) => feature("a.spectral_flatness", "1"),
            (Self::Confidence, _) => Source {
                rows: format!(
                    "(SELECT timestamp, confidence FROM window_actions WHERE {} AND origin NOT IN ('person', 'schedule'))",
                    within("timestamp")
                ),
                columns: [
                    "count()",
                    "avg(r.confidence)",
                    "min(r.confidence)",
                    "max(r.confidence)",
                ],
            },
            (Self::Told, _) => positions("window_actions"),
            (Self::Reported, _) => positions("window_states"),
        }
    }
}

fn sound(step: Option<u32>) -> Source {
    match step {
        Some(step) => Source {
            rows: format!(
                "(SELECT time AS timestamp, sum(s.clips) AS n, sum(s.seconds) AS length, sum(s.energy) AS power, \
                 max(s.loudest) AS peak FROM sound_by_time AS s WHERE step = {step} AND {} GROUP BY time \
                 HAVING NOT isNaN(power))",
                within("time")
            ),
            columns: [
                "sum(r.n)",
                "10 * log10(sum(r.power) / sum(r.length))",
                "min(10 * log10(r.power / r.length))",
                "toFloat64(max(r.peak))",
            ],
        },
        None => Source {
            rows: format!(
                "(SELECT timestamp, duration, level_dbfs, max_level_dbfs FROM sensor_audio WHERE {} \
                 AND NOT isNaN(level_dbfs))",
                within("timestamp")
            ),
            columns: [
                "count()",
                "10 * log10(sum(r.duration * exp10(r.level_dbfs / 10)) / sum(r.duration))",
                "toFloat64(min(r.level_dbfs))",
                "toFloat64(max(r.max_level_dbfs))",
            ],
        },
    }
}

/// A feature of the clips themselves.
fn feature(column: &str, condition: &str) -> Source {
    Source {
        rows: format!(
            "(SELECT a.timestamp AS timestamp, toFloat64({column}) AS feature FROM sensor_audio AS a WHERE {} AND {condition} \
             AND NOT isNaN(feature))",
            within("timestamp")
        ),
        columns: ["count()", "avg(r.feature)", "min(r.feature)", "max(r.feature)"],
    }
}

/// A feature of minutes or hours, averaged by clip.
fn rolled_up_feature(sum: &str, condition: &str, step: u32) -> Source {
    Source {
        rows: format!(
            "(SELECT time AS timestamp, sum(s.clips) AS n, {sum} / sum(s.clips) AS feature FROM sound_by_time AS s \
             WHERE step = {step} AND {} GROUP BY time HAVING {condition} AND NOT isNaN(feature))",
            within("time")
        ),
        columns: [
            "sum(r.n)",
            "sum(r.feature * r.n) / sum(r.n)",
            "min(r.feature)",
            "max(r.feature)",
        ],
    }
}

fn positions(table: &str) -> Source {
    Source {
        rows: format!(
            "(SELECT timestamp, position FROM {table} WHERE {})",
            within("timestamp")
        ),
        columns: [
            "count()",
            "argMax(r.position, r.timestamp)",
            "min(r.position)",
            "max(r.position)",
        ],
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
        self.track_every(device, track, period, interval_s(period, points))
            .await
    }

    /// Returns a track of `device` in `period`, by time, in intervals of that many seconds.
    pub(crate) async fn track_every(
        &self,
        device: &DeviceId,
        track: Track,
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<HistoryPoint>, StoreError> {
        let sql = format!(
            "SELECT ?fields FROM ({}) ORDER BY time",
            track.question(interval_s, "")
        );
        let query = self.question(&sql).bind(device.as_str());
        self.answers(query.bind(period.since).bind(period.until)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_track_has_a_word_of_its_own() {
        for track in Track::NAMED.into_iter().chain([Track::Mfcc(0), Track::Mfcc(19)]) {
            assert_eq!(Track::from_word(&track.word()), Some(track));
        }
        for word in [
            "", "mfcc_", "mfcc_00", "mfcc_+1", "mfcc_-1", "mfcc_128", "Sound", "rms ",
        ] {
            assert_eq!(Track::from_word(word), None, "{word}");
        }
    }
}
