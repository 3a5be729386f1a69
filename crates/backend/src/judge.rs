//! Judges the model's decisions when half an hour has passed: kept or corrected.
//!
//! In: what was stored. Out: rows of `decision_outcomes`. `store::outcomes` has the definition. A ClickHouse that does
//! not answer is asked again a minute later: nothing is lost, since judging goes on where it ended.

use std::{sync::Arc, time::Duration};

use monitoring::with_causes;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{clock::now, database::Tables};

const EVERY: Duration = Duration::from_mins(1);

/// Runs until `drain`.
pub(crate) async fn run(tables: Arc<dyn Tables>, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    while drain.run_until_cancelled(ticks.tick()).await.is_some() {
        let judging = async {
            while tables.judge_decisions(now()).await? {
                tokio::task::yield_now().await;
            }
            Ok::<(), store::StoreError>(())
        };
        if let Some(Err(error)) = drain.run_until_cancelled(judging).await {
            debug!(error = with_causes(&error), "decisions cannot be judged now");
        }
    }
}
