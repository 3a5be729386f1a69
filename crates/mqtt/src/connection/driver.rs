//! The task that runs the event loop. Nothing else touches it. The task waits for the network, and does not read while
//! its consumer holds too many bytes; what there is to send is written all the same.
//!
//! In: the line's events. Out: our events, into a queue that never blocks. When a connection ends, everything of it is
//! discarded before the next begins: packet ids of its deliveries would refer to other messages, and unacknowledged
//! messages are kept in the outbox.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    AckToken, ConnectionOptions, Delivery, Event, Protocol, Qos, Subscription,
    backoff::{Pauses, pauses},
    link::{Farewell, Shared},
    wire::{Arrival, Failure, Line, LineEvent, Terms, Unsupported, Version, is_filter},
};

/// Duration of a connection after which the next pause is short again.
const STABLE: Duration = Duration::from_secs(5);
/// Time for the broker to close the connection after our DISCONNECT.
const DISCONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Number of unanswered CONNECTs after which the other version is tried.
const MAX_UNANSWERED: u32 = 2;

pub(super) struct Driver {
    options: ConnectionOptions,
    line: Line,
    /// Unanswered CONNECTs in this version; `None` once the version is known.
    unanswered: Option<u32>,
    /// For each subscription of the options, whether the present session has it. A session that is older than this
    /// process may have other ones.
    granted: Vec<bool>,
    /// The subscriptions that were requested and not answered yet.
    requested: Vec<usize>,
    shared: Arc<Shared>,
    pauses: Pauses,
    connected_at: Option<Instant>,
    /// The last reported reason, so that a long outage is logged once.
    last_reason: Option<String>,
    /// Whether the consumer had too much to acknowledge when last looked at.
    full: bool,
}

impl Driver {
    pub(super) fn new(options: ConnectionOptions) -> (Self, Arc<Shared>) {
        let version = match options.protocol {
            Protocol::Auto | Protocol::V5 => Version::V5,
            Protocol::V311 => Version::V311,
        };
        let shared = Shared::new(&options);
        let driver = Self {
            line: Line::new(&options, version),
            pauses: pauses(options.max_backoff),
            unanswered: (options.protocol == Protocol::Auto).then_some(0),
            granted: vec![false; options.subscriptions.len()],
            requested: Vec::new(),
            options,
            shared: Arc::clone(&shared),
            connected_at: None,
            last_reason: None,
            full: false,
        };
        (driver, shared)
    }

    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut stopped = pin!(shared.stop.cancelled());
        let mut events = Vec::new();
        loop {
            self.look_at_consumer();
            let is_ending = self.line.is_ending();
            let step = tokio::select! {
                biased;
                () = &mut stopped => break,
                step = self.line.step(&shared, !self.full) => step,
                () = sleep(DISCONNECT_TIMEOUT), if is_ending => break,
            };
            self.line.take_events(&mut events);
            let Err(failure) = step else {
                self.handle(&mut events);
                continue;
            };
            self.lost(failure, &mut events);
            if is_ending || shared.link.lock().farewell != Farewell::None {
                break;
            }
            self.change_version();
            let pause = self.pauses.next().unwrap_or_default();
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = sleep(pause) => {}
            }
        }
        self.end();
    }

    /// Looks whether the consumer has acknowledged enough to read on.
    fn look_at_consumer(&mut self) {
        if self.full {
            let link = self.shared.link.lock();
            self.full = link.acks.is_full() && !link.closed;
        }
    }

    fn handle(&mut self, events: &mut Vec<LineEvent>) {
        let mut arrivals = Vec::new();
        let mut acknowledged = false;
        for event in events.drain(..) {
            if !matches!(event, LineEvent::Publish(_)) {
                self.deliver(&mut arrivals);
            }
            match event {
                LineEvent::Publish(arrival) => arrivals.push(arrival),
                LineEvent::Connected(terms) => self.connected(&terms),
                LineEvent::Subscribed(granted) => self.subscribed(&granted),
                LineEvent::Acknowledged(packet_id, outcome) => {
                    self.shared.link.lock().outbox.acknowledged(packet_id, outcome);
                    acknowledged = true;
                }
            }
        }
        self.deliver(&mut arrivals);
        if acknowledged {
            self.shared.room.notify_waiters();
        }
    }

    fn connected(&mut self, terms: &Terms) {
        self.connected_at = Some(Instant::now());
        self.last_reason = None;
        match (&mut self.unanswered, self.line.version()) {
            (Some(unanswered), Version::V311) => {
                tracing::info!(broker = %self.options.broker, "the broker does not know MQTT 5: MQTT 3.1.1 it is");
                // Perhaps only a proxy hung up: the version is tried again with the next connection.
                *unanswered = MAX_UNANSWERED;
            }
            (unanswered, _) => *unanswered = None,
        }
        self.shared.counters.connects.fetch_add(1, Relaxed);
        let subscriptions = self.missing_subscriptions(terms);
        let epoch = {
            let mut link = self.shared.link.lock();
            // The limit is one below the broker's: some brokers count a message that they have just acknowledged.
            link.inflight_limit = usize::from(
                self.options
                    .inflight
                    .min(terms.receive_maximum.saturating_sub(1))
                    .max(1),
            );
            link.max_packet_bytes = self.options.max_packet_bytes.min(terms.max_packet_bytes);
            link.subscribe = (!subscriptions.is_empty()).then_some((subscriptions, terms.session_present));
            if let Some(birth) = self.options.birth.clone() {
                link.outbox.push_first(birth);
            }
            link.online = true;
            link.acks.epoch()
        };
        // A resumed session delivers again what was not consumed; without one, the waiting deliveries are the only
        // copies.
        let keep_bytes = if terms.session_present {
            0
        } else {
            self.options.max_unacknowledged_bytes
        };
        self.shared.events.discard_older(epoch, keep_bytes);
        self.emit(Event::Connected {
            session_present: terms.session_present,
        });
        if self.requested.is_empty() {
            self.report_subscriptions();
        }
    }

    /// Returns the subscriptions to request. MQTT 3.1.1 cannot subscribe without every retained message coming again, so
    /// there a kept session is only asked for what it does not have.
    fn missing_subscriptions(&mut self, terms: &Terms) -> Vec<Subscription> {
        if !terms.session_present || self.line.version() != Version::V311 {
            self.granted.fill(false);
        }
        let subscriptions = &self.options.subscriptions;
        self.requested = (0..subscriptions.len())
            .filter(|&index| !self.granted[index] && is_filter(&subscriptions[index].filter))
            .collect();
        self.requested
            .iter()
            .map(|&index| subscriptions[index].clone())
            .collect()
    }

    fn subscribed(&mut self, granted: &[bool]) {
        for (index, granted) in self.requested.drain(..).zip(granted) {
            self.granted[index] = *granted;
        }
        self.report_subscriptions();
    }

    fn report_subscriptions(&self) {
        let refused = self
            .options
            .subscriptions
            .iter()
            .zip(&self.granted)
            .filter(|(_, granted)| !**granted)
            .map(|(subscription, _)| subscription.filter.clone());
        let filters: Vec<String> = refused.collect();
        if !filters.is_empty() {
            self.emit(Event::SubscriptionRefused { filters });
        } else if !self.granted.is_empty() {
            self.emit(Event::Subscribed);
        }
    }

    fn deliver(&mut self, arrivals: &mut Vec<Arrival>) {
        if arrivals.is_empty() {
            return;
        }
        let tokens: Vec<AckToken> = {
            let mut link = self.shared.link.lock();
            let token = |arrival: &Arrival| match arrival.packet_id {
                None => AckToken::NONE,
                Some(packet_id) => link.acks.received(packet_id, arrival.payload.len()),
            };
            let tokens = arrivals.iter().map(token).collect();
            self.full = link.acks.is_full();
            tokens
        };
        let deliveries = arrivals.drain(..).zip(tokens).map(|(arrival, token)| Delivery {
            topic: arrival.topic,
            payload: arrival.payload,
            qos: if arrival.packet_id.is_some() {
                Qos::AtLeastOnce
            } else {
                Qos::AtMostOnce
            },
            retain: arrival.retain,
            dup: arrival.dup,
            token,
        });
        let dropped = self.shared.events.push_deliveries(deliveries);
        self.shared.counters.dropped_qos0.fetch_add(dropped, Relaxed);
    }

    /// Records whether the broker seems not to support the version of our CONNECT.
    fn note_failure(&mut self, failure: &Failure) {
        if let Some(unanswered) = &mut self.unanswered {
            match failure.unsupported {
                Unsupported::No => {}
                Unsupported::Perhaps => *unanswered += 1,
                Unsupported::Yes => *unanswered = MAX_UNANSWERED,
            }
        }
    }

    /// Changes the version if that may help. To be called only while offline.
    fn change_version(&mut self) {
        if self
            .unanswered
            .is_none_or(|unanswered| unanswered < MAX_UNANSWERED)
        {
            return;
        }
        let version = self.line.version().other();
        self.unanswered = Some(0);
        tracing::debug!(broker = %self.options.broker, version = version.name(), "no answer; the other version now");
        self.line.set_version(version);
    }

    /// Handles the end of a connection: processes its remaining acknowledgements, then discards everything of it.
    fn lost(&mut self, failure: Failure, events: &mut Vec<LineEvent>) {
        self.note_failure(&failure);
        {
            let mut link = self.shared.link.lock();
            link.online = false;
            link.subscribe = None;
            for event in events.drain(..) {
                if let LineEvent::Acknowledged(packet_id, outcome) = event {
                    link.outbox.acknowledged(packet_id, outcome);
                }
            }
            link.acks.next_epoch();
            link.outbox.requeue();
        }
        let lost = self.line.discard();
        self.shared.counters.lost_qos0.fetch_add(lost, Relaxed);
        self.full = false;
        self.shared.room.notify_waiters();
        if self.connected_at.take().is_some_and(|at| at.elapsed() >= STABLE) {
            self.pauses = pauses(self.options.max_backoff);
        }
        let reason = failure.reason;
        if self.last_reason.as_deref() != Some(&reason) {
            tracing::debug!(broker = %self.options.broker, reason, "disconnected");
            self.last_reason = Some(reason.clone());
            self.emit(Event::Disconnected { reason });
        }
    }

    fn emit(&self, event: Event) {
        self.shared.events.push(event);
    }

    fn end(self) {
        let unsent = {
            let mut link = self.shared.link.lock();
            link.online = false;
            link.closed = true;
            link.acks.next_epoch();
            link.outbox.close()
        };
        if unsent > 0 {
            tracing::warn!(broker = %self.options.broker, unsent, "closed with messages the broker did not acknowledge");
        }
        self.shared.events.close();
        self.shared.ended.cancel();
        self.shared.room.notify_waiters();
    }
}
