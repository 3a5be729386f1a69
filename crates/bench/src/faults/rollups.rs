//! Comparison of the rollups with the rows, once nothing is stored any more.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use store::{Store, StoreOptions};
use testkit::Deployment;

/// How long a batch may need from its rows to its rollups: they are not stored at one instant.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);

/// How the rollups differ from the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RollupResult {
    /// Rollups that have rows.
    pub(super) filled: usize,
    /// Intervals that were compared.
    pub(super) intervals: u64,
    /// Intervals that say something else than the rows.
    pub(super) different: u64,
}

/// Compares until nothing differs, or nothing will change any more.
pub(super) async fn compare(deployment: &mut Deployment) -> anyhow::Result<RollupResult> {
    let url = format!("http://{}", deployment.addresses().clickhouse);
    let store = Store::new(StoreOptions::new(url, "iot"))?;
    let started = Instant::now();
    loop {
        deployment.wait_stored().await?;
        let compared = store.compare_rollups().await?;
        let filled = compared.iter().filter(|one| one.intervals > 0);
        let result = RollupResult {
            filled: filled.map(|one| one.rollup).collect::<BTreeSet<_>>().len(),
            intervals: compared.iter().map(|one| one.intervals).sum(),
            different: compared.iter().map(|one| one.different).sum(),
        };
        if result.different == 0 || started.elapsed() > SETTLED_WITHIN {
            return Ok(result);
        }
        tokio::time::sleep(POLL).await;
    }
}
