//! Times and periods as people write them: `2025-10-24T12:00:00Z`, `-24h`, `now`.

use std::num::NonZeroU32;

use domain::Timestamp;
use monitoring::{Problem, extract::invalid};
use store::{Period, interval_s, whole_intervals};

pub(crate) const DAY_MS: i64 = 86_400_000;
/// 2100-01-01T00:00:00Z: nothing is stored beyond.
const LATEST: i64 = 4_102_444_800_000;
const MAX_TEXT: usize = 64;
const EXPECTED: &str = "is no time: write 2025-10-24T12:00:00Z (a + is %2B in a URL), -24h, -7d or now";

/// A period, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Period);

impl Span {
    pub(crate) const fn from(self) -> Timestamp {
        Timestamp::from_millis(self.0.since)
    }

    pub(crate) const fn to(self) -> Timestamp {
        Timestamp::from_millis(self.0.until)
    }
}

/// How finely a question may be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fineness {
    /// Points, if nobody says how many.
    pub(crate) usual: u32,
    /// Points at most.
    pub(crate) most: u32,
    /// The shortest interval, s.
    pub(crate) shortest_s: u64,
}

/// A period in intervals: what a chart asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intervals {
    /// The period, as it is asked for.
    pub(crate) asked: Span,
    /// The length of an interval, s.
    pub(crate) length_s: u64,
    /// The period with a whole first interval.
    pub(crate) period: Period,
}

/// Reads a period, a day long unless its beginning is said, and the number of points that fill it.
pub(crate) fn intervals(
    from: Option<&str>,
    to: Option<&str>,
    points: Option<u32>,
    fineness: Fineness,
) -> Result<Intervals, Problem> {
    let asked = span(from, to, Some(DAY_MS))?;
    let points = NonZeroU32::new(points.unwrap_or(fineness.usual));
    let points = points.filter(|points| points.get() <= fineness.most);
    let points = points.ok_or_else(|| invalid("points", format!("is not within 1 to {}", fineness.most)))?;
    let length_s = interval_s(asked.0, points).max(fineness.shortest_s);
    Ok(Intervals {
        asked,
        length_s,
        period: whole_intervals(asked.0, length_s),
    })
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Reads the two ends of a period: `to` is now where it is left out, `from` is so many milliseconds before it, or the
/// beginning of time.
pub(crate) fn span(from: Option<&str>, to: Option<&str>, default_ms: Option<i64>) -> Result<Span, Problem> {
    read(from, to, default_ms, now())
}

fn read(from: Option<&str>, to: Option<&str>, default_ms: Option<i64>, now: i64) -> Result<Span, Problem> {
    let until = to.map_or(Ok(now), |text| time("to", text, now))?;
    let since = match from {
        Some(text) => time("from", text, now)?,
        None => default_ms.map_or(0, |span| (until - span).max(0)),
    };
    if since > until {
        return Err(invalid("from", "lies after `to`"));
    }
    Ok(Span(Period { since, until }))
}

/// Reads a time with its offset, or one relative to `now`.
fn time(name: &str, text: &str, now: i64) -> Result<i64, Problem> {
    let refused = || invalid(name, EXPECTED);
    if text.len() > MAX_TEXT {
        return Err(refused());
    }
    let millis = match text.strip_prefix('-') {
        _ if text == "now" => now,
        Some(ago) => now.saturating_sub(length(ago).ok_or_else(refused)?),
        None => Timestamp::parse(text).map_err(|_| refused())?.as_millis(),
    };
    if !(0..=LATEST).contains(&millis) {
        return Err(invalid(name, "is not within the years 1970 to 2099"));
    }
    Ok(millis)
}

/// Reads `90s`, `15m`, `24h`, `7d`, `4w`, in ms.
fn length(text: &str) -> Option<i64> {
    let unit = match text.bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => DAY_MS,
        b'w' => 7 * DAY_MS,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| digits.parse().ok())??;
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_761_307_200_000;

    fn period(from: Option<&str>, to: Option<&str>) -> Option<(i64, i64)> {
        let Span(period) = read(from, to, Some(DAY_MS), NOW).ok()?;
        Some((period.since - NOW, period.until - NOW))
    }

    #[test]
    fn a_period_has_two_ends() {
        assert_eq!(period(None, None), Some((-DAY_MS, 0)));
        assert_eq!(period(Some("-1h"), None), Some((-3_600_000, 0)));
        assert_eq!(period(Some("-2w"), Some("-90s")), Some((-14 * DAY_MS, -90_000)));
        assert_eq!(
            period(Some("2025-10-24T13:00:00+02:00"), Some("now")),
            Some((-3_600_000, 0))
        );
        assert_eq!(period(None, Some("2025-10-24T12:00:00Z")), Some((-DAY_MS, 0)));
        assert_eq!(period(Some("1970-01-01T00:00:00Z"), None), Some((-NOW, 0)));
        assert_eq!(read(None, None, None, NOW).unwrap().0.since, 0);
    }

    #[test]
    fn a_chart_has_whole_intervals_and_a_bounded_number_of_points() {
        let fineness = Fineness {
            usual: 100,
            most: 200,
            shortest_s: 10,
        };
        let of = |from: &str, points| intervals(Some(from), None, points, fineness);
        let day = of("-24h", None).unwrap();
        assert_eq!(day.length_s, 900);
        assert_eq!(day.period.since % 900_000, 0);
        assert!(day.asked.0.since - day.period.since < 900_000 && day.period.until == day.asked.0.until);
        assert_eq!(of("-24h", Some(200)).unwrap().length_s, 600);
        assert_eq!(of("-1m", Some(200)).unwrap().length_s, 10);
        for wrong in [0, 201, u32::MAX] {
            assert!(of("-24h", Some(wrong)).is_err(), "{wrong}");
        }
        assert!(of("yesterday", None).is_err());
        let usual = intervals(None, None, None, fineness).unwrap().asked.0;
        assert_eq!(usual.until - usual.since, DAY_MS);
    }

    #[test]
    fn anything_else_is_told() {
        for wrong in [
            "",
            "-",
            "-h",
            "-1",
            "-1y",
            "--1h",
            "-1.5h",
            "-+1h",
            "-9999999999h",
            "-999999999w",
            "yesterday",
            "2025-10-24",
            "2025-10-24 12:00",
            "1969-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
            "-1\u{e9}",
            "' OR 1 = 1 --",
        ] {
            assert_eq!(period(Some(wrong), None), None, "{wrong}");
            assert_eq!(period(None, Some(wrong)), None, "{wrong}");
        }
        assert_eq!(period(Some("-1h"), Some("-2h")), None, "it ends before it begins");
        assert_eq!(period(Some(&"1".repeat(100)), None), None);
    }
}
