//! The door to an external broker: messages are acknowledged in the order of receipt once they are durable.
//!
//! In: the events of a connection with manual acknowledgement. Out: acknowledgements. Back-pressure is withholding
//! them; the connection itself is polled by `mqtt` and never waits for us.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use mqtt::{AckToken, Delivery, Event, Incoming};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Door, Ingest, Message, Passage, clock::now, vitals::Vitals};

/// How many messages are on their way to the disk at once; beyond it the broker's in-flight window does the waiting.
const IN_FLIGHT: usize = 1_000;
/// How many messages that came together are written together.
const BATCH: usize = 64;
/// A larger message is a clip, which is computed on beside others: it holds up no batch.
const SMALL_BYTES: usize = 4 << 10;

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
            is_taken_first: false,
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

/// Messages that came together, with what acknowledges them.
#[derive(Debug, Default)]
struct Batch {
    messages: Vec<Message>,
    tokens: Vec<AckToken>,
}

#[async_trait]
impl Door for Subscription {
    async fn run(mut self: Box<Self>, ingest: Arc<Ingest>, shutdown: CancellationToken) {
        let Self { incoming, vitals } = &mut *self;
        let mut pending = FuturesOrdered::new();
        let mut in_flight = 0;
        let mut beginning = Beginning::default();
        let mut events = Vec::new();
        loop {
            tokio::select! {
                Some((count, tokens)) = pending.next(), if !pending.is_empty() => {
                    in_flight -= count;
                    incoming.ack_all(tokens);
                }
                received = incoming.recv_many(&mut events, BATCH), if in_flight < IN_FLIGHT => {
                    if received == 0 {
                        break;
                    }
                    for batch in batches(events.drain(..), &mut beginning, vitals) {
                        in_flight += batch.messages.len();
                        pending.push_back(accept(Arc::clone(&ingest), batch, shutdown.clone()));
                    }
                },
                () = shutdown.cancelled() => break,
            }
        }
        while let Some((_, tokens)) = pending.next().await {
            incoming.ack_all(tokens);
        }
    }
}

/// Puts the messages of `events` together; the other events are noted in their turn.
fn batches(events: impl Iterator<Item = Event>, beginning: &mut Beginning, vitals: &Vitals) -> Vec<Batch> {
    let received_at = now();
    let mut batches: Vec<Batch> = Vec::new();
    let mut is_open = false;
    for event in events {
        let Event::Message(delivery) = event else {
            note(event, beginning, vitals);
            continue;
        };
        let is_small = delivery.payload.len() <= SMALL_BYTES;
        if !is_open || !is_small {
            batches.push(Batch::default());
        }
        is_open = is_small;
        let passage = beginning.passage(&delivery);
        if let Some(batch) = batches.last_mut() {
            batch.tokens.push(delivery.token);
            batch.messages.push(Message {
                topic: delivery.topic,
                payload: delivery.payload,
                received_at,
                passage,
            });
        }
    }
    batches
}

fn note(event: Event, beginning: &mut Beginning, vitals: &Vitals) {
    match event {
        Event::Connected { session_present } => {
            beginning.connected(session_present);
            vitals.broker.up();
            info!("connected to the broker");
        }
        Event::Disconnected { reason } => {
            warn!(reason, "disconnected from the broker; connecting again");
            vitals.broker.down(reason);
        }
        Event::SubscriptionRefused { filters } => {
            let reason = format!("the broker refuses the subscription to {}", filters.join(", "));
            warn!(reason, "messages are missed: check the account's rights");
            vitals.subscriptions.down(reason);
        }
        Event::Subscribed => {
            vitals.subscriptions.up();
        }
        Event::Message(_) => {}
    }
}

/// Returns how many messages there were, and the tokens of those that may be acknowledged. Without room it waits:
/// acknowledgements keep their order. What shutdown leaves is not acknowledged, and the broker repeats it at the next
/// start.
async fn accept(ingest: Arc<Ingest>, batch: Batch, shutdown: CancellationToken) -> (usize, Vec<AckToken>) {
    let Batch { messages, mut tokens } = batch;
    let accepted = ingest.accept_in_time(&messages, &shutdown).await;
    tokens.truncate(accepted.len());
    (messages.len(), tokens)
}
