//! Days on their way into ClickHouse.
//!
//! In: chunks, oldest first. Out: their rows stored, a few chunks at a time, and the progress told in their order.

use std::collections::VecDeque;

use anyhow::Context as _;
use store::{Batch, InsertError, Store};
use tokio::task::{JoinHandle, JoinSet};

use crate::commands::progress::Progress;

/// Chunks that are stored at a time: the many small inserts at the end of one leave processors to the next.
pub(super) const AT_A_TIME: usize = 2;

/// A span of days for every device, as inserts: one of each quantity, and one of everything else.
pub(super) struct Chunk {
    /// The midnight that it ends with, ms.
    pub(super) until: i64,
    pub(super) readings: Vec<Batch>,
    pub(super) others: Batch,
}

impl Chunk {
    /// Inserts the quantities side by side, then the rest, by which a complete day is known. Returns the number of rows.
    async fn store(self, store: Store, token: String) -> Result<u64, InsertError> {
        let rows = self.others.len() + self.readings.iter().map(Batch::len).sum::<usize>();
        let mut inserts = JoinSet::new();
        for batch in self.readings {
            let (store, token) = (store.clone(), token.clone());
            inserts.spawn(async move { store.insert(&batch, &token).await });
        }
        while let Some(inserted) = inserts.join_next().await {
            inserted.expect("an insert does not panic")?;
        }
        store.insert(&self.others, &token).await?;
        Ok(rows as u64)
    }
}

/// The chunks that are being stored.
pub(super) struct Storing {
    store: Store,
    progress: Progress,
    running: VecDeque<(i64, JoinHandle<Result<u64, InsertError>>)>,
}

impl Storing {
    pub(super) fn new(store: Store, progress: Progress) -> Self {
        Self {
            store,
            progress,
            running: VecDeque::new(),
        }
    }

    /// Begins to store a chunk, when there is room.
    pub(super) async fn push(&mut self, chunk: Chunk, token: String) -> anyhow::Result<()> {
        if self.running.len() >= AT_A_TIME {
            self.oldest().await?;
        }
        let until = chunk.until;
        let stored = tokio::spawn(chunk.store(self.store.clone(), token));
        self.running.push_back((until, stored));
        Ok(())
    }

    /// Waits for the oldest chunk.
    async fn oldest(&mut self) -> anyhow::Result<()> {
        if let Some((until, stored)) = self.running.pop_front() {
            let rows = stored.await.expect("storing does not panic");
            self.progress
                .stored(rows.context("a day cannot be stored")?, until);
        }
        Ok(())
    }

    /// Waits for all of them.
    pub(super) async fn finish(mut self) -> anyhow::Result<Progress> {
        while !self.running.is_empty() {
            self.oldest().await?;
        }
        Ok(self.progress)
    }
}
