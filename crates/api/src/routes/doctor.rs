//! The checks of `casement doctor`, run by the service that answers. For admins.
//!
//! In: who asks for a run. Out: what the newest run found, and how far one has come. One run at a time; its findings are kept
//! until the next one or the end of the process. What is checked, and how, is the [`Doctor`]'s.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State, http::StatusCode};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use monitoring::{Problem, extract::NoBody};
use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::task::AbortOnDropHandle;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Parts, problems::UNAVAILABLE};

/// A run takes at most so long; what is left then is not looked at. Each check has a deadline of its own besides.
const LONGEST_RUN: Duration = Duration::from_mins(2);

/// Hears how many checks of how many have ended.
pub type Told = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Runs the checks of an installation.
pub trait Doctor: Send + Sync {
    /// Runs every check once, side by side.
    fn examine(&self, told: Told) -> BoxFuture<'static, Vec<Finding>>;
}

/// How something that was looked at is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It is well.
    Ok,
    /// It could not be looked at, for a reason that is no fault.
    Skipped,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work, or is not safe.
    Failed,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The name of the check.
    #[schema(examples("certificate"))]
    pub name: String,
    /// What it is about: `configuration`, `broker`, `accounts`, `tls`, `clickhouse`, `model`, `host`, `data`, `devices`, `page`.
    #[schema(examples("tls"))]
    pub group: String,
    /// How it is.
    pub state: FindingState,
    /// What was found, in words.
    #[schema(examples("the certificate is valid for 340 days"))]
    pub summary: String,
    /// More, in words; null where there is nothing to add.
    pub detail: Option<String>,
    /// What to do; null where nothing is to be done.
    pub remedy: Option<String>,
}

/// What a run found.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Examination {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    finished_at: Timestamp,
    /// The worst state; `ok` where checks were only skipped.
    state: FindingState,
    /// Every finding, in a fixed order.
    checks: Vec<Finding>,
}

/// A run that has not ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct ExaminationProgress {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Checks that have ended.
    done: usize,
    /// All checks; 0 before the first has ended.
    of: usize,
}

/// The newest run, and the one that goes on.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
struct Examinations {
    /// The run that goes on; null while none does.
    running: Option<ExaminationProgress>,
    /// The newest that has ended; null before the first.
    latest: Option<Examination>,
    /// Why the newest run ended without a result; null otherwise.
    problem: Option<String>,
}

/// What is known. Clones share it.
#[derive(Debug, Clone, Default)]
struct Surgery(Arc<Mutex<Examinations>>);

impl Surgery {
    /// Begins a run, unless one goes on. Returns when it began, which is its name.
    fn begin(&self) -> Option<Timestamp> {
        let mut known = self.0.lock();
        if known.running.is_some() {
            return None;
        }
        let started_at = Timestamp::now();
        known.running = Some(ExaminationProgress {
            started_at,
            done: 0,
            of: 0,
        });
        known.problem = None;
        Some(started_at)
    }

    /// Says how far the run of that time is; one that was given up is not listened to.
    fn progress(&self, started_at: Timestamp, done: usize, of: usize) {
        let mut known = self.0.lock();
        let own = known
            .running
            .as_mut()
            .filter(|running| running.started_at == started_at);
        if let Some(running) = own {
            (running.done, running.of) = (done, of);
        }
    }

    fn end(&self, found: Result<Vec<Finding>, &str>) {
        let mut known = self.0.lock();
        let Some(running) = known.running.take() else {
            return;
        };
        match found {
            Ok(checks) => {
                known.latest = Some(Examination {
                    started_at: running.started_at,
                    finished_at: Timestamp::now(),
                    state: worst(&checks),
                    checks,
                });
            }
            Err(why) => known.problem = Some(why.to_owned()),
        }
    }

    /// Examines to the end, which comes in time.
    async fn examine(self, doctor: Arc<dyn Doctor>, started_at: Timestamp) {
        let told = self.clone();
        let examined = doctor.examine(Arc::new(move |done, of| told.progress(started_at, done, of)));
        // A task of its own, so that a fault in a check ends the check and not the run's bookkeeping. It ends with the wait.
        let examined = AbortOnDropHandle::new(tokio::spawn(examined));
        let examined = tokio::time::timeout(LONGEST_RUN, examined).await;
        self.end(match examined {
            Ok(Ok(checks)) => Ok(checks),
            Ok(Err(_)) => Err("a check ended with a fault of its own; the log says which"),
            Err(_) => Err("the checks took more than two minutes; `casement doctor` shows which one hangs"),
        });
    }
}

fn worst(checks: &[Finding]) -> FindingState {
    let states = checks.iter().map(|finding| finding.state);
    let worst = states.filter(|state| *state != FindingState::Skipped).max();
    worst.unwrap_or(FindingState::Ok)
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(show, examine))
        .layer(Extension(Surgery::default()))
}

/// Show what the checks found.
///
/// The newest run with its time, and how far a run has come that goes on. Nothing is checked by asking.
#[utoipa::path(get, path = "/doctor", operation_id = "get_examination", tag = "service", responses(
    (status = 200, description = "What is known.", body = Examinations)
))]
async fn show(Extension(surgery): Extension<Surgery>) -> Json<Examinations> {
    Json(surgery.0.lock().clone())
}

/// Run the checks.
///
/// Those of `casement doctor`: configuration, broker, accounts, certificates, ClickHouse, model, journal, disk, clocks, devices.
/// They change nothing but two accounts that one check makes and removes again. While they run, this starts nothing more.
#[utoipa::path(post, path = "/doctor", operation_id = "examine", tag = "service", responses(
    (status = 202, description = "They run.", body = Examinations)
))]
async fn examine(
    State(parts): State<Arc<Parts>>,
    Extension(surgery): Extension<Surgery>,
    _: NoBody,
) -> Result<(StatusCode, Json<Examinations>), Problem> {
    let doctor = parts.doctor.clone();
    let doctor = doctor.ok_or_else(|| Problem::new(&UNAVAILABLE, "this process has no checks"))?;
    if let Some(started_at) = surgery.begin() {
        tokio::spawn(surgery.clone().examine(doctor, started_at));
    }
    let known = surgery.0.lock().clone();
    Ok((StatusCode::ACCEPTED, Json(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Finds(Vec<FindingState>);

    impl Doctor for Finds {
        fn examine(&self, told: Told) -> BoxFuture<'static, Vec<Finding>> {
            let found = self.0.iter().map(|&state| Finding {
                name: "one".into(),
                group: "host".into(),
                state,
                summary: String::new(),
                detail: None,
                remedy: None,
            });
            let found: Vec<_> = found.collect();
            Box::pin(async move {
                told(1, found.len());
                found
            })
        }
    }

    struct Breaks;

    impl Doctor for Breaks {
        fn examine(&self, _: Told) -> BoxFuture<'static, Vec<Finding>> {
            Box::pin(async { panic!("on purpose") })
        }
    }

    #[tokio::test]
    async fn one_run_at_a_time_and_its_findings_stay() {
        let surgery = Surgery::default();
        let own = surgery.begin().unwrap();
        assert!(surgery.begin().is_none());
        surgery.progress(own, 3, 24);
        surgery.progress(Timestamp::UNIX_EPOCH, 23, 24);
        let running = surgery.0.lock().running.unwrap();
        assert_eq!((running.done, running.of), (3, 24), "of this run, not of another");
        let states = vec![FindingState::Ok, FindingState::Skipped, FindingState::Warning];
        surgery.clone().examine(Arc::new(Finds(states)), own).await;
        let known = surgery.0.lock().clone();
        assert!(known.running.is_none());
        assert_eq!(known.latest.as_ref().unwrap().state, FindingState::Warning);
        assert_eq!(known.latest.unwrap().checks.len(), 3);
        assert!(surgery.begin().is_some(), "the next one may begin");
    }

    /// Never ends; what it holds is given back when it is ended.
    struct Hangs(Arc<()>);

    impl Doctor for Hangs {
        fn examine(&self, _: Told) -> BoxFuture<'static, Vec<Finding>> {
            let held = Arc::clone(&self.0);
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop(held);
                Vec::new()
            })
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_ended() {
        let (surgery, held) = (Surgery::default(), Arc::new(()));
        let own = surgery.begin().unwrap();
        let examined = surgery.examine(Arc::new(Hangs(Arc::clone(&held))), own);
        let wait = Duration::from_millis(50);
        assert!(tokio::time::timeout(wait, examined).await.is_err());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn what_breaks_is_said_and_what_was_known_stays() {
        let surgery = Surgery::default();
        let first = surgery.begin().unwrap();
        let finds = Finds(vec![FindingState::Skipped]);
        surgery.clone().examine(Arc::new(finds), first).await;
        let second = surgery.begin().unwrap();
        surgery.clone().examine(Arc::new(Breaks), second).await;
        let known = surgery.0.lock().clone();
        assert!(known.problem.unwrap().contains("fault"));
        assert_eq!(known.latest.unwrap().state, FindingState::Ok);
        assert!(known.running.is_none());
    }
}
