//! Messages one slip away from ours at an external broker: found by a connection of its own, and listed.
//!
//! In: the events of a wide subscription at QoS 0. Out: rows in `ingest_errors`, as few as of any refused topic. The
//! connection is apart from the one that carries readings: it keeps no session, acknowledges nothing, and whatever
//! strangers publish delays nobody. What it receives is never stored as data.
//!
//! A slip in the last level (`sensor/x/temp`) is found only by who receives everything below `sensor`, our own messages
//! among it. So that is looked at for a short time after a start, and what stands beside our topics from then on.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::RefusalReason;
use mqtt::{ConnectionOptions, Event, Incoming, Publisher, Qos};
use tokio::{select, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::{Backend, Door, Ingest, Message, Passage, clock::now};

/// After this many connections that ended before the broker had granted the subscription, it is not wanted there.
const MOST_ATTEMPTS: u32 = 3;

/// How long, and at how many messages at most, everything below our first levels is looked at.
const FIRST_LOOK: Duration = Duration::from_mins(1);
const FIRST_MESSAGES: u32 = 2_000;

#[derive(Debug)]
struct Diagnosis {
    publisher: Publisher,
    incoming: Incoming,
    /// The connection after the first look, while that lasts.
    then: Option<ConnectionOptions>,
}

impl Backend {
    /// Looks for messages one slip away from ours until [`Backend::close_doors`]: by default at first below our first
    /// levels, then on topics beside ours.
    pub fn diagnose(&mut self, connection: ConnectionOptions, filters: Option<Vec<String>>) {
        let (first, then) = if let Some(filters) = filters {
            (filters, None)
        } else {
            let beside = self.topics().nearby_filters();
            let below = self.topics().root_filters();
            let first = [&beside[..], &below].concat();
            (first, Some(subscribing(connection.clone(), beside)))
        };
        if first.is_empty() {
            return;
        }
        let (publisher, incoming) = mqtt::connect(subscribing(connection, first));
        self.open_door(Box::new(Diagnosis {
            publisher,
            incoming,
            then,
        }));
    }
}

fn subscribing(connection: ConnectionOptions, filters: Vec<String>) -> ConnectionOptions {
    let subscription = |filter| mqtt::Subscription {
        filter,
        qos: Qos::AtMostOnce,
    };
    ConnectionOptions {
        subscriptions: filters.into_iter().map(subscription).collect(),
        ..connection
    }
}

impl Diagnosis {
    /// Ends the first look.
    async fn narrow(&mut self) {
        if let Some(connection) = self.then.take() {
            self.publisher.disconnect().await;
            (self.publisher, self.incoming) = mqtt::connect(connection);
        }
    }
}

#[async_trait]
impl Door for Diagnosis {
    async fn run(mut self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken) {
        let mut attempts = Some(0);
        let mut seen = 0_u32;
        let mut end_of_look = None;
        loop {
            let look = async {
                match end_of_look {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let event = select! {
                () = shutdown.cancelled() => break,
                () = look, if self.then.is_some() => None,
                event = self.incoming.recv() => match event {
                    Some(event) => Some(event),
                    None => break,
                },
            };
            let Some(event) = event.filter(|_| self.then.is_none() || seen < FIRST_MESSAGES) else {
                self.narrow().await;
                attempts = Some(0);
                continue;
            };
            match event {
                Event::Message(delivery) => {
                    seen = seen.saturating_add(1);
                    let message = Message {
                        topic: delivery.topic,
                        payload: delivery.payload,
                        received_at: now(),
                        passage: Passage::default(),
                    };
                    ingest.list_slip(&message).await;
                }
                Event::Subscribed => {
                    attempts = None;
                    end_of_look.get_or_insert_with(|| Instant::now() + FIRST_LOOK);
                }
                Event::SubscriptionRefused { .. } if self.then.is_some() => self.narrow().await,
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
