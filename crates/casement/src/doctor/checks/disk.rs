//! The disks of the data: how much is free, and how long a sync takes.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

use super::{
    super::{Context, Outcome, Setup},
    off_worker,
};

const MIB: u64 = 1 << 20;
/// Free space below which a disk is as good as full, and below which somebody should look.
const FULL: u64 = 64 * MIB;
const LOW: u64 = 1_024 * MIB;
/// How many syncs are timed, of how many bytes.
const SYNCS: usize = 20;
const BYTES: usize = 4_096;
/// A median beyond which a thousand messages a second cannot be had, and a longest that clients notice.
const SLOW: Duration = Duration::from_millis(50);
const STALLED: Duration = Duration::from_secs(1);

/// The directories of this role that are there.
pub(super) fn directories(context: &Context) -> Vec<(&'static str, PathBuf)> {
    let config = &context.config;
    let mut all = Vec::new();
    if context.setup != Setup::Engine {
        all.push(("the journal", config.journal.path.clone()));
        all.push(("accounts", config.accounts_dir()));
    }
    if context.embeds_broker() {
        all.push(("the broker", config.broker.path.clone()));
    }
    if context.embeds_engine() {
        all.push(("ClickHouse", config.engine.path.clone()));
    }
    if config.audio.store_raw && context.setup != Setup::Engine {
        all.push(("recordings", config.audio.storage_path.clone()));
    }
    all.retain(|(_, path)| path.exists());
    all
}

pub(super) fn space(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let directories = directories(context);
        if directories.is_empty() {
            return Outcome::skipped("there are no data yet");
        }
        let mut least = u64::MAX;
        let mut outcomes = Vec::new();
        for (what, path) in &directories {
            match free(path) {
                Ok(free) => {
                    least = least.min(free);
                    outcomes.extend(judged(what, path, free));
                }
                Err(error) => outcomes.push(Outcome::failed(
                    format!("the disk of {what} cannot be looked at: {error}"),
                    "Run doctor as the user of the service.",
                )),
            }
        }
        Outcome::worst(outcomes, || {
            Outcome::ok(format!("at least {} MiB are free for every part", least / MIB))
        })
    })
}

pub(super) fn free(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

pub(super) fn judged(what: &str, path: &Path, free: u64) -> Option<Outcome> {
    let found = format!("{} MiB are free for {what} in {}", free / MIB, path.display());
    let remedy = "Make room, keep less (retention), or move the directory to a larger disk.";
    match free {
        ..FULL => Some(Outcome::failed(found, remedy)),
        FULL..LOW => Some(Outcome::warning(found, remedy)),
        _ => None,
    }
}

pub(super) fn speed(context: Arc<Context>) -> BoxFuture<'static, Outcome> {
    off_worker(context, |context| {
        let directories = directories(context);
        let Some((_, path)) = directories.first() else {
            return Outcome::skipped("there are no data yet");
        };
        let beside = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(path);
        timed(beside)
    })
}

/// Whether a directory can be written, and how fast.
pub(super) fn timed(directory: &Path) -> Outcome {
    match syncs(directory) {
        Err(error) => Outcome::failed(
            format!("nothing can be written in {}: {error}", directory.display()),
            "Look at its permissions and its free space.",
        ),
        Ok(times) => paced(&times),
    }
}

/// How long syncs of a small file take, which is gone afterwards.
fn syncs(directory: &Path) -> io::Result<Vec<Duration>> {
    let mut file = tempfile::tempfile_in(directory)?;
    let block = [0x5a; BYTES];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(times)
}

fn paced(times: &[Duration]) -> Outcome {
    let mut sorted = times.to_vec();
    sorted.sort();
    let (median, longest) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let found = format!(
        "a sync takes {:.1} ms, the longest {:.1} ms",
        ms(median),
        ms(longest)
    );
    let remedy = "Every message waits for a sync: use a disk with less to do, or one that syncs faster (SD cards do not).";
    if median > SLOW || longest > STALLED {
        Outcome::warning(found, remedy)
    } else {
        Outcome::ok(found)
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_full_disk_has_failed_and_a_low_one_is_told() {
        let of = |mib: u64| judged("x", Path::new("/x"), mib * MIB).map(|outcome| outcome.state);
        assert_eq!(of(63), Some(State::Failed));
        assert_eq!(of(64), Some(State::Warning));
        assert_eq!(of(1_024), None);
    }

    #[test]
    fn a_slow_disk_is_told() {
        let of = |ms: u64, longest: u64| {
            let mut times = vec![Duration::from_millis(ms); 19];
            times.push(Duration::from_millis(longest));
            paced(&times).state
        };
        assert_eq!(of(1, 30), State::Ok);
        assert_eq!(of(60, 60), State::Warning);
        assert_eq!(of(1, 1_500), State::Warning);
    }

    #[test]
    fn timing_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(syncs(dir.path()).unwrap().len(), SYNCS);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
