//! How long recordings are kept: old ones are removed also while no clips come.

use std::{sync::Arc, time::Duration};

use audio::archive::Archive;
use tokio_util::sync::CancellationToken;
use tracing::warn;

const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Removes what is too old or too much, until `drain`.
pub(crate) async fn run(archive: Arc<Archive>, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    while drain.run_until_cancelled(ticks.tick()).await.is_some() {
        let archive = Arc::clone(&archive);
        let sweeping = tokio::task::spawn_blocking(move || archive.sweep());
        // A long sweep goes on by itself; nobody waits for it at the end.
        if let Some(Ok(Err(error))) = drain.run_until_cancelled(sweeping).await {
            warn!(%error, "old recordings cannot be removed; see audio.storage_path");
        }
    }
}
