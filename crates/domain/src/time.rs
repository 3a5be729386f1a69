//! Points in time, and the policy for device clocks that are wrong.
//!
//! In: RFC 3339 text or epoch milliseconds. Out: millisecond timestamps, the precision of ClickHouse's `DateTime64(3)`.
//! It never reads a clock: the time of receipt is always a parameter.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point in time, UTC, in whole milliseconds since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-05-01T12:00:00.000Z"))]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a timestamp is RFC 3339, like 2025-10-24T12:00:00Z")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Creates a timestamp from epoch milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns epoch milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with an offset of up to 14 hours. Digits below a millisecond are cut off.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let bytes = text.as_bytes();
        // RFC 3339 requires a full date, a `T` (or `t`, or a space) and a full time; jiff alone accepts less.
        let shaped = bytes.len() >= 20
            && bytes[4] == b'-'
            && bytes[7] == b'-'
            && matches!(bytes[10], b'T' | b't' | b' ')
            && bytes[13] == b':'
            && bytes[16] == b':'
            && !text.contains('[');
        if !shaped || offset_hours(bytes).is_some_and(|hours| hours > FURTHEST_OFFSET) {
            return Err(InvalidTimestamp);
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Self(instant.as_millisecond())),
            Err(_) => Self::at_the_end(text).ok_or(InvalidTimestamp),
        }
    }

    /// Parses a time of the last two days of the year 9999, which lie beyond what jiff represents: "for ever" of some
    /// clocks. It becomes the last time that is represented.
    fn at_the_end(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("9999-12-3")?;
        let _: jiff::Timestamp = format!("9998-12-3{rest}").parse().ok()?;
        Some(Self(jiff::Timestamp::MAX.as_second() * 1_000))
    }

    /// Returns the time `span` later.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_millis() as i64))
    }

    /// Returns the time `span` earlier.
    #[must_use]
    pub const fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_millis() as i64))
    }

    /// Returns the time `ms` later; earlier if that is negative.
    #[must_use]
    pub const fn shifted(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the milliseconds since `earlier`; negative if `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// No place on Earth is further from UTC, in hours.
const FURTHEST_OFFSET: f64 = 14.0;

/// Returns the hours of the offset at the end of a date and time; `None` without digits.
fn offset_hours(text: &[u8]) -> Option<f64> {
    let zone = text.get(19..)?;
    let sign = zone.iter().rposition(|b| matches!(b, b'+' | b'-'))?;
    let digit = |place: usize| {
        let digits = zone[sign + 1..].iter().filter(|b| b.is_ascii_digit());
        digits.map(|b| f64::from(b - b'0')).nth(place)
    };
    let minutes = digit(2).unwrap_or_default() * 10.0 + digit(3).unwrap_or_default();
    Some(digit(0)? * 10.0 + digit(1)? + minutes / 60.0)
}

impl fmt::Display for Timestamp {
    /// Formats as RFC 3339 in UTC; the fraction is omitted when it is zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => fmt::Display::fmt(&instant, f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The policy that decides which device clocks are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPolicy {
    /// Earliest believable time; anything earlier comes from a clock that was never set.
    pub earliest: Timestamp,
    /// How far ahead of the time of receipt a clock may run.
    pub max_ahead: Duration,
    /// Age on arrival from which a reading counts as late. Late readings are kept.
    pub late_after: Duration,
}

/// The verdict on a device's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Believable and current.
    Right,
    /// Believable but late: the reading was delayed.
    Late,
    /// Before the earliest believable time: the clock was never set.
    Unset,
    /// Too far in the future.
    Ahead,
    /// The same time again and again: the clock stands still. See [`SeriesClock`](crate::SeriesClock).
    Standing,
}

impl ClockState {
    /// Returns whether the time of receipt stands in for the device's own.
    pub const fn is_replaced(self) -> bool {
        matches!(self, Self::Unset | Self::Ahead | Self::Standing)
    }

    /// Returns the name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Late => "late",
            Self::Unset => "unset",
            Self::Ahead => "ahead",
            Self::Standing => "standing",
        }
    }
}

/// A device's time after the policy was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped {
    /// The time to store.
    pub timestamp: Timestamp,
    /// The verdict on the device's own time. A time that is unset or ahead was replaced by the time of receipt.
    pub clock: ClockState,
}

impl Default for ClockPolicy {
    /// Returns the default policy: 2020-01-01 at the earliest, five minutes ahead at most, late after five minutes.
    fn default() -> Self {
        Self {
            earliest: Timestamp::from_millis(1_577_836_800_000),
            max_ahead: Duration::from_mins(5),
            late_after: Duration::from_mins(5),
        }
    }
}

impl ClockPolicy {
    /// Keeps `claimed` if it is believable; otherwise takes the time of receipt.
    pub fn judge(&self, claimed: Timestamp, received_at: Timestamp) -> Stamped {
        let clock = if claimed < self.earliest {
            ClockState::Unset
        } else if claimed > received_at.plus(self.max_ahead) {
            ClockState::Ahead
        } else if claimed.plus(self.late_after) < received_at {
            ClockState::Late
        } else {
            ClockState::Right
        };
        Stamped {
            timestamp: if clock.is_replaced() { received_at } else { claimed },
            clock,
        }
    }
}

impl Stamped {
    /// Returns whether the time of receipt stands in for the device's own.
    pub const fn is_replaced(self) -> bool {
        self.clock.is_replaced()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_forms_devices_send() {
        let noon = Timestamp::from_millis(1_761_307_200_000);
        for text in [
            "2025-10-24T12:00:00Z",
            "2025-10-24T12:00:00.000Z",
            "2025-10-24t12:00:00z",
            "2025-10-24 12:00:00+00:00",
            "2025-10-24T14:00:00+02:00",
            "2025-10-24T12:00:00.000499+00:00",
            "2025-10-25T02:00:00+14:00",
            "2025-10-24T00:00:00-12:00",
            "2025-10-24T12:00:00-00:00",
            "2025-10-24T14:00:00+0200",
        ] {
            assert_eq!(Timestamp::parse(text), Ok(noon), "{text}");
        }
        assert_eq!(noon.to_string(), "2025-10-24T12:00:00Z");
    }

    #[test]
    fn reads_the_first_and_the_last_years() {
        for text in ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-12:00"] {
            let last = Timestamp::parse(text).unwrap();
            assert!(last > Timestamp::parse("9999-12-30T00:00:00Z").unwrap());
            assert!(last.to_string().starts_with("9999-12-30T"), "it can be written");
        }
        assert!(Timestamp::parse("9999-12-32T00:00:00Z").is_err());
    }

    #[test]
    fn refuses_what_is_not_rfc_3339() {
        for text in [
            "",
            "now",
            "1761307200",
            "2025-10-24",
            "2025-10-24T12:00Z",
            "2025-13-01T00:00:00Z",
            "2025-10-24T12:00:00",
            "2025-10-24T12:00:00+25:00",
            "2025-10-24T12:00:00-25:00",
            "2025-10-24T12:00:00+14:01",
            "2025-10-24T12:00:00+99",
        ] {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn an_unset_or_runaway_clock_is_replaced() {
        let policy = ClockPolicy::default();
        let now = Timestamp::from_millis(1_761_307_200_000);
        let ago = |seconds: i64| Timestamp::from_millis(now.as_millis() - seconds * 1000);
        for (claimed, clock) in [
            (Timestamp::from_millis(0), ClockState::Unset),
            (now.plus(Duration::from_secs(299)), ClockState::Right),
            (now.plus(Duration::from_secs(301)), ClockState::Ahead),
            (ago(299), ClockState::Right),
            (ago(301), ClockState::Late),
            (ago(86_400), ClockState::Late),
        ] {
            let stamped = policy.judge(claimed, now);
            assert_eq!(stamped.clock, clock, "{claimed}");
            let kept = matches!(clock, ClockState::Right | ClockState::Late);
            assert_eq!(stamped.timestamp, if kept { claimed } else { now });
        }
    }

    proptest! {
        #[test]
        fn text_and_back(millis in 0_i64..4_102_444_800_000) {
            let t = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&t.to_string()), Ok(t));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = Timestamp::parse(&text);
        }
    }
}
