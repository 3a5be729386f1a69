//! Ticks of a time axis where people expect them: whole hours, midnights, first days of months.
//!
//! In: a span of time and a zone. Out: times in ms with labels.

use crate::TimeAxis;
use jiff::{Span, Timestamp, ToSpan as _, civil::DateTime, tz::TimeZone};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Steps: about how long they are, and in minutes, days or months.
const STEPS: [(i64, Step); 17] = [
    (MINUTE_MS, Step::Minutes(1)),
    (5 * MINUTE_MS, Step::Minutes(5)),
    (15 * MINUTE_MS, Step::Minutes(15)),
    (30 * MINUTE_MS, Step::Minutes(30)),
    (HOUR_MS, Step::Minutes(60)),
    (2 * HOUR_MS, Step::Minutes(120)),
    (3 * HOUR_MS, Step::Minutes(180)),
    (6 * HOUR_MS, Step::Minutes(360)),
    (12 * HOUR_MS, Step::Minutes(720)),
    (DAY_MS, Step::Days(1)),
    (2 * DAY_MS, Step::Days(2)),
    (7 * DAY_MS, Step::Days(7)),
    (14 * DAY_MS, Step::Days(14)),
    (31 * DAY_MS, Step::Months(1)),
    (92 * DAY_MS, Step::Months(3)),
    (366 * DAY_MS, Step::Months(12)),
    (10 * 366 * DAY_MS, Step::Months(120)),
];

#[derive(Debug, Clone, Copy)]
enum Step {
    Minutes(i64),
    Days(i64),
    Months(i64),
}

impl Step {
    fn span(self) -> Span {
        match self {
            Self::Minutes(minutes) => minutes.minutes(),
            Self::Days(days) => days.days(),
            Self::Months(months) => months.months(),
        }
    }

    fn label(self, time: DateTime) -> String {
        let format = match self {
            Self::Minutes(_) if time.hour() != 0 || time.minute() != 0 => "%H:%M",
            Self::Minutes(_) | Self::Days(_) => "%-d %b",
            Self::Months(_) => "%b %Y",
        };
        time.strftime(format).to_string()
    }
}

/// Returns the axis from `since` to `until`, ms since 1970, with at most about `most` ticks, in `zone`.
pub fn time_axis((since, until): (i64, i64), zone: &TimeZone, most: i64) -> TimeAxis {
    let wanted = (until - since) / most.max(1);
    let step = STEPS
        .iter()
        .find(|(length, _)| *length >= wanted)
        .unwrap_or(&STEPS[STEPS.len() - 1])
        .1;
    TimeAxis {
        from: since as f64,
        to: until as f64,
        ticks: ticks((since, until), zone, step).unwrap_or_default(),
    }
}

/// Returns nothing where the calendar ends.
fn ticks((since, until): (i64, i64), zone: &TimeZone, step: Step) -> Option<Vec<(f64, String)>> {
    let civil = |ms: i64| Some(zone.to_datetime(Timestamp::from_millisecond(ms).ok()?));
    let midnight = civil(since)?.date().to_datetime(jiff::civil::Time::midnight());
    let first = match step {
        // Mondays, where there are weeks.
        Step::Days(days) if days >= 7 => midnight
            .checked_sub(i64::from(midnight.weekday().to_monday_zero_offset()).days())
            .ok()?,
        Step::Minutes(_) | Step::Days(_) => midnight,
        Step::Months(months) if months >= 12 => midnight.first_of_year(),
        Step::Months(_) => midnight.first_of_month(),
    };
    let mut ticks: Vec<(f64, String)> = vec![];
    let mut time = first;
    loop {
        let at = time
            .to_zoned_datetime(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond();
        if at > until {
            return Some(ticks);
        }
        // An hour that the clocks skip or repeat is one tick.
        if at >= since && ticks.last().is_none_or(|(last, _)| (at as f64) > *last) {
            ticks.push((at as f64, step.label(time)));
        }
        time = time.checked_add(step.span()).ok()?;
    }
}

/// Returns the name of a zone as people know it.
pub fn zone_name(zone: &TimeZone) -> String {
    match zone.iana_name() {
        Some("Etc/UTC" | "UTC") => "UTC".to_owned(),
        Some(name) => name.to_owned(),
        None => "local time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-10-24T10:40:00Z.
    const MORNING: i64 = 1_761_302_400_000;

    fn labels(hours: i64, zone: &TimeZone) -> Vec<String> {
        let axis = time_axis((MORNING, MORNING + hours * HOUR_MS), zone, 8);
        assert!(axis.ticks.is_sorted_by(|a, b| a.0 < b.0));
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_stand_where_people_expect_them() {
        let utc = TimeZone::UTC;
        assert_eq!(labels(1, &utc), ["10:45", "11:00", "11:15", "11:30"]);
        assert_eq!(
            labels(24, &utc),
            [
                "12:00", "15:00", "18:00", "21:00", "25 Oct", "03:00", "06:00", "09:00"
            ]
        );
        assert_eq!(
            labels(7 * 24, &utc),
            [
                "25 Oct", "26 Oct", "27 Oct", "28 Oct", "29 Oct", "30 Oct", "31 Oct"
            ]
        );
        assert_eq!(labels(30 * 24, &utc), ["27 Oct", "3 Nov", "10 Nov", "17 Nov"]);
        assert_eq!(
            labels(365 * 24, &utc),
            ["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026"]
        );
    }

    #[test]
    fn midnight_is_the_zones_also_when_the_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let axis = time_axis((MORNING, MORNING + 4 * DAY_MS), &zone, 5);
        let midnights: Vec<i64> = axis.ticks.iter().map(|(time, _)| *time as i64).collect();
        // The 26th has 25 hours.
        let gaps: Vec<i64> = midnights
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) / HOUR_MS)
            .collect();
        assert_eq!(gaps, [24, 25, 24]);
    }
}
