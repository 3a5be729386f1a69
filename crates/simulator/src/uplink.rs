//! A device's way out: messages wait in its small memory and leave one after another, each acknowledged before the next.
//!
//! In: payloads with the record they stand for. Out: publications at `QoS` 1, counted and logged in the delivery log. While the
//! broker is away readings wait and come late, with the time they were measured; what has no room is dropped and counted.

use std::sync::Arc;

use mqtt::{PublishError, Publisher, Qos, TopicKind};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};

use crate::{
    delivery_log::{DeliveryLog, Outcome, Record},
    summary::{Counters, DeliveryEvent},
};

/// How many messages a device keeps while the broker is away: about twenty minutes of readings.
const MEMORY: usize = 512;
/// How many of them may be clips, which are large.
const CLIPS: usize = 4;

/// A message to publish.
pub(crate) struct Post {
    pub(crate) kind: TopicKind,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) record: Option<Record>,
}

/// The way out of one device.
pub(crate) struct Uplink {
    posts: mpsc::Sender<(Post, Option<OwnedSemaphorePermit>)>,
    clips: Arc<Semaphore>,
    counters: Arc<Counters>,
    sender: JoinHandle<()>,
}

impl Uplink {
    pub(crate) fn new(
        publisher: Publisher,
        counters: Arc<Counters>,
        delivery_log: Option<Arc<DeliveryLog>>,
    ) -> Self {
        let (posts, waiting) = mpsc::channel(MEMORY);
        let sender = tokio::spawn(deliver(waiting, publisher, Arc::clone(&counters), delivery_log));
        Self {
            posts,
            clips: Arc::new(Semaphore::new(CLIPS)),
            counters,
            sender,
        }
    }

    /// Takes a message; it never waits.
    pub(crate) fn send(&self, post: Post) {
        let kind = post.kind;
        let room = match kind {
            TopicKind::Audio => Arc::clone(&self.clips)
                .try_acquire_owned()
                .map(Some)
                .map_err(|_| ()),
            _ => Ok(None),
        };
        let sent = room.and_then(|permit| self.posts.try_send((post, permit)).map_err(|_| ()));
        if sent.is_err() {
            self.counters.message(kind, DeliveryEvent::Dropped);
        }
    }

    /// Takes no more messages; gives the task that sends the waiting ones.
    pub(crate) fn close(self) -> JoinHandle<()> {
        self.sender
    }
}

async fn deliver(
    mut waiting: mpsc::Receiver<(Post, Option<OwnedSemaphorePermit>)>,
    publisher: Publisher,
    counters: Arc<Counters>,
    delivery_log: Option<Arc<DeliveryLog>>,
) {
    while let Some((post, _permit)) = waiting.recv().await {
        let entry = delivery_log
            .as_ref()
            .zip(post.record)
            .map(|(delivery_log, record)| (delivery_log, delivery_log.add(record)));
        counters.message(post.kind, DeliveryEvent::Published);
        let sent = publisher
            .publish_confirmed(post.topic, post.payload, Qos::AtLeastOnce, false)
            .await;
        let (event, outcome) = match sent {
            Ok(()) => (DeliveryEvent::Acknowledged, Outcome::Acknowledged),
            Err(PublishError::Closed) => return,
            Err(error) => {
                tracing::debug!(kind = post.kind.as_str(), %error, "refused");
                (DeliveryEvent::Refused, Outcome::Refused)
            }
        };
        counters.message(post.kind, event);
        if let Some((delivery_log, entry)) = entry {
            delivery_log.set_outcome(entry, outcome);
        }
    }
}
