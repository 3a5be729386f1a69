//! Questions of people and programs, who ask as often as they like: bounded in time, memory, rows and number.
//!
//! In: a statement whose values are bound. Out: its rows, or why there are none. What asks for itself, such as the backend at
//! its start, does not wait here.

use std::{sync::Arc, time::Duration};

use clickhouse::{RowOwned, RowRead, query::Query};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{Store, StoreError};

/// Time after which ClickHouse gives up an answer to a person.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(5);
/// How much longer its refusal may take.
const GRACE: Duration = Duration::from_secs(1);
/// How long a question waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Questions at a time: a slow ClickHouse must not collect them.
const AT_A_TIME: usize = 4;
/// Exports at a time.
const EXPORTS: usize = 2;
/// Memory of an answer, bytes.
const MEMORY: u64 = 512 << 20;
/// Rows of an answer: more than any question has.
const MOST_ROWS: u64 = 50_000;

/// The turns of questions and of exports.
#[derive(Debug)]
pub(crate) struct Turns {
    answers: Semaphore,
    exports: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            answers: Semaphore::new(AT_A_TIME),
            exports: Arc::new(Semaphore::new(EXPORTS)),
        }
    }
}

impl Turns {
    /// Takes the turn of an export, which waits for none.
    pub(crate) fn export(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = Arc::clone(&self.exports).try_acquire_owned();
        turn.map_err(|_| StoreError::Busy)
    }
}

impl Store {
    /// Begins a question. Values are bound, never written into `sql`.
    pub(crate) fn question(&self, sql: &str) -> Query {
        self.client
            .query(sql)
            .with_setting("max_execution_time", LONGEST_ANSWER.as_secs().to_string())
            .with_setting("max_memory_usage", MEMORY.to_string())
            .with_setting("max_result_rows", MOST_ROWS.to_string())
    }

    /// Asks, when it is its turn.
    pub(crate) async fn answers<T: RowOwned + RowRead>(&self, query: Query) -> Result<Vec<T>, StoreError> {
        let turn = timeout(LONGEST_WAIT, self.turns.answers.acquire()).await;
        let _turn = turn
            .map_err(|_| StoreError::Busy)?
            .expect("turns are never closed");
        let answered = timeout(LONGEST_ANSWER + GRACE, query.fetch_all()).await;
        Ok(answered.map_err(|_| StoreError::Timeout)??)
    }
}
