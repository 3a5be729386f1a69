//! Which months are old, and which may go where the disk runs short.
//!
//! In: the months of every table, the time. Out: months, in the order of their removal.

use std::{collections::BTreeMap, time::Duration};

use domain::Timestamp;
use store::{Kept, StoredMonth};

const DAY: Duration = Duration::from_hours(24);

/// The months whose every row is older than it is to be kept: rows before what follows from them, the oldest first.
pub(super) fn old(months: &[StoredMonth], days: &BTreeMap<Kept, u32>, now: Timestamp) -> Vec<StoredMonth> {
    let mut old = Vec::new();
    for kept in Kept::ALL.into_iter().filter(|kept| kept.time_to_live().is_none()) {
        let days = days.get(&kept).copied().unwrap_or(0);
        if days == 0 {
            continue;
        }
        let since = now.minus(DAY * days);
        for table in kept.tables() {
            let of_table = months.iter().filter(|month| month.table == table);
            old.extend(of_table.filter(|month| is_over(month.month, since)).cloned());
        }
    }
    old
}

/// The months that may go for space, where the rollups have them: readings, the oldest month first and in it the largest
/// table, then clips.
pub(super) fn for_space(months: &[StoredMonth], now: Timestamp) -> Vec<StoredMonth> {
    let over = |month: &&StoredMonth| is_over(month.month, now);
    let of = |wanted: Kept| {
        let of_kind = months
            .iter()
            .filter(move |month| Kept::of(&month.table) == Some(wanted));
        // What is suspect is nowhere else.
        of_kind.filter(|month| month.table != "suspect_readings")
    };
    let mut readings: Vec<StoredMonth> = of(Kept::Readings).filter(over).cloned().collect();
    readings.sort_by_key(|month| (month.month, std::cmp::Reverse(month.bytes)));
    let mut clips: Vec<StoredMonth> = of(Kept::Audio).filter(over).cloned().collect();
    clips.sort_by_key(|month| month.month);
    readings.into_iter().chain(clips).collect()
}

/// Whether the disk is short: below the mark, and once it is, until a tenth above it.
pub(super) const fn is_short(free: u64, mark: u64, was_short: bool) -> bool {
    let until = if was_short {
        mark.saturating_add(mark / 10)
    } else {
        mark
    };
    free < until
}

/// Whether a month (`YYYYMM`) ended a day or more before `at`: a server's months need not be those of UTC. `false` for
/// what is no month.
fn is_over(month: u32, at: Timestamp) -> bool {
    let (year, month) = (month / 100, month % 100);
    let (year, next) = match month {
        1..=11 => (year, month + 1),
        12 => (year + 1, 1),
        _ => return false,
    };
    let end = Timestamp::parse(&format!("{year:04}-{next:02}-01T00:00:00Z"));
    end.is_ok_and(|end| at.millis_since(end) >= DAY.as_millis() as i64)
}

/// `2025-10` for 202510.
pub(super) fn month_name(month: u32) -> String {
    format!("{:04}-{:02}", month / 100, month % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn month(table: &str, month: u32, bytes: u64) -> StoredMonth {
        StoredMonth {
            table: table.into(),
            month,
            rows: 1,
            bytes,
        }
    }

    #[test]
    fn a_month_is_over_a_day_after_its_last() {
        assert!(!is_over(202_510, at("2025-11-01T23:59:59Z")));
        assert!(is_over(202_510, at("2025-11-02T00:00:00Z")));
        assert!(!is_over(202_512, at("2026-01-01T12:00:00Z")));
        assert!(is_over(202_512, at("2026-01-02T12:00:00Z")));
        // Not divided by month, or no month.
        assert!(!is_over(0, at("2026-01-02T12:00:00Z")) && !is_over(202_513, at("2036-01-02T12:00:00Z")));
    }

    #[test]
    fn old_is_what_its_own_days_say_and_nothing_else() {
        let now = at("2026-03-15T00:00:00Z");
        let months = [
            month("sensor_temperature", 202_510, 1),
            month("sensor_temperature", 202_602, 1),
            month("readings_by_time", 202_510, 1),
            month("window_actions", 202_510, 1),
            month("decision_outcomes", 202_510, 1),
            month("ingest_errors", 202_510, 1),
            month("device_registry", 0, 1),
            month("somebody_elses", 202_510, 1),
        ];
        let days = |days: &[(Kept, u32)]| days.iter().copied().collect::<BTreeMap<_, _>>();
        assert!(old(&months, &BTreeMap::new(), now).is_empty());
        let found = old(&months, &days(&[(Kept::Readings, 30)]), now);
        assert_eq!(found, [months[0].clone()]);
        // 2026-02 ends 13 days before.
        let found = old(&months, &days(&[(Kept::Readings, 13)]), now);
        assert_eq!(found, [months[0].clone(), months[1].clone()]);
        let found = old(
            &months,
            &days(&[(Kept::Events, 90), (Kept::Rollups, 0), (Kept::Errors, 1)]),
            now,
        );
        assert_eq!(found, [months[3].clone(), months[4].clone()]);
    }

    #[test]
    fn for_space_go_the_oldest_readings_then_clips_and_never_this_month() {
        let now = at("2026-03-15T00:00:00Z");
        let months = [
            month("sensor_audio", 202_501, 9),
            month("sensor_humidity", 202_602, 5),
            month("sensor_temperature", 202_602, 7),
            month("sensor_temperature", 202_603, 8),
            month("sensor_temperature", 202_604, 8),
            month("sensor_humidity", 202_601, 1),
            month("suspect_readings", 202_501, 9),
            month("readings_by_time", 202_501, 9),
            month("ml_predictions", 202_501, 9),
        ];
        let order: Vec<_> = for_space(&months, now)
            .into_iter()
            .map(|month| (month.table, month.month))
            .collect();
        let expected = [
            ("sensor_humidity", 202_601),
            ("sensor_temperature", 202_602),
            ("sensor_humidity", 202_602),
            ("sensor_audio", 202_501),
        ];
        assert_eq!(order, expected.map(|(table, month)| (table.to_owned(), month)));
    }

    #[test]
    fn a_short_disk_is_short_until_a_tenth_above_the_mark() {
        assert!(is_short(99, 100, false) && !is_short(100, 100, false));
        assert!(is_short(109, 100, true) && !is_short(110, 100, true));
        assert!(!is_short(0, 0, true));
    }
}
