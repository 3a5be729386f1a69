//! Door one: messages of an external broker, acknowledged in the order of receipt once they are durable.
//!
//! In: the events of a connection with manual acknowledgement. Out: acknowledgements. Back-pressure is withholding
//! them; the connection itself is polled by `mqtt` and never waits for us.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesOrdered};
use mqtt::{Delivery, Event, Incoming};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    Metrics,
    ingest::{Acceptance, Ingest, Message},
    recorder::now,
};

/// How many messages are on their way to the disk at once; beyond it the broker's in-flight window does the waiting.
const IN_FLIGHT: usize = 1_000;
const RETRY: Duration = Duration::from_millis(500);

/// Takes messages until `shutdown`, then finishes those already received.
pub(crate) async fn run(
    mut incoming: Incoming,
    ingest: Arc<Ingest>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut pending = FuturesOrdered::new();
    loop {
        tokio::select! {
            Some(delivery) = pending.next(), if !pending.is_empty() => incoming.ack(&delivery),
            event = incoming.recv(), if pending.len() < IN_FLIGHT => match event {
                Some(Event::Message(delivery)) => pending.push_back(accept(Arc::clone(&ingest), delivery, shutdown.clone())),
                Some(Event::Connected { .. }) => {
                    metrics.broker_connected(true);
                    info!("connected to the broker");
                }
                Some(Event::Disconnected { reason }) => {
                    metrics.broker_connected(false);
                    warn!(reason, "disconnected from the broker; connecting again");
                }
                Some(_) => {}
                None => break,
            },
            () = shutdown.cancelled() => break,
        }
    }
    while let Some(delivery) = pending.next().await {
        incoming.ack(&delivery);
    }
}

/// Gives the delivery back when it may be acknowledged. Without room it waits: acknowledgements keep their order.
async fn accept(ingest: Arc<Ingest>, delivery: Delivery, shutdown: CancellationToken) -> Delivery {
    let message = Message {
        topic: delivery.topic.clone(),
        payload: delivery.payload.clone(),
        received_at: now(),
    };
    let looked = ingest.look(&message).await;
    loop {
        if ingest.keep(&looked).await != Acceptance::Withheld {
            return delivery;
        }
        if shutdown
            .run_until_cancelled(tokio::time::sleep(RETRY))
            .await
            .is_none()
        {
            // Not acknowledged and not answered: the broker repeats it at the next start.
            std::future::pending::<()>().await;
        }
    }
}
