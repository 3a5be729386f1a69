//! The door to an external broker: messages are acknowledged in the order of receipt once they are durable.
//!
//! In: the events of a connection with manual acknowledgement. Out: acknowledgements. Back-pressure is withholding
//! them; the connection itself is polled by `mqtt` and never waits for us.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use mqtt::{Delivery, Event, Incoming};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Door, Ingest, Message, Passage, clock::now, vitals::Vitals};

/// How many messages are on their way to the disk at once; beyond it the broker's in-flight window does the waiting.
const IN_FLIGHT: usize = 1_000;

/// What waited at the broker comes at once: it ends with the first pause of this length, or after the longer time.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_BURST: Duration = Duration::from_mins(1);

/// The beginning of a connection: what waited at the broker, and what it sends again.
#[derive(Debug, Default)]
struct Beginning {
    /// The number of the connection.
    connection: u64,
    resumes: bool,
    /// When it began, and when the last message came; `None` once it is over.
    since: Option<(Instant, Instant)>,
}

impl Beginning {
    fn connected(&mut self, session_present: bool) {
        let now = Instant::now();
        self.connection += 1;
        self.resumes = session_present;
        self.since = Some((now, now));
    }

    fn passage(&mut self, delivery: &Delivery) -> Passage {
        let now = Instant::now();
        let lasting = self
            .since
            .filter(|(began, last)| now - *last < PAUSE && now - *began < LONGEST_BURST);
        self.since = lasting.map(|(began, _)| (began, now));
        Passage {
            connection: self.connection,
            is_marked: delivery.dup,
            may_be_resent: lasting.is_some(),
            has_waited: lasting.is_some() && self.resumes,
            is_history: delivery.retain,
            // Brokers hand on what clears a retained message without its flag.
            may_clear: true,
        }
    }
}

/// The events of one connection.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) incoming: Incoming,
    pub(crate) vitals: Arc<Vitals>,
}

#[async_trait]
impl Door for Subscription {
    async fn run(mut self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken) {
        let Self { incoming, vitals } = &mut *self;
        let mut pending = FuturesOrdered::new();
        let mut beginning = Beginning::default();
        loop {
            tokio::select! {
                Some(delivery) = pending.next(), if !pending.is_empty() => incoming.ack(&delivery),
                event = incoming.recv(), if pending.len() < IN_FLIGHT => match event {
                    Some(Event::Message(delivery)) => {
                        let passage = beginning.passage(&delivery);
                        pending.push_back(accept(Arc::clone(&ingest), delivery, passage, shutdown.clone()));
                    }
                    Some(Event::Connected { session_present }) => {
                        beginning.connected(session_present);
                        vitals.broker.up();
                        info!("connected to the broker");
                    }
                    Some(Event::Disconnected { reason }) => {
                        warn!(reason, "disconnected from the broker; connecting again");
                        vitals.broker.down(reason);
                    }
                    Some(Event::SubscriptionRefused { filters }) => {
                        let reason = format!("the broker refuses the subscription to {}", filters.join(", "));
                        warn!(reason, "messages are missed: check the account's rights");
                        vitals.subscriptions.down(reason);
                    }
                    Some(Event::Subscribed) => {
                        vitals.subscriptions.up();
                    }
                    None => break,
                },
                () = shutdown.cancelled() => break,
            }
        }
        while let Some(delivery) = pending.next().await {
            incoming.ack(&delivery);
        }
    }
}

/// Returns the delivery when it may be acknowledged. Without room it waits: acknowledgements keep their order.
async fn accept(
    ingest: Arc<Ingest>,
    delivery: Delivery,
    passage: Passage,
    shutdown: CancellationToken,
) -> Delivery {
    let message = Message {
        topic: delivery.topic.clone(),
        payload: delivery.payload.clone(),
        received_at: now(),
        passage,
    };
    if ingest.accept_in_time(message, &shutdown).await.is_none() {
        // Not acknowledged and not answered: the broker repeats it at the next start.
        std::future::pending::<()>().await;
    }
    delivery
}
