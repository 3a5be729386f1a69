//! Times of day, days of the year, and the hours between two of them.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A time of day, to the minute: `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct TimeOfDay(u16);

/// A day of any year: `MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct DayOfYear {
    month: u8,
    day: u8,
}

/// The text is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTime(&'static str);

/// A span of each day: from a time until another, over midnight where the second is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Hours {
    /// Its beginning, `HH:MM`.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", examples("22:00"))]
    pub from: TimeOfDay,
    /// Its end, `HH:MM`, which is no longer part of it.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", examples("06:30"))]
    pub until: TimeOfDay,
}

impl TimeOfDay {
    /// The beginning of a day.
    pub const MIDNIGHT: Self = Self(0);

    /// Returns the time of day at `hour` and `minute`; `None` where there is no such time.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        if hour < 24 && minute < 60 {
            Some(Self(hour as u16 * 60 + minute as u16))
        } else {
            None
        }
    }

    /// Returns the minutes since midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

/// A moment of each day: a time of day, or one by the sun, such as `sunset` or `sunrise+00:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub enum DayMoment {
    /// By the clock.
    Clock(TimeOfDay),
    /// So many minutes after sunrise; before it where they are negative.
    Sunrise(i16),
    /// The same of sunset.
    Sunset(i16),
}

impl DayOfYear {
    /// Returns the day `day` of `month`, both from 1; `None` where no year has it.
    pub const fn new(month: u8, day: u8) -> Option<Self> {
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 29,
            _ => return None,
        };
        if 1 <= day && day <= days {
            Some(Self { month, day })
        } else {
            None
        }
    }
}

impl Hours {
    /// Returns whether `time` is in this span. A span that ends where it begins is the whole day.
    pub fn contains(self, time: TimeOfDay) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// Reads two numbers of two digits with `separator` between them.
fn pair(text: &str, separator: u8) -> Option<(u8, u8)> {
    let &[a, b, between, c, d] = text.as_bytes() else {
        return None;
    };
    let digits = [a, b, c, d].iter().all(u8::is_ascii_digit) && between == separator;
    let number = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
    digits.then(|| (number(a, b), number(c, d)))
}

impl FromStr for TimeOfDay {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let time = pair(text, b':').and_then(|(hour, minute)| Self::new(hour, minute));
        time.ok_or(InvalidTime("a time of day is HH:MM, from 00:00 to 23:59"))
    }
}

impl FromStr for DayOfYear {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let day = pair(text, b'-').and_then(|(month, day)| Self::new(month, day));
        day.ok_or(InvalidTime("a day of the year is MM-DD, from 01-01 to 12-31"))
    }
}

impl FromStr for DayMoment {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let wrong = InvalidTime(
            "a moment of the day is HH:MM, sunrise or sunset, or one of them with up to 12 hours: sunset-00:30",
        );
        let (of, rest) = if let Some(rest) = text.strip_prefix("sunrise") {
            (Self::Sunrise as fn(i16) -> Self, rest)
        } else if let Some(rest) = text.strip_prefix("sunset") {
            (Self::Sunset as fn(i16) -> Self, rest)
        } else {
            return text.parse().map(Self::Clock).map_err(|_| wrong);
        };
        let (sign, span) = match rest.as_bytes().first() {
            None => return Ok(of(0)),
            Some(b'+') => (1, &rest[1..]),
            Some(b'-') => (-1, &rest[1..]),
            Some(_) => return Err(wrong),
        };
        match span.parse::<TimeOfDay>() {
            Ok(TimeOfDay(minutes)) if minutes <= 720 => Ok(of(sign * minutes.cast_signed())),
            _ => Err(wrong),
        }
    }
}

impl fmt::Display for DayMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, offset) = match self {
            Self::Clock(time) => return time.fmt(f),
            Self::Sunrise(offset) => ("sunrise", *offset),
            Self::Sunset(offset) => ("sunset", *offset),
        };
        f.write_str(word)?;
        if offset == 0 {
            return Ok(());
        }
        let sign = if offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{}", TimeOfDay(offset.unsigned_abs()))
    }
}

impl TryFrom<Cow<'_, str>> for DayMoment {
    type Error = InvalidTime;

    fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<DayMoment> for String {
    fn from(moment: DayMoment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl TryFrom<Cow<'_, str>> for TimeOfDay {
    type Error = InvalidTime;

    fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl TryFrom<Cow<'_, str>> for DayOfYear {
    type Error = InvalidTime;

    fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl From<DayOfYear> for String {
    fn from(day: DayOfYear) -> Self {
        day.to_string()
    }
}
