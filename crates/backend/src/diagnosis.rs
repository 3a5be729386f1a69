//! Messages one slip away from ours at an external broker: found by a connection of its own, and listed.
//!
//! In: the events of a wide subscription at QoS 0. Out: rows in `ingest_errors`, as few as of any refused topic. The
//! connection is apart from the one that carries readings: it keeps no session, acknowledges nothing, and whatever
//! strangers publish delays nobody. What it receives is never stored as data.

use std::sync::Arc;

use async_trait::async_trait;
use domain::RefusalReason;
use mqtt::{ConnectionOptions, Event, Incoming, Publisher, Qos};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{Backend, Door, Ingest, Message, Passage, clock::now};

/// After this many connections that ended before the broker had granted the subscription, it is not wanted there.
const MOST_ATTEMPTS: u32 = 3;

#[derive(Debug)]
struct Diagnosis {
    publisher: Publisher,
    incoming: Incoming,
}

impl Backend {
    /// Looks for messages one slip away from ours, by default on topics beside ours, until [`Backend::close_doors`].
    pub fn diagnose(&mut self, mut connection: ConnectionOptions, filters: Option<Vec<String>>) {
        let filters = filters.unwrap_or_else(|| self.topics().nearby_filters());
        if filters.is_empty() {
            return;
        }
        let subscription = |filter| mqtt::Subscription {
            filter,
            qos: Qos::AtMostOnce,
        };
        connection.subscriptions = filters.into_iter().map(subscription).collect();
        let (publisher, incoming) = mqtt::connect(connection);
        self.open_door(Box::new(Diagnosis { publisher, incoming }));
    }
}

#[async_trait]
impl Door for Diagnosis {
    async fn run(mut self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken) {
        let mut attempts = Some(0);
        while let Some(Some(event)) = shutdown.run_until_cancelled(self.incoming.recv()).await {
            match event {
                Event::Message(delivery) => {
                    let message = Message {
                        topic: delivery.topic,
                        payload: delivery.payload,
                        received_at: now(),
                        passage: Passage::default(),
                    };
                    ingest.list_slip(&message).await;
                }
                Event::Subscribed => attempts = None,
                Event::SubscriptionRefused { filters } => {
                    info!(
                        filters = filters.join(", "),
                        "the broker does not let slips of topics be looked for; see mqtt.diagnostic_topics"
                    );
                    break;
                }
                Event::Disconnected { reason } => {
                    debug!(reason, "slips of topics are not looked for at the moment");
                    attempts = attempts.map(|attempts| attempts + 1);
                }
                Event::Connected { .. } if attempts.is_some_and(|attempts| attempts >= MOST_ATTEMPTS) => {
                    break;
                }
                Event::Connected { .. } => {}
            }
        }
        self.publisher.disconnect().await;
    }
}

impl Ingest {
    /// Lists a message whose topic is one slip away from ours. Others are received elsewhere, or none of ours.
    async fn list_slip(&self, message: &Message) {
        match self.decoder.topics.classify_among_others(&message.topic) {
            Some(Err(refusal))
                if refusal.reason == RefusalReason::BadTopic && !message.payload.is_empty() =>
            {
                let mut refused = self.refuse(message, &refusal);
                self.persist(&mut refused).await;
            }
            Some(_) => {}
            None => self.metrics.foreign(),
        }
    }
}
