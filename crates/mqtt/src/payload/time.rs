//! The forms in which devices state a time.
//!
//! In: the text or the number of a field. Out: a timestamp where only one can be meant, or a refusal that says what is
//! missing. The common form, RFC 3339, is tried first.

use domain::{Refusal, RefusalReason, Timestamp};

/// Longest text that may be a time, in bytes.
const LONGEST: usize = 64;

/// Parses the time in `text`. `path` names the field.
pub(super) fn parse(path: &str, text: &str) -> Result<Timestamp, Refusal> {
    Timestamp::parse(text).or_else(|_| unusual(path, text))
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size: of now they have 10, 13, 16
/// and 19 digits.
pub(super) fn since_1970(path: &str, number: f64) -> Result<Timestamp, Refusal> {
    if !number.is_finite() || number.abs() >= 1e20 {
        return Err(refusal(path, &number.to_string(), FORMS));
    }
    // 20251024120000 would be a millisecond of the year 2611.
    if number.fract() == 0.0 && (1.9e13..2.2e13).contains(&number) {
        return Err(refusal(
            path,
            &number.to_string(),
            "it looks like a date without its separators",
        ));
    }
    let millis = match number.abs() {
        seconds if seconds < 1e11 => number * 1e3,
        millis if millis < 1e14 => number,
        micros if micros < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    Ok(Timestamp::from_millis(millis.round() as i64))
}

const FORMS: &str =
    "a timestamp is RFC 3339, like 2025-10-24T12:00:00Z, or seconds or milliseconds since 1970";

#[cold]
fn unusual(path: &str, text: &str) -> Result<Timestamp, Refusal> {
    let trimmed = text.trim();
    if trimmed.len() > LONGEST {
        return Err(refusal(path, text, FORMS));
    }
    let is_number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if trimmed.bytes().all(is_number)
        && let Ok(number) = trimmed.parse()
    {
        return since_1970(path, number);
    }
    let spelt = spelt_out(trimmed);
    Timestamp::parse(&spelt).map_err(|_| refusal(path, text, problem(&spelt)))
}

/// The same time as RFC 3339 has it: a point before the fraction, `Z` for UTC, no space before the zone, and no name of a
/// zone behind its offset (RFC 9557).
fn spelt_out(text: &str) -> String {
    let named = text.strip_suffix(']').and_then(|text| text.split_once('['));
    let mut text = named.map_or(text, |(bare, _)| bare).to_owned();
    for name in ["UTC", "GMT", "utc", "gmt"] {
        if let Some(bare) = text.strip_suffix(name) {
            text = format!("{}Z", bare.trim_end());
        }
    }
    let Some((moment, zone)) = text.split_at_checked(19) else {
        return text;
    };
    format!("{moment}{}", zone.trim_start().replace(',', ".").replace(' ', ""))
}

/// Says what keeps `text` from being a timestamp.
fn problem(text: &str) -> &'static str {
    let reads = |text: &str| Timestamp::parse(text).is_ok();
    let (moment, zone) = text.split_at_checked(19).unwrap_or((text, ""));
    if text.is_empty() {
        "it is empty; without a clock send 0, and the time of receipt counts"
    } else if reads(&format!("{text}Z")) {
        "it names no zone: append Z if it is UTC, otherwise the offset, like +02:00"
    } else if reads(&format!("{moment}Z")) && zone.contains(['+', '-']) {
        "its offset from UTC is none: they go from -14:00 to +14:00"
    } else if reads(&format!("{moment}Z")) && zone.trim_start().starts_with(char::is_alphabetic) {
        "its zone is a name, which may mean several: append Z for UTC, otherwise the offset, like +02:00"
    } else {
        FORMS
    }
}

fn refusal(path: &str, text: &str, problem: &str) -> Refusal {
    let shown: String = text.chars().take(40).collect();
    Refusal::new(
        RefusalReason::BadTimestamp,
        format!("'{path}' is '{shown}': {problem}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_761_307_200_000);

    #[test]
    fn every_form_of_one_time_is_that_time() {
        for text in [
            "2025-10-24T12:00:00Z",
            "2025-10-24t12:00:00z",
            "2025-10-24 12:00:00Z",
            "2025-10-24 12:00:00 UTC",
            "2025-10-24T12:00:00GMT",
            "2025-10-24T12:00:00,000Z",
            "2025-10-24 14:00:00 +02:00",
            "2025-10-24T14:00:00+0200",
            "2025-10-24T12:00:00.000000000Z",
            "2025-10-24T12:00:00Z[UTC]",
            "2025-10-24T14:00:00+02:00[Europe/Berlin]",
            " 2025-10-24T12:00:00Z\n",
            "1761307200",
            "1761307200.000",
            "1761307200000",
            "1761307200000000",
            "1761307200000000000",
        ] {
            assert_eq!(parse("timestamp", text), Ok(NOON), "{text}");
        }
        for number in [1_761_307_200.0, 1.761_307_2e12, 1.761_307_2e15, 1.761_307_2e18] {
            assert_eq!(since_1970("timestamp", number), Ok(NOON), "{number}");
        }
        let half = Timestamp::from_millis(1_761_307_200_500);
        assert_eq!(since_1970("timestamp", 1_761_307_200.5), Ok(half));
        assert_eq!(since_1970("timestamp", 12.0), Ok(Timestamp::from_millis(12_000)));
    }

    #[test]
    fn what_may_mean_several_times_is_refused_with_a_remedy() {
        for (text, word) in [
            ("", "empty"),
            ("yesterday", "RFC 3339"),
            ("2025-10-24T12:00:00", "append Z"),
            ("2025-10-24 12:00:00.123456", "append Z"),
            ("2025-10-24T12:00:00+25:00", "offset"),
            ("2025-10-24T12:00:00-15:00", "offset"),
            ("2025-10-24", "RFC 3339"),
            ("2025-10-24T12:00Z", "RFC 3339"),
            ("Fri Oct 24 12:00:00 2025", "RFC 3339"),
            ("2025-10-24T12:00:00[Europe/Berlin]", "append Z"),
            ("2025-10-24T12:00:00 CET", "is a name"),
            ("2025-10-24 12:00:00 Europe/Berlin", "is a name"),
            ("0000-00-00T00:00:00Z", "RFC 3339"),
            ("20251024120000", "separators"),
            ("1e300", "RFC 3339"),
            ("12:00:00", "RFC 3339"),
        ] {
            let refusal = parse("timestamp", text).unwrap_err();
            assert_eq!(refusal.reason, RefusalReason::BadTimestamp, "{text}");
            assert!(refusal.detail.contains(word), "{refusal}");
        }
        for number in [f64::NAN, f64::INFINITY, 1e300, -1e20] {
            assert!(since_1970("timestamp", number).is_err(), "{number}");
        }
    }

    proptest! {
        #[test]
        fn no_text_and_no_number_panics(text in any::<String>(), number in any::<f64>()) {
            let _ = parse("timestamp", &text);
            let _ = since_1970("timestamp", number);
        }

        #[test]
        fn a_time_of_now_is_the_same_in_every_unit(millis in 1_577_836_800_000_i64..4_000_000_000_000) {
            let time = Timestamp::from_millis(millis);
            for scale in [1e-3, 1.0, 1e3] {
                prop_assert_eq!(since_1970("timestamp", millis as f64 * scale), Ok(time));
            }
        }
    }
}
