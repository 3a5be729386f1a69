//! The door to an external broker: messages are acknowledged in the order of receipt once they are durable.
//!
//! In: the events of a connection with manual acknowledgement. Out: acknowledgements. Back-pressure is withholding
//! them; the connection itself is polled by `mqtt` and never waits for us.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use mqtt::{Delivery, Event, Incoming};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Door, Ingest, Message, clock::now, vitals::Vitals};

/// How many messages are on their way to the disk at once; beyond it the broker's in-flight window does the waiting.
const IN_FLIGHT: usize = 1_000;

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
        loop {
            tokio::select! {
                Some(delivery) = pending.next(), if !pending.is_empty() => incoming.ack(&delivery),
                event = incoming.recv(), if pending.len() < IN_FLIGHT => match event {
                    Some(Event::Message(delivery)) => {
                        pending.push_back(accept(Arc::clone(&ingest), delivery, shutdown.clone()));
                    }
                    Some(Event::Connected { .. }) => {
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
async fn accept(ingest: Arc<Ingest>, delivery: Delivery, shutdown: CancellationToken) -> Delivery {
    let message = Message {
        topic: delivery.topic.clone(),
        payload: delivery.payload.clone(),
        received_at: now(),
    };
    if ingest.accept_in_time(message, &shutdown).await.is_none() {
        // Not acknowledged and not answered: the broker repeats it at the next start.
        std::future::pending::<()>().await;
    }
    delivery
}
