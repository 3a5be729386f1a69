//! What the backend needs of the database: tables that take batches, and a history that answers questions.
//!
//! In: batches with their tokens, questions. Out: stored or refused, rows. `store` is the real one; tests have others.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use domain::Timestamp;
use store::{
    Batch, DeviceRow, InsertError, LONGEST_QUERY, LatestAck, LatestAction, LatestDecision, LatestHeldRow,
    LatestReading, LatestState, Period, Row, Store, StoreError, Table, Tell, Usage,
};

/// Takes rows.
#[async_trait]
pub trait Tables: fmt::Debug + Send + Sync + 'static {
    /// Brings the schema up to date and returns its version; an error where the database gives no sign of life within half
    /// a minute. It may take long, and goes on where it was interrupted; `tell` hears how far it has come.
    async fn prepare(&self, tell: Tell<'_>) -> Result<u32, StoreError>;

    /// Stores `batch`, but for the tables in `done`. Sent again with the same rows and token, it changes nothing.
    async fn insert(&self, batch: &Batch, token: &str, done: &[Table]) -> Result<(), InsertError>;

    /// Removes a device from the table of devices; its history stays. One that is not there is no error.
    async fn forget(&self, device_id: &str) -> Result<(), StoreError>;

    /// Judges some of the model's decisions that are old enough; returns whether more are left.
    async fn judge_decisions(&self, now: Timestamp) -> Result<bool, StoreError>;
}

/// Answers questions about what was stored. Every answer has at most `limit` devices and comes within a bounded time, or
/// is an error.
#[async_trait]
pub trait History: fmt::Debug + Send + Sync + 'static {
    /// The registered devices, the last seen first.
    async fn devices(&self, limit: usize) -> Result<Vec<DeviceRow>, StoreError>;

    /// The registered devices among `device_ids`.
    async fn devices_of(&self, device_ids: &[String]) -> Result<Vec<DeviceRow>, StoreError>;

    /// The newest reading of each quantity and device in `period`.
    async fn latest_readings(&self, period: Period, limit: usize) -> Result<Vec<LatestReading>, StoreError>;

    /// What the database uses of memory and disk.
    async fn usage(&self) -> Result<Usage, StoreError>;

    /// The newest command to each window in `period`.
    async fn latest_actions(&self, period: Period, limit: usize) -> Result<Vec<LatestAction>, StoreError>;

    /// The newest decision for each window in `period` that was not carried out.
    async fn latest_held(&self, period: Period, limit: usize) -> Result<Vec<LatestHeldRow>, StoreError>;

    /// What the newest decision for each window in `period` was made on, whether or not it was carried out.
    async fn latest_decisions(&self, period: Period, limit: usize)
    -> Result<Vec<LatestDecision>, StoreError>;

    /// The newest position that each window reported in `period`.
    async fn latest_states(&self, period: Period, limit: usize) -> Result<Vec<LatestState>, StoreError>;

    /// The newest answer of each device to its settings in `period`.
    async fn latest_acks(&self, period: Period, limit: usize) -> Result<Vec<LatestAck>, StoreError>;

    /// Whether a row of the same device, time and content is stored.
    async fn has_row(&self, row: &Row) -> Result<bool, StoreError>;
}

#[async_trait]
impl Tables for Store {
    async fn prepare(&self, tell: Tell<'_>) -> Result<u32, StoreError> {
        self.migrate_telling(tell).await
    }

    async fn insert(&self, batch: &Batch, token: &str, done: &[Table]) -> Result<(), InsertError> {
        self.insert_except(batch, token, done).await
    }

    async fn forget(&self, device_id: &str) -> Result<(), StoreError> {
        bounded(Self::forget_device(self, device_id)).await
    }

    async fn judge_decisions(&self, now: Timestamp) -> Result<bool, StoreError> {
        bounded(Self::judge_decisions(self, now.as_millis())).await
    }
}

/// ClickHouse gives up at [`LONGEST_QUERY`]; after this nobody waits for it to say so.
const LONGEST_WAIT: Duration = LONGEST_QUERY.saturating_add(Duration::from_secs(5));

pub(crate) async fn bounded<T>(asking: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(LONGEST_WAIT, asking)
        .await
        .unwrap_or(Err(StoreError::Timeout))
}

#[async_trait]
impl History for Store {
    async fn devices(&self, limit: usize) -> Result<Vec<DeviceRow>, StoreError> {
        bounded(Self::devices(self, limit)).await
    }

    async fn devices_of(&self, device_ids: &[String]) -> Result<Vec<DeviceRow>, StoreError> {
        bounded(Self::devices_of(self, device_ids)).await
    }

    async fn latest_readings(&self, period: Period, limit: usize) -> Result<Vec<LatestReading>, StoreError> {
        bounded(Self::latest_readings(self, period, limit)).await
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        bounded(Self::usage(self)).await
    }

    async fn latest_actions(&self, period: Period, limit: usize) -> Result<Vec<LatestAction>, StoreError> {
        bounded(Self::latest_actions(self, period, limit)).await
    }

    async fn latest_held(&self, period: Period, limit: usize) -> Result<Vec<LatestHeldRow>, StoreError> {
        bounded(Self::latest_held(self, period, limit)).await
    }

    async fn latest_decisions(
        &self,
        period: Period,
        limit: usize,
    ) -> Result<Vec<LatestDecision>, StoreError> {
        bounded(Self::latest_decisions(self, period, limit)).await
    }

    async fn latest_states(&self, period: Period, limit: usize) -> Result<Vec<LatestState>, StoreError> {
        bounded(Self::latest_states(self, period, limit)).await
    }

    async fn latest_acks(&self, period: Period, limit: usize) -> Result<Vec<LatestAck>, StoreError> {
        bounded(Self::latest_acks(self, period, limit)).await
    }

    async fn has_row(&self, row: &Row) -> Result<bool, StoreError> {
        bounded(Self::has_row(self, row)).await
    }
}
