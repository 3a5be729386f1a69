//! When a window goes somewhere by itself, as people set it up.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DayMoment, Season, TimeOfDay, check::Problems, interlocks::seconds};
use crate::Position;

/// Schedules of one level.
const MOST: usize = 16;
/// Bytes of a schedule's name.
const MAX_NAME: usize = 64;
const PERCENT: RangeInclusive<f64> = 0.0..=100.0;

/// The schedules of one level by name. One of the same name takes the place of that of the level above.
pub type Schedules = BTreeMap<String, Schedule>;

/// When a window goes somewhere by itself, and for how long the model leaves it there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Schedule {
    /// What kind it is; which of the other values it has follows from that.
    pub kind: ScheduleKind,
    /// Where the window goes, % open. `fixed` needs it; without it, `airing` and `night_cooling` open to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub position: Option<f64>,
    /// `fixed`: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("07:00", "sunset-00:30"))]
    pub at: Option<DayMoment>,
    /// `night_cooling`, `airing`: from when on; `night_cooling` needs both, `airing` is at any time without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("22:00", "sunset"))]
    pub from: Option<DayMoment>,
    /// `night_cooling`, `airing`: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("06:30", "sunrise+01:00"))]
    pub until: Option<DayMoment>,
    /// The days on which it begins; every day without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 7)]
    pub days: Option<Vec<Weekday>>,
    /// The days of the year on which it begins; all without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season: Option<Season>,
    /// `fixed`: how long the window is left there, 3600 s without it. `airing`: how long it takes, 300 s without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86_400)]
    pub for_s: Option<f64>,
    /// `airing`: the least time from one to the next, 7200 s without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 604_800)]
    pub every_s: Option<f64>,
    /// `airing`: the humidity above which it is due, %.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub humidity_above: Option<f64>,
    /// `airing`: the CO₂ above which it is due, ppm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 40_000)]
    pub co2_above: Option<f64>,
    /// `night_cooling`: the temperature indoors above which it begins, 24 °C without it. It ends a degree below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -60, maximum = 100)]
    pub indoor_above: Option<f64>,
    /// `night_cooling`: by how much it has to be colder outside, 2 °C without it. It ends at half of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 50)]
    pub colder_by: Option<f64>,
}

/// What kind of schedule it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// None: it switches one of the level above off.
    #[default]
    Off,
    /// Open wide for minutes, when humidity or CO₂ asks.
    Airing,
    /// Somewhere at a time of day.
    Fixed,
    /// Open at night while it is colder outside than inside, and warm inside.
    NightCooling,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl ScheduleKind {
    /// Returns the name used in settings and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Airing => "airing",
            Self::Fixed => "fixed",
            Self::NightCooling => "night_cooling",
        }
    }
}

impl Schedule {
    /// Returns where the window goes.
    pub fn target(&self) -> Position {
        Position::new(self.position.unwrap_or(100.0).clamp(0.0, 100.0)).unwrap_or(Position::SHUT)
    }

    /// Returns how long it lasts, where it lasts for a time.
    pub fn lasts(&self) -> Duration {
        let otherwise = if self.kind == ScheduleKind::Fixed {
            3_600.0
        } else {
            300.0
        };
        seconds(self.for_s.unwrap_or(otherwise))
    }

    /// Returns the least time from one airing to the next.
    pub fn pause(&self) -> Duration {
        seconds(self.every_s.unwrap_or(7_200.0))
    }

    fn check(&self, path: &str, problems: &mut Problems) {
        let within = |name: &str, value, range: RangeInclusive<f64>, problems: &mut Problems| {
            problems.within(&format!("{path}.{name}"), value, &range);
        };
        within("position", self.position, PERCENT, problems);
        within("for_s", self.for_s, 1.0..=86_400.0, problems);
        within("every_s", self.every_s, 60.0..=604_800.0, problems);
        within("humidity_above", self.humidity_above, PERCENT, problems);
        within("co2_above", self.co2_above, 0.0..=40_000.0, problems);
        within("indoor_above", self.indoor_above, -60.0..=100.0, problems);
        within("colder_by", self.colder_by, 0.0..=50.0, problems);
        self.missing(path, problems);
        self.foreign(path, problems);
        if self
            .days
            .as_ref()
            .is_some_and(|days| days.is_empty() || days.len() > 7)
        {
            problems.add(
                format!("{path}.days"),
                "names one to seven days; without it, it is every day",
            );
        }
        if self.is_nothing() {
            problems.add(
                format!("{path}.until"),
                "is the same as from, which is no time at all; the whole day is 00:00 to 00:00",
            );
        }
        if self.kind == ScheduleKind::Airing && self.lasts() > self.pause() {
            problems.add(
                format!("{path}.for_s"),
                format!("is longer than every_s ({})", self.pause().as_secs_f64()),
            );
        }
    }

    /// A span that ends where it begins is meant to be empty, or to be the whole day: only the latter has a form.
    fn is_nothing(&self) -> bool {
        let midnight = DayMoment::Clock(TimeOfDay::MIDNIGHT);
        self.from.is_some() && self.from == self.until && self.from != Some(midnight)
    }

    /// What its kind needs.
    fn missing(&self, path: &str, problems: &mut Problems) {
        match self.kind {
            ScheduleKind::Fixed => {
                if self.at.is_none() {
                    problems.add(format!("{path}.at"), "is missing: when the window goes there");
                }
                if self.position.is_none() {
                    problems.add(
                        format!("{path}.position"),
                        "is missing: where the window goes, 0 to 100",
                    );
                }
            }
            ScheduleKind::NightCooling if self.from.is_none() || self.until.is_none() => {
                problems.add(
                    path,
                    "needs from and until, such as 22:00 and 06:30, or sunset and sunrise",
                );
            }
            ScheduleKind::Airing => {
                if self.humidity_above.is_none() && self.co2_above.is_none() {
                    problems.add(path, "needs humidity_above or co2_above: it would never be due");
                }
                if self.from.is_some() != self.until.is_some() {
                    problems.add(path, "has only one of from and until");
                }
            }
            ScheduleKind::Off | ScheduleKind::NightCooling => {}
        }
    }

    /// What its kind does not heed.
    fn foreign(&self, path: &str, problems: &mut Problems) {
        use ScheduleKind::{Airing, Fixed, NightCooling, Off};
        let given: [(&str, bool, &[ScheduleKind]); 12] = [
            (
                "position",
                self.position.is_some(),
                &[Airing, Fixed, NightCooling],
            ),
            ("at", self.at.is_some(), &[Fixed]),
            ("from", self.from.is_some(), &[Airing, NightCooling]),
            ("until", self.until.is_some(), &[Airing, NightCooling]),
            ("days", self.days.is_some(), &[Airing, Fixed, NightCooling]),
            ("season", self.season.is_some(), &[Airing, Fixed, NightCooling]),
            ("for_s", self.for_s.is_some(), &[Airing, Fixed]),
            ("every_s", self.every_s.is_some(), &[Airing]),
            ("humidity_above", self.humidity_above.is_some(), &[Airing]),
            ("co2_above", self.co2_above.is_some(), &[Airing]),
            ("indoor_above", self.indoor_above.is_some(), &[NightCooling]),
            ("colder_by", self.colder_by.is_some(), &[NightCooling]),
        ];
        if self.kind == Off {
            return;
        }
        for (name, is_given, kinds) in given {
            if is_given && !kinds.contains(&self.kind) {
                let kind = self.kind.as_str();
                problems.add(
                    format!("{path}.{name}"),
                    format!("says nothing for the kind {kind}"),
                );
            }
        }
    }
}

/// Returns the schedules of a level over those of the level above.
pub(super) fn over(own: &Schedules, above: &Schedules) -> Schedules {
    let mut both = above.clone();
    both.extend(
        own.iter()
            .map(|(name, schedule)| (name.clone(), schedule.clone())),
    );
    both
}

pub(super) fn check(schedules: &Schedules, problems: &mut Problems) {
    if schedules.len() > MOST {
        problems.add("schedules", format!("has more than {MOST} entries"));
    }
    for (name, schedule) in schedules.iter().take(MOST) {
        if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            problems.add(
                "schedules",
                format!("has a name that is empty, longer than {MAX_NAME} bytes or has control characters"),
            );
            continue;
        }
        schedule.check(&format!("schedules.{name}"), problems);
    }
}
