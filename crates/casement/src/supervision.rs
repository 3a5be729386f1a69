//! The tasks of a role, none of which may end before the role does.
//!
//! In: tasks. Out: which one failed, so that the role ends in order and says so. A panic ends the process in any case, see
//! [`crate::telemetry::panics`]. While tasks run, a service manager that asks for it hears that the role lives: from the same
//! loop, so that a runtime that no longer turns is noticed.

use std::{convert::Infallible, pin::pin, time::Duration};

use anyhow::{Context as _, anyhow};
use axum::Router;
use monitoring::HttpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::service_manager;

/// Tasks that run until the role ends.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<(&'static str, anyhow::Result<()>)>,
}

impl Tasks {
    /// Starts a task. `name` is for the error if it ends early.
    pub fn add(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.running.spawn(async move { (name, task.await) });
    }

    /// Serves `router` until `shutdown`.
    pub fn serve(&mut self, listener: HttpListener, router: Router, shutdown: CancellationToken) {
        let serving = listener.spawn(router, shutdown);
        self.add("the HTTP listener", async { Ok(serving.await?) });
    }

    /// Returns why the first task ended; waits as long as all of them run.
    pub async fn failed(&mut self) -> anyhow::Error {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Err(_)) => anyhow!("an internal error ended a task of the service"),
            Some(Ok((name, Ok(())))) => anyhow!("{name} ended by itself"),
            Some(Ok((name, Err(error)))) => error.context(format!("{name} ended")),
        }
    }

    /// Waits until `shutdown`, or returns why a task ended before.
    pub async fn run_until(&mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let ended = {
            let (failed, living) = (pin!(self.failed()), pin!(live()));
            tokio::select! {
                biased;
                () = shutdown.cancelled() => Ok(()),
                error = failed => Err(error),
                never = living => match never {},
            }
        };
        service_manager::stopping();
        ended
    }

    /// Waits until all tasks, which were told to end, have ended, for at most `patience`. The others are aborted.
    pub async fn join(mut self, patience: Duration) -> anyhow::Result<()> {
        let ended = async { while self.running.join_next().await.is_some() {} };
        let ended = tokio::time::timeout(patience, ended).await;
        ended.context("a task did not end in time")
    }
}

/// Tells the service manager again and again that the role lives, if it asks.
async fn live() -> Infallible {
    let Some(pulse) = service_manager::pulse() else {
        return std::future::pending().await;
    };
    loop {
        service_manager::alive();
        tokio::time::sleep(pulse).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(task: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> Tasks {
        let mut tasks = Tasks::default();
        tasks.add("one that runs", std::future::pending());
        tasks.add("the listener", task);
        tasks
    }

    #[tokio::test]
    async fn the_first_task_that_ends_is_named() {
        let mut ended = tasks(async { Ok(()) });
        assert_eq!(ended.failed().await.to_string(), "the listener ended by itself");
        let mut refused = tasks(async { Err(anyhow!("the port is gone")) });
        let error = format!("{:#}", refused.failed().await);
        assert_eq!(error, "the listener ended: the port is gone");
        let mut panicked = tasks(async { panic!("a bug") });
        assert!(panicked.failed().await.to_string().contains("internal error"));
    }

    #[tokio::test]
    async fn an_end_that_was_asked_for_is_no_failure() {
        let shutdown = CancellationToken::new();
        let mut running = tasks(std::future::pending());
        shutdown.cancel();
        assert!(running.run_until(&shutdown).await.is_ok());
        assert!(running.join(Duration::from_millis(1)).await.is_err());
        let mut failing = tasks(async { Ok(()) });
        assert!(failing.run_until(&CancellationToken::new()).await.is_err());
        let mut nothing = Tasks::default();
        assert!(nothing.run_until(&shutdown).await.is_ok());
        assert!(nothing.join(Duration::from_secs(1)).await.is_ok());
    }
}
