//! Reconciliation of what was acknowledged to the devices with what is stored, row by row.

use std::{
    collections::HashMap,
    ops::AddAssign,
    time::{Duration, Instant},
};

use testkit::Deployment;

use super::{companion, rollups::RollupResult};

/// If no message arrived for this long, none will: it is longer than the longest pause between two connection attempts.
const QUIET: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(500);

/// One reading: its device, and a value in thousandths that no other reading of the device has.
pub(super) type Reading = (String, i64);

/// The readings that devices sent, each with the device's time in milliseconds.
#[derive(Debug, Default)]
pub(super) struct SentReadings {
    /// Acknowledged: they must be stored.
    pub(super) acknowledged: HashMap<Reading, i64>,
    /// Not acknowledged: they may be stored or not.
    pub(super) unacknowledged: HashMap<Reading, i64>,
}

impl AddAssign for SentReadings {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unacknowledged.extend(other.unacknowledged);
    }
}

/// The result: how many readings differ, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reconciliation {
    pub(super) acknowledged: usize,
    /// Acknowledged and not stored.
    pub(super) lost: usize,
    /// Stored more than once.
    pub(super) doubled: usize,
    /// Stored and never sent, or with another time.
    pub(super) wrong: usize,
    /// How the rollups differ from what is stored.
    pub(super) rollups: RollupResult,
}

impl Reconciliation {
    /// Whether nothing is doubled, wrong, or rolled up wrongly, and nothing lost if that is promised.
    pub(super) fn is_consistent(self, promised: bool) -> bool {
        (self.doubled, self.wrong, self.rollups.different) == (0, 0, 0) && (self.lost == 0 || !promised)
    }
}

/// Compares as soon as nothing is missing, or nothing more arrives. `times` says whether devices' times must be stored.
pub(super) async fn reconcile(
    deployment: &mut Deployment,
    sent: &SentReadings,
    times: bool,
) -> anyhow::Result<Reconciliation> {
    deployment.wait_stored().await?;
    let (mut changed, mut accepted) = (Instant::now(), 0);
    loop {
        let result = compare(&stored_readings(deployment)?, sent, times);
        // After a cut, a broker may first repeat a hundred thousand messages that were delivered before.
        let now = deployment.status()?["counters"]["messages"]["temperature"]
            .as_u64()
            .unwrap_or_default();
        if now != accepted {
            (changed, accepted) = (Instant::now(), now);
        }
        if result.lost == 0 || changed.elapsed() > QUIET {
            return Ok(result);
        }
        tokio::time::sleep(POLL).await;
        deployment.wait_stored().await?;
    }
}

fn stored_readings(deployment: &Deployment) -> anyhow::Result<Vec<(Reading, i64)>> {
    let text = deployment.sql(&format!(
        "SELECT device_id, toInt64(round(value * 1000)), toUnixTimestamp64Milli(timestamp) FROM iot.sensor_temperature \
         WHERE device_id != '{}' FORMAT TSV",
        companion::DEVICE
    ))?;
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let device = fields.next()?.to_owned();
        let value = fields.next()?.parse().ok()?;
        Some(((device, value), fields.next()?.parse().ok()?))
    };
    Ok(text.lines().filter_map(row).collect())
}

fn compare(rows: &[(Reading, i64)], sent: &SentReadings, times: bool) -> Reconciliation {
    let mut counts: HashMap<&Reading, usize> = HashMap::new();
    let mut wrong = 0;
    for (reading, time) in rows {
        *counts.entry(reading).or_default() += 1;
        let known = sent
            .acknowledged
            .get(reading)
            .or_else(|| sent.unacknowledged.get(reading));
        wrong += usize::from(known.is_none_or(|known| times && known != time));
    }
    let missing = |reading: &&Reading| !counts.contains_key(*reading);
    Reconciliation {
        acknowledged: sent.acknowledged.len(),
        lost: sent.acknowledged.keys().filter(missing).count(),
        doubled: counts.values().map(|count| count - 1).sum(),
        wrong,
        rollups: RollupResult::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_counted() {
        let reading = |n: i64| ("d".to_owned(), n);
        let sent = SentReadings {
            acknowledged: [(reading(1), 10), (reading(2), 20), (reading(3), 30)].into(),
            unacknowledged: [(reading(4), 40)].into(),
        };
        let complete = [
            (reading(1), 10),
            (reading(2), 20),
            (reading(3), 30),
            (reading(4), 40),
        ];
        assert!(compare(&complete, &sent, true).is_consistent(true));
        assert!(
            compare(&complete[..3], &sent, true).is_consistent(true),
            "what was not acknowledged may be missing"
        );
        let different = [
            (reading(1), 10),
            (reading(1), 10),
            (reading(3), 31),
            (reading(9), 90),
        ];
        let result = compare(&different, &sent, true);
        assert_eq!((result.lost, result.doubled, result.wrong), (1, 1, 2));
        assert_eq!(
            compare(&different, &sent, false).wrong,
            1,
            "a replaced time is not wrong"
        );
    }
    #[test]
    fn a_rollup_that_differs_is_no_success_whatever_is_promised() {
        let right = Reconciliation {
            acknowledged: 1,
            ..Reconciliation::default()
        };
        let rollups = RollupResult {
            different: 1,
            ..RollupResult::default()
        };
        let lost = Reconciliation { lost: 1, ..right };
        assert!(right.is_consistent(true) && lost.is_consistent(false) && !lost.is_consistent(true));
        for promised in [true, false] {
            assert!(!Reconciliation { rollups, ..right }.is_consistent(promised));
        }
    }
}
