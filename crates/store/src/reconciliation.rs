//! Comparison of the rollups with the rows that they follow from.
//!
//! In: a database in which nothing is inserted meanwhile. Out: for each rollup, how many of its intervals say something
//! else than the rows. What the rows say is asked here in other words than the materialized views use, so that a wrong
//! view is found as well as a lost or a doubled part.

use std::fmt;

use clickhouse::Row;
use domain::Quantity;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Steps of the rollups by time, s.
const STEPS_S: [u32; 3] = [60, 3_600, 86_400];

/// How a rollup differs from its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollupDifference {
    /// The table of the rollup.
    pub rollup: &'static str,
    /// The table of the rows.
    pub source: &'static str,
    /// Length of an interval, s.
    pub step_s: u32,
    /// Intervals that either of them has, counted for each device and whatever else the rollup tells apart.
    pub intervals: u64,
    /// Those that differ: in a count, a lowest, highest or newest value, or by more than rounding in a sum.
    pub different: u64,
}

#[derive(Debug, Row, Serialize, Deserialize)]
struct Counts {
    intervals: u64,
    different: u64,
}

/// Rows that are compared at once.
const AT_ONCE: u64 = 100_000;
/// The beginning of a row's day, s.
const DAY: &str = "toUnixTimestamp(toStartOfDay(toDateTime(s.time, 'UTC')))";

/// The rows of a day.
#[derive(Debug, Row, Serialize, Deserialize)]
struct Day {
    day: u32,
    rows: u64,
}

/// What a rollup and its rows must answer alike. `exact` and `sums` are arrays of `Float64`.
struct Question {
    rollup: &'static str,
    source: &'static str,
    keys: &'static str,
    rolled_up: Answer,
    stored: Answer,
    steps_s: &'static [u32],
}

/// Where an answer comes from. `{source}`, `{quantity}` and `{step}` stand for what is asked about.
struct Answer {
    from: &'static str,
    exact: &'static str,
    sums: &'static str,
}

const READINGS: Question = Question {
    rollup: "readings_by_time",
    source: "",
    keys: "device_id",
    rolled_up: Answer {
        from: "(SELECT * FROM readings_by_time WHERE quantity = '{quantity}' AND step = {step})",
        exact: "[sum(s.readings), min(s.lowest), max(s.highest), \
                toUnixTimestamp64Milli(tupleElement(max(s.newest) AS latest, 1)), tupleElement(latest, 2)]",
        sums: "[sum(s.total)]",
    },
    stored: Answer {
        from: "(SELECT *, timestamp AS time FROM {source})",
        exact: "[count(), min(s.value), max(s.value), toUnixTimestamp64Milli(max(s.timestamp)), \
                argMax(s.value, (s.timestamp, s.value))]",
        sums: "[sum(s.value)]",
    },
    steps_s: &STEPS_S,
};

const SOUND: Question = Question {
    rollup: "sound_by_time",
    source: "sensor_audio",
    keys: "device_id",
    rolled_up: Answer {
        from: "(SELECT * FROM sound_by_time WHERE step = {step})",
        exact: "[sum(s.clips)]",
        sums: "arrayConcat([max(s.loudest), sum(s.seconds), sum(s.energy), sum(s.rms), sum(s.centroid), \
               sum(s.rolloff), sum(s.crossings)], sumForEachMerge(s.mfcc), sumForEachMerge(s.mel_db))",
    },
    stored: Answer {
        from: "(SELECT *, timestamp AS time FROM sensor_audio)",
        exact: "[count()]",
        sums: "arrayConcat([max(s.max_level_dbfs), sum(s.duration), sum(s.duration * exp10(s.level_dbfs / 10)), \
               sum(s.rms::Float64), sum(s.spectral_centroid::Float64), sum(s.spectral_rolloff::Float64), \
               sum(s.zero_crossing_rate::Float64)], sumForEach(s.mfcc::Array(Float64)), \
               sumForEach(s.mel_db::Array(Float64)))",
    },
    steps_s: &STEPS_S,
};

const PREDICTIONS: Question = Question {
    rollup: "predictions_by_time",
    source: "ml_predictions",
    keys: "device_id, model_version",
    rolled_up: Answer {
        from: "(SELECT * FROM predictions_by_time WHERE step = {step})",
        exact: "[sum(s.predictions), sum(s.held), max(s.slowest_ms), arraySum((bin, n) -> bin * n, \
                mapKeys(sumMap(s.confidence_bins) AS bins), mapValues(bins))]",
        sums: "[sum(s.total), sum(s.confidence)]",
    },
    stored: Answer {
        from: "(SELECT *, timestamp AS time FROM ml_predictions)",
        exact: "[count(), countIf(s.held), maxIf(s.inference_time_ms, isFinite(s.inference_time_ms)), \
                sum(least(floor(s.confidence * 20), 19))]",
        sums: "[sum(s.prediction), sum(s.confidence)]",
    },
    steps_s: &STEPS_S,
};

const COMMANDS: Question = Question {
    rollup: "commands_by_time",
    source: "window_actions",
    keys: "device_id, origin, model_version",
    rolled_up: Answer {
        from: "(SELECT * FROM commands_by_time WHERE step = {step})",
        exact: "[sum(s.commands)]",
        sums: "[sum(s.total)]",
    },
    stored: Answer {
        from: "(SELECT *, timestamp AS time FROM window_actions)",
        exact: "[count()]",
        sums: "[sum(s.position)]",
    },
    steps_s: &STEPS_S,
};

const OUTCOMES: Question = Question {
    rollup: "outcomes_by_time",
    source: "decision_outcomes",
    keys: "device_id, model_version",
    rolled_up: Answer {
        from: "(SELECT * FROM outcomes_by_time WHERE step = {step})",
        exact: "[sum(s.decisions), sum(s.corrected), arraySum((bin, n) -> bin * n, \
                mapKeys(sumMap(s.decision_bins) AS bins), mapValues(bins))]",
        sums: "[sum(s.correction)]",
    },
    stored: Answer {
        from: "(SELECT *, timestamp AS time FROM decision_outcomes)",
        exact: "[count(), countIf(s.corrected), sum(least(floor(s.confidence * 20), 19))]",
        sums: "[sumIf(abs(s.chosen - s.position), s.corrected)]",
    },
    steps_s: &STEPS_S,
};

/// The last position of each minute that has one.
const LAST_OF_EACH_MINUTE: Answer = Answer {
    from: "(SELECT device_id, toStartOfMinute(p.timestamp) AS time, count() AS reports, min(p.position) AS lowest, \
           max(p.position) AS highest, argMax(p.position, (p.timestamp, p.position)) AS last \
           FROM {source} AS p GROUP BY device_id, time)",
    exact: "[sum(s.reports), min(s.lowest), max(s.highest), count(), sum(round(s.last * 100))]",
    sums: "[0.]",
};

const fn positions(source: &'static str, from: &'static str) -> Question {
    Question {
        rollup: "positions_by_hour",
        source,
        keys: "device_id",
        rolled_up: Answer {
            from,
            exact: "[sum(s.reports), min(s.lowest), max(s.highest), length(tupleElement(maxMap(s.minutes) AS last, 1)), \
                    arraySum(code -> code % 16384, tupleElement(last, 2))]",
            sums: "[0.]",
        },
        stored: LAST_OF_EACH_MINUTE,
        steps_s: &[3_600],
    }
}

const REPORTED: Question = positions(
    "window_states",
    "(SELECT * FROM positions_by_hour WHERE kind = 'reported')",
);
const COMMANDED: Question = positions(
    "window_actions",
    "(SELECT * FROM positions_by_hour WHERE kind = 'commanded')",
);

impl Answer {
    fn select(&self, keys: &str, step_s: u32, slice: &Slice) -> String {
        let Self { from, exact, sums } = self;
        format!(
            "SELECT {keys}, toStartOfInterval(toDateTime(s.time, 'UTC'), INTERVAL {step_s} SECOND) AS interval, \
             {exact}::Array(Float64) AS exact, {sums}::Array(Float64) AS sums FROM {from} AS s WHERE {slice} \
             GROUP BY {keys}, interval"
        )
    }

    /// Its rows by day.
    fn days(&self) -> String {
        let from = self.from;
        format!("SELECT {DAY} AS day, count() AS n FROM {from} AS s GROUP BY day")
    }
}

impl Question {
    /// Counts rows of both sides by day.
    fn days(&self, subject: &Subject<'_>) -> String {
        let (rolled_up, stored) = (self.rolled_up.days(), self.stored.days());
        subject.named(&format!(
            "SELECT ?fields FROM (SELECT day, sum(n) AS rows FROM ({rolled_up} UNION ALL {stored}) GROUP BY day ORDER BY day)"
        ))
    }

    /// Counts intervals. One that only one side has differs, as the other side's counts are 0.
    fn sql(&self, subject: &Subject<'_>, slice: &Slice) -> String {
        let (keys, step_s) = (self.keys, subject.step_s);
        let (rolled_up, stored) = (
            self.rolled_up.select(keys, step_s, slice),
            self.stored.select(keys, step_s, slice),
        );
        subject
            .named(&format!(
                "SELECT count() AS intervals, countIf(NOT (same AND alike)) AS different FROM \
             (SELECT a.exact = b.exact AS same, arrayExists(i -> NOT (a.sums[i] = b.sums[i] \
             OR isNaN(a.sums[i]) AND isNaN(b.sums[i]) \
             OR abs(a.sums[i] - b.sums[i]) <= 1e-9 * greatest(1, abs(a.sums[i]), abs(b.sums[i]))), \
             range(1, 1 + greatest(length(a.sums), length(b.sums)))) = 0 AS alike \
             FROM ({rolled_up}) AS a FULL OUTER JOIN ({stored}) AS b USING ({keys}, interval))"
            ))
            .replace('?', "??")
    }
}

/// What one comparison is about.
struct Subject<'a> {
    source: &'a str,
    quantity: &'a str,
    step_s: u32,
}

impl Subject<'_> {
    fn named(&self, sql: &str) -> String {
        sql.replace("{source}", self.source)
            .replace("{quantity}", self.quantity)
            .replace("{step}", &self.step_s.to_string())
    }
}

/// Days that are compared at once: from the first of one to the first of the other, both in seconds since 1970. The first
/// slice has no beginning and the last one no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Slice {
    from: Option<u32>,
    to: Option<u32>,
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [(">=", self.from), ("<", self.to)];
        f.write_str("1")?;
        for (is, at) in bounds {
            if let Some(at) = at {
                write!(f, " AND s.time {is} toDateTime({at}, 'UTC')")?;
            }
        }
        Ok(())
    }
}

/// Cuts days into slices of at most `most` rows; a day with more is one by itself.
fn slices(days: &[Day], most: u64) -> Vec<Slice> {
    let mut slices = vec![Slice::default()];
    let mut rows = 0_u64;
    for day in days {
        let last = slices.len() - 1;
        if rows > 0 && rows.saturating_add(day.rows) > most {
            slices[last].to = Some(day.day);
            slices.push(Slice {
                from: Some(day.day),
                to: None,
            });
            rows = 0;
        }
        rows = rows.saturating_add(day.rows);
    }
    slices
}

impl Store {
    /// Compares every rollup with its rows, of which nothing may be inserted meanwhile. It reads all of them, so many days at
    /// once that ClickHouse needs some hundred MiB, however many there are.
    pub async fn compare_rollups(&self) -> Result<Vec<RollupDifference>, StoreError> {
        let readings = Quantity::ALL.map(|quantity| (&READINGS, quantity.table(), quantity.as_str()));
        let others = [&SOUND, &PREDICTIONS, &COMMANDS, &OUTCOMES, &REPORTED, &COMMANDED];
        let others = others.map(|question| (question, question.source, ""));
        let mut differences = vec![];
        for (question, source, quantity) in readings.into_iter().chain(others) {
            let of_step = |step_s| Subject {
                source,
                quantity,
                step_s,
            };
            // The shortest step has the most rows.
            let days = question.days(&of_step(question.steps_s[0]));
            let days: Vec<Day> = self.client.query(&days).fetch_all().await?;
            let slices = slices(&days, AT_ONCE);
            for &step_s in question.steps_s {
                let subject = of_step(step_s);
                let mut difference = RollupDifference {
                    rollup: question.rollup,
                    source,
                    step_s,
                    intervals: 0,
                    different: 0,
                };
                for slice in &slices {
                    let sql = question.sql(&subject, slice);
                    let counts: Counts = self.client.query(&sql).fetch_one().await?;
                    difference.intervals += counts.intervals;
                    difference.different += counts.different;
                }
                differences.push(difference);
            }
        }
        Ok(differences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_each_other_and_leave_nothing_out() {
        let days = |rows: &[u64]| -> Vec<Day> {
            let of_each = rows.iter().zip(1..);
            of_each
                .map(|(&rows, number)| Day {
                    day: number * 86_400,
                    rows,
                })
                .collect()
        };
        let texts =
            |rows: &[u64]| -> Vec<String> { slices(&days(rows), 10).iter().map(Slice::to_string).collect() };
        assert_eq!(texts(&[]), ["1"]);
        assert_eq!(texts(&[4, 6]), ["1"]);
        assert_eq!(
            texts(&[50, 4, 7]),
            [
                "1 AND s.time < toDateTime(172800, 'UTC')",
                "1 AND s.time >= toDateTime(172800, 'UTC') AND s.time < toDateTime(259200, 'UTC')",
                "1 AND s.time >= toDateTime(259200, 'UTC')",
            ]
        );
    }
}
