//! Admission: how many statements run at once. Inserts, writers' queries and readers' queries have a queue each, so
//! that dashboards never hold up inserts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    exception::{Exception, TOO_MANY_QUERIES},
    options::Limits,
    users::User,
};

/// The queues in front of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    inserts: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    longest_wait: Duration,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            inserts: Arc::new(Semaphore::new(limits.inserts)),
            writers: Arc::new(Semaphore::new(limits.queries)),
            readers: Arc::new(Semaphore::new(limits.reader_queries)),
            longest_wait: limits.queue_time,
        }
    }

    /// What the statements of a full queue are; `None` where each has a place left.
    pub(crate) fn full_queue(&self) -> Option<&'static str> {
        let queues = [
            (&self.inserts, "inserts"),
            (&self.writers, "queries"),
            (&self.readers, "queries of readers"),
        ];
        let full = queues
            .into_iter()
            .find(|(queue, _)| queue.available_permits() == 0);
        full.map(|(_, name)| name)
    }

    /// Waits until a statement may run: as long as the permit lives. Refused after the longest wait.
    pub(crate) async fn admit(&self, user: User, is_insert: bool) -> Result<OwnedSemaphorePermit, Exception> {
        let queue = match user {
            _ if is_insert => &self.inserts,
            User::Default => &self.writers,
            User::Reader => &self.readers,
        };
        let acquired = timeout(self.longest_wait, Arc::clone(queue).acquire_owned()).await;
        let full = || {
            Exception::new(
                TOO_MANY_QUERIES,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                "Too many simultaneous queries",
            )
        };
        acquired
            .map_err(|_| full())
            .map(|permit| permit.expect("the semaphore is never closed"))
    }
}
