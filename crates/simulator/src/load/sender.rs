//! One connection of a load: it publishes as fast as its rate and its window allow.
//!
//! In: messages from a source. Out: publications, each counted, timed and logged when it is acknowledged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mqtt::{Event, Incoming, PublishError, Publisher, Qos};
use tokio::{
    sync::Semaphore,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Shared,
    source::{Outgoing, Source},
};
use crate::{delivery_log::Outcome, summary::DeliveryEvent};

/// A connection with a rate wakes this often and sends what has become due.
const PACE: Duration = Duration::from_millis(2);
/// How long the last acknowledgements may take.
const FAREWELL: Duration = Duration::from_secs(10);

pub(super) struct Sender {
    pub(super) source: Source,
    pub(super) left: Option<u64>,
    pub(super) per_s: Option<f64>,
    pub(super) shared: Arc<Shared>,
}

/// A connection and its window.
struct Line {
    publisher: Publisher,
    window: Arc<Semaphore>,
    unacknowledged: TaskTracker,
}

impl Sender {
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let options = &self.shared.options;
        let in_flight = options.in_flight.clamp(1, usize::from(u16::MAX));
        let mut connection = options.simulation.connection(self.source.id());
        connection.inflight = in_flight as u16;
        connection.max_queued_messages = in_flight;
        let (publisher, incoming) = mqtt::connect(connection);
        let line = Line {
            publisher,
            window: Arc::new(Semaphore::new(in_flight)),
            unacknowledged: TaskTracker::new(),
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.send_all(&line, incoming) => {}
        }
        line.unacknowledged.close();
        let _ = timeout(FAREWELL, line.unacknowledged.wait()).await;
        line.publisher.disconnect().await;
        // Whatever is still unacknowledged has been told so.
        line.unacknowledged.wait().await;
    }

    async fn send_all(&mut self, line: &Line, mut incoming: Incoming) {
        while !matches!(incoming.recv().await, Some(Event::Connected { .. }) | None) {}
        self.shared.counters.joined();
        self.shared.start.wait().await;
        let started = *self.shared.started.get_or_init(Instant::now);
        match self.per_s {
            None => while self.send(line, None).await {},
            Some(per_s) => self.send_paced(line, per_s, started).await,
        }
    }

    async fn send_paced(&mut self, line: &Line, per_s: f64, started: Instant) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            pace.tick().await;
            let due = (started.elapsed().as_secs_f64() * per_s) as u64;
            while self.source.made() < due {
                let due_at = started + Duration::from_secs_f64((self.source.made() + 1) as f64 / per_s);
                if !self.send(line, Some(due_at)).await {
                    return;
                }
            }
        }
    }

    /// Sends one message as soon as the window has room; `false` when there are no more.
    async fn send(&mut self, line: &Line, due_at: Option<Instant>) -> bool {
        if self.left == Some(self.source.made()) {
            return false;
        }
        let permit = Arc::clone(&line.window)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let outgoing = self.source.next();
        let (publisher, shared) = (line.publisher.clone(), Arc::clone(&self.shared));
        let since = due_at.unwrap_or_else(Instant::now);
        line.unacknowledged.spawn(async move {
            shared.publish(&publisher, outgoing, since).await;
            drop(permit);
        });
        true
    }
}

impl Shared {
    async fn publish(&self, publisher: &Publisher, outgoing: Outgoing, since: Instant) {
        let delivery_log = self.options.simulation.delivery_log.as_ref();
        let entry = delivery_log
            .zip(outgoing.record)
            .map(|(delivery_log, record)| (delivery_log, delivery_log.add(record)));
        self.counters.message(outgoing.kind, DeliveryEvent::Published);
        let sent = publisher
            .publish_confirmed(outgoing.topic, outgoing.payload, Qos::AtLeastOnce, false)
            .await;
        let (event, outcome) = match sent {
            Ok(()) => {
                self.latencies.record(since.elapsed());
                (DeliveryEvent::Acknowledged, Outcome::Acknowledged)
            }
            Err(PublishError::Closed) => return,
            Err(_) => (DeliveryEvent::Refused, Outcome::Refused),
        };
        self.counters.message(outgoing.kind, event);
        if let Some((delivery_log, entry)) = entry {
            delivery_log.set_outcome(entry, outcome);
        }
    }
}
