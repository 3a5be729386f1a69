//! What settings may say. Everything that is wrong is told at once.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;

use super::{Hours, Opening, Settings, schedules};
use crate::Quantity;

const DAY_S: f64 = 86_400.0;
/// Entries of a list.
const MOST: usize = 16;
/// Bytes of a time zone's name.
const MAX_ZONE: usize = 64;

/// One value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct InvalidSetting {
    /// Where it stands, as in `opening.max`.
    pub path: String,
    /// What is wrong, and what would do.
    pub problem: String,
}

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Problems(Vec<InvalidSetting>);

impl Problems {
    pub(super) fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(InvalidSetting {
            path: path.into(),
            problem: problem.into(),
        });
    }

    pub(super) fn within(&mut self, path: &str, value: Option<f64>, range: &RangeInclusive<f64>) {
        // Written so that no number is outside, too.
        if let Some(value) = value
            && !range.contains(&value)
        {
            let (low, high) = (range.start(), range.end());
            self.add(path, format!("is {value}; it may be {low} to {high}"));
        }
    }

    /// A span that ends where it begins is meant to be empty, or to be the whole day: only the latter has a form.
    fn hours(&mut self, path: &str, hours: Hours) {
        if hours.from == hours.until && hours.from.minutes() > 0 {
            let at = hours.from;
            self.add(
                path,
                format!("begins and ends at {at}, which is no time at all; the whole day is 00:00 to 00:00"),
            );
        }
    }

    fn ordered(&mut self, path: &str, min: Option<f64>, max: Option<f64>) {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            self.add(path, format!("has a least ({min}) above its most ({max})"));
        }
    }
}

impl Settings {
    /// Returns everything that cannot be used; empty if all can.
    pub fn problems(&self) -> Vec<InvalidSetting> {
        let mut problems = Problems::default();
        for (quantity, change) in &self.thresholds {
            let most = span(*quantity);
            problems.within(&format!("thresholds.{quantity}"), Some(*change), &(0.0..=most));
        }
        for (quantity, offset) in &self.calibration {
            // A sensor that errs by more is broken, not badly calibrated.
            let most = span(*quantity) / 4.0;
            problems.within(&format!("calibration.{quantity}"), Some(*offset), &(-most..=most));
        }
        problems.within("report_interval_s", self.report_interval_s, &(1.0..=DAY_S));
        problems.within("clip_interval_s", self.clip_interval_s, &(1.0..=DAY_S));
        problems.within("clip_length_s", self.clip_length_s, &(0.5..=60.0));
        problems.within("motor_travel_s", self.motor_travel_s, &(0.5..=600.0));
        problems.within("override_s", self.override_s, &(60.0..=30.0 * DAY_S));
        problems.within("min_interval_s", self.min_interval_s, &(0.0..=DAY_S));
        problems.within("min_move", self.min_move, &(0.0..=100.0));
        problems.within("tolerance", self.tolerance, &(0.1..=20.0));
        if let (Some(length), Some(interval)) = (self.clip_length_s, self.clip_interval_s)
            && length > interval
        {
            problems.add(
                "clip_length_s",
                format!("is longer than clip_interval_s ({interval})"),
            );
        }
        if self.quiet_hours.as_ref().is_some_and(|hours| hours.len() > MOST) {
            problems.add("quiet_hours", format!("has more than {MOST} entries"));
        }
        for (place, hours) in self.quiet_hours.iter().flatten().enumerate().take(MOST) {
            problems.hours(&format!("quiet_hours[{place}]"), *hours);
        }
        match self.time_zone.as_deref() {
            Some(zone) if !is_zone(zone) => {
                problems.add("time_zone", "is no name of a time zone, such as Europe/Berlin");
            }
            Some(zone) if TimeZone::get(zone).is_err() => problems.add(
                "time_zone",
                format!(
                    "is {zone}, which this machine does not know: names are such as Europe/Berlin, and a machine without any needs the package tzdata"
                ),
            ),
            Some(_) | None => {}
        }
        problems.within("latitude", self.latitude, &(-90.0..=90.0));
        problems.within("longitude", self.longitude, &(-180.0..=180.0));
        opening(&self.opening, &mut problems);
        self.interlocks.check(&mut problems);
        schedules::check(&self.schedules, &mut problems);
        problems.0
    }
}

fn opening(opening: &Opening, problems: &mut Problems) {
    const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
    problems.within("opening.min", opening.min, &PERCENT);
    problems.within("opening.max", opening.max, &PERCENT);
    problems.ordered("opening", opening.min, opening.max);
    let rules = opening.rules.as_deref().unwrap_or_default();
    if rules.len() > MOST {
        problems.add("opening.rules", format!("has more than {MOST} entries"));
    }
    for (place, rule) in rules.iter().enumerate().take(MOST) {
        let path = format!("opening.rules[{place}]");
        problems.within(&format!("{path}.min"), rule.min, &PERCENT);
        problems.within(&format!("{path}.max"), rule.max, &PERCENT);
        problems.ordered(&path, rule.min, rule.max);
        if let Some(hours) = rule.hours {
            problems.hours(&format!("{path}.hours"), hours);
        }
        if rule.min.is_none() && rule.max.is_none() {
            problems.add(&path, "limits nothing: it has neither min nor max");
        }
    }
}

fn span(quantity: Quantity) -> f64 {
    let (low, high) = quantity.range();
    high - low
}

/// Whether a time zone may have this name.
fn is_zone(name: &str) -> bool {
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+');
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_fine);
    name.len() <= MAX_ZONE && name.split('/').all(is_part)
}
