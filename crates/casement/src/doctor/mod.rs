//! `casement doctor` and `casement self-check`: whether an installation is well, whether this machine can have one, and what to
//! do where it is not.
//!
//! In: the configuration, and how to ask the services that it names. Out: findings. Each file of `checks` is one subject; a check
//! looks and returns a typed result, and reporting is another matter (`report`). Checks run side by side, each with a deadline,
//! so that none keeps the others waiting. They change nothing but what the check of devices' rights makes and removes again.

mod checks;
mod context;
mod finding;
mod report;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream};

pub(crate) use checks::is_trial;
pub(crate) use context::Setup;
pub(crate) use context::{Context, Target};
pub(crate) use finding::{Finding, Group, Outcome, State};
pub(crate) use report::{as_json, as_table};

/// One thing that is looked at.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// Whether a container's health check needs it.
    pub(crate) quick: bool,
    /// In which set-ups it says something.
    pub(crate) setups: &'static [Setup],
    pub(crate) deadline: Duration,
    pub(crate) run: fn(Arc<Context>) -> BoxFuture<'static, Outcome>,
}

/// The checks of an installation that concern this one.
pub(crate) fn of_installation(setup: Setup, quick: bool) -> Vec<Check> {
    checks::all()
        .into_iter()
        .filter(|check| (!quick || check.quick) && check.setups.contains(&setup))
        .collect()
}

/// The checks of a machine, on which nothing has to run or to be stored yet.
pub(crate) fn of_machine() -> Vec<Check> {
    checks::of_machine()
}

/// Runs checks. `done` hears of each as it ends; the findings are in their own order.
pub(crate) async fn examine(
    context: Arc<Context>,
    chosen: Vec<Check>,
    done: impl Fn(usize, usize, &Finding),
) -> Vec<Finding> {
    let count = chosen.len();
    let running = chosen.into_iter().enumerate().map(|(place, check)| {
        let context = Arc::clone(&context);
        async move { (place, one(check, context).await) }
    });
    let mut ended: Vec<(usize, Finding)> = Vec::new();
    let mut results = stream::iter(running).buffer_unordered(count.max(1));
    while let Some((place, finding)) = results.next().await {
        done(ended.len() + 1, count, &finding);
        ended.push((place, finding));
    }
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().map(|(_, finding)| finding).collect()
}

async fn one(check: Check, context: Arc<Context>) -> Finding {
    let outcome = tokio::time::timeout(check.deadline, (check.run)(context)).await;
    let outcome = outcome.unwrap_or_else(|_| {
        Outcome::failed(
            format!("no answer within {} s", check.deadline.as_secs_f32()),
            "Look at what it waits for: a disk that hangs, a network that drops packets.",
        )
    });
    Finding::new(check.name, check.group, outcome)
}
