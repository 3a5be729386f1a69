//! Several series of a device at once, as a page of charts needs them.
//!
//! In: a device, series, a span of time, the length of an interval. Out: the points of each. Quantities are one question, whose
//! planning costs as much as that of one of them; tracks are one question, too, each a part of it.

use clickhouse::Row;
use domain::{DeviceId, Quantity};
use serde::Deserialize;

use crate::{
    HistoryPoint, Period, Store, StoreError, Track,
    history::{OF_READINGS, OF_ROLLUP, interval_of, step},
};

/// An interval of one quantity of several.
#[derive(Debug, Deserialize, Row)]
struct NamedPoint {
    word: String,
    time: i64,
    readings: u64,
    mean: f64,
    lowest: f64,
    highest: f64,
}

/// Where a window was before a time.
#[derive(Debug, Deserialize, Row)]
struct Stood {
    word: String,
    position: f64,
}

const WITHIN: &str =
    "device_id = ? AND {at} >= fromUnixTimestamp64Milli(?) AND {at} <= fromUnixTimestamp64Milli(?)";

/// The question of several quantities, and how often it binds device, beginning and end.
fn question(quantities: &[Quantity], interval_s: u64) -> (String, usize) {
    if let Some(step) = step(interval_s) {
        let words: Vec<String> = quantities
            .iter()
            .map(|quantity| format!("'{quantity}'"))
            .collect();
        let rows = format!(
            "SELECT r.quantity AS word, {}, {OF_ROLLUP} FROM readings_by_time AS r WHERE r.step = {step} \
             AND r.quantity IN ({}) AND {} GROUP BY word, time",
            interval_of("time", interval_s),
            words.join(", "),
            WITHIN.replace("{at}", "r.time")
        );
        return (rows, 1);
    }
    let of_each = |quantity: &Quantity| {
        format!(
            "SELECT '{quantity}' AS word, {}, {OF_READINGS} FROM {} AS r WHERE {} GROUP BY time",
            interval_of("timestamp", interval_s),
            quantity.table(),
            WITHIN.replace("{at}", "r.timestamp")
        )
    };
    let each: Vec<String> = quantities.iter().map(of_each).collect();
    (each.join(" UNION ALL "), quantities.len())
}

impl Store {
    /// Returns the histories of `quantities` in `period`, each by time, in intervals of that many seconds. Intervals without
    /// readings are left out.
    pub async fn histories(
        &self,
        device: &DeviceId,
        quantities: &[Quantity],
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<Vec<HistoryPoint>>, StoreError> {
        let words: Vec<String> = quantities.iter().map(Quantity::to_string).collect();
        let rows = question(quantities, interval_s);
        self.named(rows, &words, device, period).await
    }

    /// Returns `tracks` in `period` likewise.
    pub async fn tracks(
        &self,
        device: &DeviceId,
        tracks: &[Track],
        period: Period,
        interval_s: u64,
    ) -> Result<Vec<Vec<HistoryPoint>>, StoreError> {
        let words: Vec<String> = tracks.iter().map(|track| track.word()).collect();
        let parts = tracks.iter().zip(&words);
        let parts = parts.map(|(track, word)| track.question(interval_s, &format!("'{word}' AS word, ")));
        let rows = parts.collect::<Vec<_>>().join(" UNION ALL ");
        self.named((rows, tracks.len()), &words, device, period).await
    }

    /// The answer to a question of `words`, in their order, and how often it binds device, beginning and end.
    async fn named(
        &self,
        (rows, times): (String, usize),
        words: &[String],
        device: &DeviceId,
        period: Period,
    ) -> Result<Vec<Vec<HistoryPoint>>, StoreError> {
        let mut found = vec![Vec::new(); words.len()];
        if words.is_empty() {
            return Ok(found);
        }
        let mut query = self.question(&format!("SELECT ?fields FROM ({rows}) ORDER BY word, time"));
        for _ in 0..times {
            query = query.bind(device.as_str()).bind(period.since).bind(period.until);
        }
        for row in self.answers::<NamedPoint>(query).await? {
            let NamedPoint {
                word,
                time,
                readings,
                mean,
                lowest,
                highest,
            } = row;
            let place = words.iter().position(|known| *known == word);
            let place = place.expect("only what is asked for is answered");
            found[place].push(HistoryPoint {
                time,
                readings,
                mean,
                lowest,
                highest,
            });
        }
        Ok(found)
    }

    /// Returns where the window of `device` stood, and was told to go, last before a time (ms), as it was reported and commanded:
    /// % open, or `None` where nothing was said until then. A position stands until the next one.
    pub async fn positions_before(
        &self,
        device: &DeviceId,
        time: i64,
    ) -> Result<[Option<f64>; 2], StoreError> {
        let last = |track: Track, table: &str| {
            format!(
                "(SELECT '{}' AS word, position FROM {table} WHERE device_id = ? AND timestamp < fromUnixTimestamp64Milli(?) \
                 ORDER BY timestamp DESC LIMIT 1)",
                track.word()
            )
        };
        let sql = format!(
            "SELECT ?fields FROM (SELECT * FROM {} UNION ALL SELECT * FROM {})",
            last(Track::Reported, "window_states"),
            last(Track::Told, "window_actions")
        );
        let query = self.question(&sql).bind(device.as_str()).bind(time);
        let found: Vec<Stood> = self.answers(query.bind(device.as_str()).bind(time)).await?;
        let of = |track: Track| {
            let word = track.word();
            let found = found.iter().find(|stood| stood.word == word);
            found.map(|stood| stood.position)
        };
        Ok([of(Track::Reported), of(Track::Told)])
    }
}
