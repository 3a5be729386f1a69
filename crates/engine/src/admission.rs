//! Admission: how many statements run at once. Inserts, writers' queries and readers' queries have a queue each, so
//! that dashboards never hold up inserts. Long statements, forms and compressed bodies have places, too, which bound what
//! reading them takes.

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

/// Bytes of long statements and forms that are read, wait or run at once.
const TEXT_BYTES: usize = 64 << 20;
/// Compressed bodies that are read at once: each has a thread. With every statement they are far fewer than the threads
/// that there may be.
const DECODERS: usize = 32;

/// A place, for as long as it is held.
pub(crate) type Place = OwnedSemaphorePermit;

/// Gives back what a text of so many bytes does not take of its place.
pub(crate) fn keep(place: &mut Option<Place>, bytes: usize) {
    if let Some(place) = place {
        let excess = place.num_permits().saturating_sub(bytes.div_ceil(1 << 10));
        drop(place.split(excess));
    }
}

/// The queues in front of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    inserts: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    /// A permit for each KiB.
    texts: Arc<Semaphore>,
    decoders: Arc<Semaphore>,
    longest_wait: Duration,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            inserts: Arc::new(Semaphore::new(limits.inserts)),
            writers: Arc::new(Semaphore::new(limits.queries)),
            readers: Arc::new(Semaphore::new(limits.reader_queries)),
            texts: Arc::new(Semaphore::new(TEXT_BYTES >> 10)),
            decoders: Arc::new(Semaphore::new(DECODERS)),
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
    pub(crate) async fn admit(&self, user: User, is_insert: bool) -> Result<Place, Exception> {
        let queue = match user {
            _ if is_insert => &self.inserts,
            User::Default => &self.writers,
            User::Reader => &self.readers,
        };
        self.take(queue, 1).await
    }

    /// Waits for room for a text of so many bytes.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Place, Exception> {
        let kib = bytes.min(TEXT_BYTES).div_ceil(1 << 10);
        self.take(&self.texts, kib as u32).await
    }

    /// Waits for a thread that decompresses a body.
    pub(crate) async fn decoder(&self) -> Result<Place, Exception> {
        self.take(&self.decoders, 1).await
    }

    async fn take(&self, queue: &Arc<Semaphore>, permits: u32) -> Result<Place, Exception> {
        let acquired = timeout(self.longest_wait, Arc::clone(queue).acquire_many_owned(permits)).await;
        let full = || {
            Exception::new(
                TOO_MANY_QUERIES,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                "Too many simultaneous queries",
            )
        };
        acquired
            .map_err(|_| full())
            .map(|place| place.expect("the semaphore is never closed"))
    }
}
