//! When a group waits for company: a sync costs the same for one record as for a hundred.
//!
//! In: the times and sizes of groups. Out: pauses. A quiet journal writes at once, a busy one has large groups anyway;
//! in between, groups are spaced as long as records keep coming meanwhile. Callers who each wait for their last record
//! before they send the next one gain nothing by a pause, and get none.

use std::time::{Duration, Instant};

/// From the beginning of one group to that of the next.
const SPACING: Duration = Duration::from_millis(4);
/// Records of a group at which the next one need not wait.
const CROWD: u64 = 8;
/// A short pause, by which it is found out whether records keep coming.
const TRIAL: Duration = Duration::from_millis(2);
/// Groups in quick succession between two trials.
const TRIAL_AFTER: u32 = 64;
/// Pauses in succession in whose second half nothing came, after which there are no more.
const IN_VAIN: u32 = 6;

/// The rhythm of the writer thread.
#[derive(Debug)]
pub(crate) struct Pace {
    last: Option<Instant>,
    crowded: bool,
    /// Whether groups are spaced.
    spaced: bool,
    /// Groups in quick succession since the last trial, or pauses in vain.
    count: u32,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            last: None,
            crowded: false,
            spaced: false,
            count: 0,
        }
    }

    /// Returns how long the group that could begin `now` should wait.
    pub(crate) fn pause(&mut self, now: Instant) -> Option<Duration> {
        let since = self.last.map_or(SPACING, |last| now - last);
        if since >= SPACING || self.crowded {
            return None;
        }
        if self.spaced {
            return Some(SPACING.saturating_sub(since));
        }
        self.count += 1;
        (self.count >= TRIAL_AFTER).then_some(TRIAL)
    }

    /// Records a pause, and whether anything came in its second half.
    pub(crate) fn paused(&mut self, company: bool) {
        if !self.spaced {
            (self.spaced, self.count) = (company, 0);
        } else if company {
            self.count = 0;
        } else {
            self.count += 1;
            if self.count >= IN_VAIN {
                (self.spaced, self.count) = (false, 0);
            }
        }
    }

    /// Records the beginning of a group.
    pub(crate) const fn begin(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// Records the size of the group that has ended.
    pub(crate) const fn end(&mut self, records: u64) {
        self.crowded = records >= CROWD;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_micros(700);

    /// Lets records arrive for a second and returns the number of groups. `arrivals` tells how many have arrived so long
    /// after the beginning, of which so many were written so long after it.
    fn groups(arrivals: impl Fn(Duration, u64, Duration) -> u64) -> u64 {
        let begin = Instant::now();
        let (mut pace, mut groups) = (Pace::new(), 0);
        let (mut time, mut written, mut written_at) = (Duration::ZERO, 0, Duration::ZERO);
        while time < Duration::from_secs(1) {
            let arrived = |time| arrivals(time, written, written_at);
            if arrived(time) == written {
                time += Duration::from_micros(50);
                continue;
            }
            if let Some(pause) = pace.pause(begin + time) {
                let early = arrived(time + pause / 2);
                time += pause;
                pace.paused(arrived(time) > early);
            }
            pace.begin(begin + time);
            let records = arrived(time) - written;
            time += SYNC;
            (written, written_at) = (written + records, time);
            pace.end(records);
            groups += 1;
        }
        groups
    }

    fn every(interval: Duration) -> u64 {
        groups(|time, _, _| (time.as_micros() / interval.as_micros()) as u64)
    }

    #[test]
    fn a_thousand_records_a_second_share_groups() {
        let groups = every(Duration::from_millis(1));
        assert!((200..400).contains(&groups), "{groups}");
    }

    #[test]
    fn a_quiet_journal_writes_each_record_at_once() {
        assert_eq!(every(Duration::from_millis(10)), 99);
    }

    #[test]
    fn callers_that_wait_for_their_last_record_are_hardly_delayed() {
        for callers in [1, 4, 20] {
            let think = Duration::from_micros(100);
            let groups = groups(|time, written, written_at| {
                written + if time >= written_at + think { callers } else { 0 }
            });
            let undelayed = 1_000_000 / (SYNC + think).as_micros() as u64;
            assert!(groups > undelayed * 9 / 10, "{callers}: {groups} of {undelayed}");
        }
    }
}
