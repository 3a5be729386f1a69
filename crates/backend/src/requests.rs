//! Inference requests: published as they fall due.
//!
//! In: requests from the trigger. Out: messages on the request's topic. Without a broker a request stays with the
//! trigger, where a newer state replaces an older one.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use monitoring::with_causes;
use mqtt::{PublishError, Publisher, TopicKind, Topics};
use tracing::warn;

use crate::{InferenceTrigger, Metrics, clock::now};

const OFFLINE_POLL: Duration = Duration::from_millis(50);

/// Where requests are published.
#[async_trait]
pub trait Outlet: Send + Sync + 'static {
    /// Whether a message would leave now.
    fn is_connected(&self) -> bool;

    /// Publishes, waiting for room.
    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError>;
}

#[async_trait]
impl Outlet for Publisher {
    fn is_connected(&self) -> bool {
        Self::is_connected(self)
    }

    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError> {
        Self::send(self, message).await
    }
}

/// Publishes requests.
pub(crate) struct Requests<O> {
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) topics: Topics,
    pub(crate) outlet: O,
    pub(crate) metrics: Arc<Metrics>,
}

impl<O: Outlet> Requests<O> {
    /// Runs until it is dropped.
    pub(crate) async fn run(self) {
        let request_ttl = self.trigger.options().request_ttl;
        loop {
            while !self.outlet.is_connected() {
                tokio::time::sleep(OFFLINE_POLL).await;
            }
            let request = self.trigger.next_request(now).await;
            let topic = self
                .topics
                .topic_for(TopicKind::InferenceRequest, &request.device_id);
            // A request that waits for a connection beyond its time is worth nothing: the device's next one will be newer.
            let message = mqtt::Message::new(topic, mqtt::encode_request(&request)).expiring_in(request_ttl);
            match self.outlet.send(message).await {
                Ok(()) => self.metrics.requested(),
                Err(error) => {
                    self.metrics.request_dropped();
                    let error = with_causes(&error);
                    warn!(error, device_id = %request.device_id, "inference request not sent");
                }
            }
        }
    }
}
