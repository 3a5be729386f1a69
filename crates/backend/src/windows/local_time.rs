//! The time of day and the day of the year at a place: quiet hours and opening rules are told in them.

use domain::{DayOfYear, TimeOfDay, Timestamp};
use jiff::tz::TimeZone;

/// The time of day and the day in the time zone of that name; in the machine's own where there is no name, or none that
/// this machine knows.
pub(super) fn local_time(at: Timestamp, zone: Option<&str>) -> (TimeOfDay, DayOfYear) {
    let zone = zone.and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or_else(TimeZone::system);
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    let local = jiff::ZonedDateTime::new(instant, zone);
    let time = TimeOfDay::new(local.hour() as u8, local.minute() as u8);
    let day = DayOfYear::new(local.month() as u8, local.day() as u8);
    (
        time.expect("a clock shows hours and minutes"),
        day.expect("a calendar shows days"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_own_time() {
        // 2026-01-01T01:30:00Z: New Year's Eve is not over in New York.
        let at = Timestamp::from_millis(1_767_231_000_000);
        let (time, day) = local_time(at, Some("America/New_York"));
        assert_eq!(
            (time.to_string(), day.to_string()),
            ("20:30".into(), "12-31".into())
        );
        let (time, _) = local_time(at, Some("Asia/Kolkata"));
        assert_eq!(time.to_string(), "07:00");
        // A name that nobody knows is the machine's.
        assert_eq!(local_time(at, Some("Mars/Olympus")), local_time(at, None));
    }
}
