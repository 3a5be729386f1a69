//! The books: what was acknowledged to the devices beside what is stored, row by row.

use std::{
    collections::HashMap,
    ops::AddAssign,
    time::{Duration, Instant},
};

use crate::bench::House;

/// When no message came for so long, none will: longer than the longest pause between two attempts to connect.
const STILL: Duration = Duration::from_secs(15);

/// One reading: its device, and a value that no other reading of the device has, in thousandths.
pub(super) type Reading = (String, i64);

/// What devices know.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Acknowledged, with the device's time in milliseconds.
    pub(super) acknowledged: HashMap<Reading, i64>,
    /// Sent and not acknowledged: stored or not, both are right.
    pub(super) open: HashMap<Reading, i64>,
}

impl AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.open.extend(other.open);
    }
}

/// How the books stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) acknowledged: usize,
    /// Acknowledged and not stored.
    pub(super) lost: usize,
    /// Stored more than once.
    pub(super) doubled: usize,
    /// Stored and never sent, or with another time.
    pub(super) wrong: usize,
}

impl Balance {
    pub(super) fn is_even(self) -> bool {
        (self.lost, self.doubled, self.wrong) == (0, 0, 0)
    }
}

/// Compares once nothing is missing, or nothing more comes. `times` says whether the devices' times are to be kept.
pub(super) async fn close(house: &mut House, sent: &Sent, times: bool) -> anyhow::Result<Balance> {
    house.wait_stored().await?;
    let (mut changed, mut accepted) = (Instant::now(), 0);
    loop {
        let balance = compare(&stored(house)?, sent, times);
        // After a cut a broker may first repeat a hundred thousand messages that are there already.
        let now = house.status()?["temperature"].as_u64().unwrap_or_default();
        if now != accepted {
            (changed, accepted) = (Instant::now(), now);
        }
        if balance.lost == 0 || changed.elapsed() > STILL {
            return Ok(balance);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        house.wait_stored().await?;
    }
}

fn stored(house: &House) -> anyhow::Result<Vec<(Reading, i64)>> {
    let text = house.sql(
        "SELECT device_id, toInt64(round(value * 1000)), toUnixTimestamp64Milli(timestamp) FROM iot.sensor_temperature FORMAT TSV",
    )?;
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let device = fields.next()?.to_owned();
        let value = fields.next()?.parse().ok()?;
        Some(((device, value), fields.next()?.parse().ok()?))
    };
    Ok(text.lines().filter_map(row).collect())
}

fn compare(rows: &[(Reading, i64)], sent: &Sent, times: bool) -> Balance {
    let mut counts: HashMap<&Reading, usize> = HashMap::new();
    let mut wrong = 0;
    for (reading, time) in rows {
        *counts.entry(reading).or_default() += 1;
        let known = sent.acknowledged.get(reading).or_else(|| sent.open.get(reading));
        wrong += usize::from(known.is_none_or(|known| times && known != time));
    }
    Balance {
        acknowledged: sent.acknowledged.len(),
        lost: sent
            .acknowledged
            .keys()
            .filter(|key| !counts.contains_key(key))
            .count(),
        doubled: counts.values().map(|count| count - 1).sum(),
        wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_balance_is_counted() {
        let reading = |n: i64| ("d".to_owned(), n);
        let sent = Sent {
            acknowledged: [(reading(1), 10), (reading(2), 20), (reading(3), 30)].into(),
            open: [(reading(4), 40)].into(),
        };
        let even = [
            (reading(1), 10),
            (reading(2), 20),
            (reading(3), 30),
            (reading(4), 40),
        ];
        assert!(compare(&even, &sent, true).is_even());
        assert!(
            compare(&even[..3], &sent, true).is_even(),
            "what was not acknowledged may be missing"
        );
        let uneven = [
            (reading(1), 10),
            (reading(1), 10),
            (reading(3), 31),
            (reading(9), 90),
        ];
        let balance = compare(&uneven, &sent, true);
        assert_eq!((balance.lost, balance.doubled, balance.wrong), (1, 1, 2));
        assert_eq!(
            compare(&uneven, &sent, false).wrong,
            1,
            "a replaced clock is no wrong row"
        );
    }
}
