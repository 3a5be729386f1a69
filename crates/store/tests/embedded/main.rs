//! The store against the real embedded engine, which runs as a child of this test and is killed and restarted.

mod comparison;
mod earlier;
mod engine;
mod histories;
mod insight;
mod labels;
mod positions;
mod queries;
mod refusals;
mod rollups;
mod round_trip;
mod rows;
mod several;
mod storage;
mod upgrades;

use engine::{DIRECTORY, serve};

/// Not a test by itself: the engine's process. It ends with the test's.
#[tokio::test]
async fn engine_process() {
    if let Ok(directory) = std::env::var(DIRECTORY) {
        serve(&directory).await;
    }
}
