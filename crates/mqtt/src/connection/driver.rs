//! The task that polls the event loop. Nothing else touches the event loop. The task waits for the network, and for the
//! consumer only when it holds too many bytes.
//!
//! In: the client's events. Out: our events, into a channel that never blocks. When a connection ends, everything the
//! client still holds of it is discarded before the next begins: packet ids of its deliveries would refer to other
//! messages, and unacknowledged messages are kept in the outbox.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    AckToken, ConnectionOptions, Delivery, Event, Protocol, Qos,
    backoff::{Pauses, pauses},
    link::{Link, Shared},
    wire::{self, Arrival, Failure, Line, LineEvent, Terms, Unsupported, Version},
};

/// Duration of a connection after which the next pause is short again.
const STABLE: Duration = Duration::from_secs(5);
/// Time for the broker to close the connection after our DISCONNECT.
const DISCONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Number of events for which a full connection is polled, so that a ping or acknowledgement is written.
const BREATH: usize = 1_000;
/// Number of unanswered CONNECTs after which the other version is tried.
const MAX_UNANSWERED: u32 = 2;

pub(super) struct Driver {
    options: ConnectionOptions,
    line: Line,
    version: Version,
    /// Unanswered CONNECTs in this version; `None` once the version is known.
    unanswered: Option<u32>,
    /// Whether this process has subscribed; a session without its subscriptions may be an older process's.
    has_subscribed: bool,
    shared: Arc<Shared>,
    pauses: Pauses,
    connected_at: Option<Instant>,
    /// The last reported reason, so that a long outage is logged once.
    last_reason: Option<String>,
    /// Whether we sent DISCONNECT on this connection.
    disconnecting: bool,
    /// Whether the consumer had too much to acknowledge after the last delivery.
    full: bool,
    /// Number of events for which it may be polled all the same.
    breath: usize,
}

impl Driver {
    pub(super) fn new(options: ConnectionOptions) -> (Self, Arc<Shared>) {
        let version = match options.protocol {
            Protocol::Auto | Protocol::V5 => Version::V5,
            Protocol::V311 => Version::V311,
        };
        let (sender, line) = wire::open(&options, version);
        let shared = Shared::new(&options, sender);
        let driver = Self {
            pauses: pauses(options.max_backoff),
            unanswered: (options.protocol == Protocol::Auto).then_some(0),
            options,
            line,
            version,
            has_subscribed: false,
            shared: Arc::clone(&shared),
            connected_at: None,
            last_reason: None,
            disconnecting: false,
            full: false,
            breath: 0,
        };
        (driver, shared)
    }

    pub(super) async fn run(mut self) {
        let stop = self.shared.stop.clone();
        loop {
            self.wait_for_consumer().await;
            let limit = if self.disconnecting {
                DISCONNECT_TIMEOUT
            } else {
                // The client sends pings, so a poll without any event for this long is a write that nobody reads.
                self.line.keep_alive() * 2 + Duration::from_secs(5)
            };
            let polled = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                polled = timeout(limit, self.line.poll()) => polled,
            };
            let reason = match polled {
                Ok(Ok(event)) => {
                    self.handle(event);
                    continue;
                }
                _ if self.disconnecting => break,
                Ok(Err(failure)) => {
                    self.note_failure(&failure);
                    failure.reason
                }
                Err(_) => "the broker reads nothing".to_owned(),
            };
            self.lost(reason);
            self.change_version();
            let pause = self.pauses.next().unwrap_or_default();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.end();
    }

    /// Waits while the consumer has too much to acknowledge: nothing is read, and the broker's network slows it down.
    /// Now and then the connection is polled all the same, or the broker would take it for dead.
    async fn wait_for_consumer(&mut self) {
        if !self.full {
            return;
        }
        if self.breath > 0 {
            self.breath -= 1;
            return;
        }
        let pause = self.line.keep_alive() / 4;
        loop {
            let is_overfull = {
                let link = self.shared.link.lock();
                self.full = link.acks.is_full() && !link.closed;
                link.acks.is_overfull()
            };
            if !self.full {
                break;
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => break,
                () = self.shared.reading.notified() => {}
                () = tokio::time::sleep(pause) => {
                    if !is_overfull {
                        self.breath = BREATH;
                        break;
                    }
                }
            }
        }
        // An answer to a ping may be among what was not read.
        self.line.note_life();
    }

    fn handle(&mut self, event: LineEvent) {
        match event {
            LineEvent::Publish(arrival) => self.deliver(arrival),
            LineEvent::Connected(terms) => self.connected(&terms),
            LineEvent::Subscribed(granted) => self.subscribed(&granted),
            LineEvent::Acknowledged(packet_id, outcome) => {
                self.update(|link| link.outbox.acknowledged(packet_id, outcome));
            }
            LineEvent::PublishWritten(packet_id) => self.update(|link| link.outbox.written(packet_id)),
            LineEvent::AckWritten => self.acknowledged(),
            LineEvent::DisconnectWritten => self.disconnecting = true,
            LineEvent::Other => {}
        }
    }

    fn update(&self, change: impl FnOnce(&mut Link)) {
        let mut link = self.shared.link.lock();
        change(&mut link);
        link.pump();
        drop(link);
        self.shared.room.notify_waiters();
    }

    /// An acknowledgement was written: the next may follow, and a disconnect may wait for it.
    fn acknowledged(&self) {
        let mut link = self.shared.link.lock();
        link.pump();
        if link.closed {
            drop(link);
            self.shared.room.notify_waiters();
        }
    }

    fn connected(&mut self, terms: &Terms) {
        self.connected_at = Some(Instant::now());
        self.last_reason = None;
        match (&mut self.unanswered, self.version) {
            (Some(unanswered), Version::V311) => {
                tracing::info!(broker = %self.options.broker, "the broker does not know MQTT 5: MQTT 3.1.1 it is");
                // Perhaps only a proxy hung up: the version is tried again with the next connection.
                *unanswered = MAX_UNANSWERED;
            }
            (unanswered, _) => *unanswered = None,
        }
        self.shared.counters.connects.fetch_add(1, Relaxed);
        // Without such an option, subscribing again would deliver every retained message again.
        let known = self.has_subscribed && terms.session_present && self.version == Version::V311;
        let subscribes = !known && !self.options.subscriptions.is_empty();
        let epoch = {
            let mut link = self.shared.link.lock();
            // The limit is one below the broker's: at the broker's limit the client stops sending acknowledgements,
            // too.
            link.inflight_limit = usize::from(
                self.options
                    .inflight
                    .min(terms.receive_maximum.saturating_sub(1))
                    .max(1),
            );
            link.max_packet_bytes = self.options.max_packet_bytes.min(terms.max_packet_bytes);
            if subscribes
                && link
                    .sender
                    .subscribe(&self.options, terms.session_present)
                    .is_err()
            {
                tracing::error!("a subscription has a filter that MQTT does not know");
            }
            if let Some(birth) = self.options.birth.clone() {
                link.outbox.push_first(birth);
            }
            link.online = true;
            link.pump();
            link.acks.epoch()
        };
        self.has_subscribed |= subscribes;
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
        if known {
            self.emit(Event::Subscribed);
        }
    }

    fn subscribed(&self, granted: &[bool]) {
        let refused = self
            .options
            .subscriptions
            .iter()
            .zip(granted)
            .filter(|(_, granted)| !**granted)
            .map(|(subscription, _)| subscription.filter.clone());
        let filters: Vec<String> = refused.collect();
        self.emit(if filters.is_empty() {
            Event::Subscribed
        } else {
            Event::SubscriptionRefused { filters }
        });
    }

    fn deliver(&mut self, arrival: Arrival) {
        let (qos, token) = match arrival.packet_id {
            None => (Qos::AtMostOnce, AckToken::NONE),
            Some(packet_id) => {
                let mut link = self.shared.link.lock();
                let token = link.acks.received(packet_id, arrival.payload.len());
                self.full = link.acks.is_full();
                if link.acks.is_overfull() {
                    self.breath = 0;
                }
                (Qos::AtLeastOnce, token)
            }
        };
        let kept = self.shared.events.push_delivery(Delivery {
            topic: arrival.topic,
            payload: arrival.payload,
            qos,
            retain: arrival.retain,
            dup: arrival.dup,
            token,
        });
        if !kept {
            self.shared.counters.dropped_qos0.fetch_add(1, Relaxed);
        }
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
        self.version = self.version.other();
        self.unanswered = Some(0);
        tracing::debug!(broker = %self.options.broker, version = self.version.name(), "no answer; the other version now");
        let (sender, line) = wire::open(&self.options, self.version);
        self.shared.link.lock().sender = sender;
        self.line = line;
    }

    /// Handles the end of a connection: processes its remaining events, then discards everything of it.
    fn lost(&mut self, reason: String) {
        {
            let mut link = self.shared.link.lock();
            link.online = false;
            for event in self.line.drain() {
                match event {
                    LineEvent::PublishWritten(packet_id) => link.outbox.written(packet_id),
                    LineEvent::Acknowledged(packet_id, outcome) => {
                        link.outbox.acknowledged(packet_id, outcome);
                    }
                    _ => {}
                }
            }
            link.acks.next_epoch();
            let lost = link.outbox.requeue();
            self.shared.counters.lost_qos0.fetch_add(lost, Relaxed);
        }
        // Only now can no handle put anything into the client's channel.
        self.line.discard();
        self.disconnecting = false;
        (self.full, self.breath) = (false, 0);
        self.shared.room.notify_waiters();
        if self.connected_at.take().is_some_and(|at| at.elapsed() >= STABLE) {
            self.pauses = pauses(self.options.max_backoff);
        }
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
