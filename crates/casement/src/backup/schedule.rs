//! Backups by the clock: when one is due, how the last ones went, and which are kept.
//!
//! In: the section `backup` and an open installation. Out: backups on the shelf, the part `backup` of the health, metrics.
//! What is due is decided by the newest backup on the shelf, so that a restart makes none and misses none.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use monitoring::{HealthSource, Part, Sample};
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Progress,
    gently::gently,
    shelf::{self, Shelved},
    source::Source,
    target::Target,
    writing,
};

/// Pause after a backup that failed, at most.
const AGAIN: Duration = Duration::from_mins(10);
/// Pause between two looks at what is due, at most: somebody may have made or removed a backup.
const LOOK: Duration = Duration::from_mins(1);

/// When backups are made, where, and how many are kept.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) every: Duration,
    pub(crate) shelf: PathBuf,
    pub(crate) keep: usize,
    /// Backups between two full ones that add to the one before.
    pub(crate) incrementals: usize,
}

/// How it went.
#[derive(Debug, Default)]
struct State {
    newest: Option<(Timestamp, u64)>,
    made: u64,
    failures: u64,
    failure: Option<String>,
}

/// Backups by the clock.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    plan: Plan,
    state: Arc<Mutex<State>>,
    started: Timestamp,
}

impl Schedule {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            state: Arc::default(),
            started: Timestamp::now(),
        }
    }

    /// Makes what is due until `stopping`.
    pub(crate) async fn run(self, source: Arc<Source>, stopping: CancellationToken) {
        loop {
            let pause = match self.look(&source).await {
                Ok(pause) => pause,
                Err(error) => {
                    let reason = format!("{error:#}");
                    warn!(reason, "the scheduled backup failed; it is tried again");
                    let mut state = self.state.lock();
                    state.failures += 1;
                    state.failure = Some(reason);
                    self.plan.every.min(AGAIN)
                }
            };
            if stopping
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Makes a backup if one is due. Returns when to look again.
    async fn look(&self, source: &Source) -> anyhow::Result<Duration> {
        let place = self.plan.shelf.clone();
        let (found, _) = spawn_blocking(move || shelf::list(&place))
            .await?
            .with_context(|| format!("backup.path {} cannot be read", self.plan.shelf.display()))?;
        let newest = found.first();
        let age = newest.map(|newest| age(newest.manifest.created));
        self.note(newest);
        if let Some(left) = age
            .and_then(|age| self.plan.every.checked_sub(age))
            .filter(|left| !left.is_zero())
        {
            self.state.lock().failure = None;
            return Ok(left.min(LOOK));
        }
        let made = self.make(source, self.base(&found)).await?;
        info!("{}", writing::summary(&made));
        self.note(Some(&made));
        {
            let mut state = self.state.lock();
            state.made += 1;
            state.failure = None;
        }
        let (place, keep) = (self.plan.shelf.clone(), self.plan.keep);
        let removed = spawn_blocking(move || shelf::prune(&place, keep))
            .await?
            .context("old backups cannot be removed")?;
        if removed > 0 {
            info!(removed, "old backups are removed");
        }
        Ok(self.plan.every.min(LOOK))
    }

    /// The backup that the next one adds to; none where a full one is due.
    fn base(&self, found: &[Shelved]) -> Option<Shelved> {
        let since_full = found
            .iter()
            .take_while(|backup| backup.manifest.base.is_some())
            .count();
        let newest = found.first().filter(|_| since_full < self.plan.incrementals)?;
        shelf::chain(newest.clone()).ok()?.into_iter().next()
    }

    async fn make(&self, source: &Source, base: Option<Shelved>) -> anyhow::Result<Shelved> {
        let index = base.as_ref().map(Shelved::index).transpose()?;
        let target = Target::Shelf(self.plan.shelf.clone());
        let (place, places) = (target.clone(), source.places().clone());
        spawn_blocking(move || place.prepare(&places))
            .await?
            .context("backup.path cannot be used")?;
        let room = target.room(&source.places().data);
        let taken = source.take(index, room, &Progress::silent()).await?;
        let snapshot = taken.snapshot.clone();
        let written =
            gently(move || writing::write(&snapshot, &target, base.as_ref(), &Progress::silent())).await;
        source.discard(taken).await;
        written
    }

    fn note(&self, newest: Option<&Shelved>) {
        self.state.lock().newest = newest.map(|newest| (newest.manifest.created, newest.manifest.bytes));
    }

    /// The part `backup`.
    pub(crate) fn health(&self) -> HealthSource {
        let this = self.clone();
        Arc::new(move || {
            let state = this.state.lock();
            let newest = state.newest.map(|(created, _)| created);
            vec![judge(
                newest,
                this.started,
                this.plan.every,
                state.failure.as_deref(),
            )]
        })
    }
}

/// The metrics of a schedule, or that there is none, without their prefix.
pub(crate) fn samples(schedule: Option<&Schedule>) -> Vec<Sample> {
    let every = schedule.map_or(0, |schedule| schedule.plan.every.as_secs());
    let (newest, made, failures) = schedule.map_or((None, 0, 0), |schedule| {
        let state = schedule.state.lock();
        (state.newest, state.made, state.failures)
    });
    let (created, bytes) = newest.map_or((0, 0), |(created, bytes)| {
        (created.as_second().max(0) as u64, bytes)
    });
    let gauge = |name, help, value| Sample::Gauge { name, help, value };
    let counter = |name, help, value| Sample::Counter { name, help, value };
    vec![
        gauge(
            "last_success_timestamp_seconds",
            "The moment of the newest whole backup on the shelf, in seconds since 1970; 0 without one",
            created,
        ),
        gauge(
            "last_bytes",
            "Bytes of the newest whole backup's own files",
            bytes,
        ),
        gauge(
            "interval_seconds",
            "Time between two scheduled backups; 0 where none is scheduled",
            every,
        ),
        counter("made", "Scheduled backups that were made", made),
        counter("failures", "Scheduled backups that failed", failures),
    ]
}

fn age(created: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(created)).unwrap_or(Duration::ZERO)
}

/// The health of a schedule whose newest backup is of `newest`.
fn judge(newest: Option<Timestamp>, started: Timestamp, every: Duration, failure: Option<&str>) -> Part {
    let newest_said = newest.map_or_else(
        || "there is no backup yet".to_owned(),
        |newest| format!("the newest backup is of {newest:.0}"),
    );
    if let Some(failure) = failure {
        return Part::degraded(
            "backup",
            format!("the last backup failed: {failure}; {newest_said}"),
        );
    }
    if age(newest.unwrap_or(started)) > every * 2 {
        return Part::degraded(
            "backup",
            format!("{newest_said}, and one is due every {} s", every.as_secs()),
        );
    }
    Part {
        reason: Some(newest_said),
        ..Part::ok("backup")
    }
}

#[cfg(test)]
mod tests {
    use monitoring::State as HealthState;

    use super::*;

    #[test]
    fn a_failure_or_an_old_backup_is_told() {
        let hour = Duration::from_hours(1);
        let ago = |hours: i64| Timestamp::from_second(Timestamp::now().as_second() - hours * 3_600).unwrap();
        let state = |newest, started, failure| judge(newest, started, hour, failure).state;
        assert_eq!(state(Some(ago(1)), ago(9), None), HealthState::Ok);
        assert_eq!(state(None, ago(1), None), HealthState::Ok);
        assert_eq!(state(Some(ago(3)), ago(9), None), HealthState::Degraded);
        assert_eq!(state(None, ago(3), None), HealthState::Degraded);
        let failed = judge(Some(ago(0)), ago(0), hour, Some("the disk is full"));
        assert_eq!(failed.state, HealthState::Degraded);
        assert!(failed.reason.unwrap().contains("the disk is full"));
    }
}
