//! The task that polls: the only one that touches the event loop, and it waits for the network alone.
//!
//! In: the client's events. Out: our events, into a channel that never blocks. When a connection ends, everything the
//! client still holds of it is thrown away before the next begins: deliveries would carry packet ids that mean other
//! messages by then, and unacknowledged messages are kept in the outbox.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use rumqttc::{
    Outgoing,
    v5::{
        AsyncClient, ConnectionError, Event as ClientEvent, EventLoop,
        mqttbytes::{
            QoS,
            v5::{
                ConnAck, Filter, Packet, PubAckReason, Publish, RetainForwardRule, SubAck,
                SubscribeReasonCode,
            },
        },
    },
};
use tokio::time::timeout;

use super::{
    AckToken, ConnectionOptions, Delivery, Event, PublishError, Qos, backoff::Backoff, link::Link,
    link::Shared,
};

/// A connection that held this long was a good one: the next pause is short again.
const STABLE: Duration = Duration::from_secs(5);
/// How long the broker has to close the connection after our goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

pub(super) struct Driver {
    options: ConnectionOptions,
    event_loop: EventLoop,
    shared: Arc<Shared>,
    backoff: Backoff,
    connected_at: Option<Instant>,
    /// The last reason given, so that a long outage is told once.
    told: Option<String>,
    /// We said goodbye on this connection.
    parted: bool,
}

impl Driver {
    pub(super) fn new(options: ConnectionOptions) -> (Self, Arc<Shared>) {
        let (client, event_loop) = AsyncClient::new(options.to_client(), options.channel_capacity());
        let shared = Shared::new(&options, client);
        let driver = Self {
            backoff: Backoff::new(options.max_backoff),
            options,
            event_loop,
            shared: Arc::clone(&shared),
            connected_at: None,
            told: None,
            parted: false,
        };
        (driver, shared)
    }

    pub(super) async fn run(mut self) {
        let stop = self.shared.stop.clone();
        // The client pings by itself, so a poll without any event for this long is a write that nobody reads.
        let silence = self.options.keep_alive() * 2 + Duration::from_secs(5);
        loop {
            let patience = if self.parted { GOODBYE } else { silence };
            let polled = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                polled = timeout(patience, self.event_loop.poll()) => polled,
            };
            let reason = match polled {
                Ok(Ok(event)) => {
                    self.handle(event);
                    continue;
                }
                _ if self.parted && self.shared.link.lock().closed => break,
                _ if self.parted => "reconnecting for what exceeded the receive maximum".to_owned(),
                Ok(Err(error)) => describe(&error),
                Err(_) => "the broker reads nothing".to_owned(),
            };
            self.lost(reason);
            let pause = self.backoff.next_pause();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.end();
    }

    fn handle(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Incoming(Packet::Publish(publish)) => self.deliver(publish),
            ClientEvent::Incoming(Packet::ConnAck(connack)) => self.connected(&connack),
            ClientEvent::Incoming(Packet::SubAck(suback)) => self.subscribed(&suback),
            ClientEvent::Incoming(Packet::PubAck(puback)) => {
                self.update(|link| link.outbox.acknowledged(puback.pkid, outcome(puback.reason)));
            }
            ClientEvent::Outgoing(Outgoing::Publish(packet_id)) => {
                self.update(|link| link.outbox.written(packet_id));
            }
            ClientEvent::Outgoing(Outgoing::PubAck(_)) => self.acknowledged(),
            ClientEvent::Outgoing(Outgoing::Disconnect) => self.parted = true,
            _ => {}
        }
    }

    fn update(&self, change: impl FnOnce(&mut Link)) {
        let mut link = self.shared.link.lock();
        change(&mut link);
        link.pump();
        drop(link);
        self.shared.room.notify_waiters();
    }

    /// An acknowledgement was written: the next may follow, and a goodbye may wait for it.
    fn acknowledged(&self) {
        let mut link = self.shared.link.lock();
        link.pump();
        if link.online && link.acks.is_spent() && link.client().try_disconnect().is_ok() {
            // Behind all acknowledgements and before anything else; the next connection follows by itself.
            link.online = false;
        }
        if link.closed {
            drop(link);
            self.shared.room.notify_waiters();
        }
    }

    fn connected(&mut self, connack: &ConnAck) {
        self.connected_at = Some(Instant::now());
        self.told = None;
        self.shared.counters.connects.fetch_add(1, Relaxed);
        let properties = connack.properties.as_ref();
        let epoch = {
            let mut link = self.shared.link.lock();
            let receive_max = properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX);
            // One below the broker's limit: at the limit the client stops sending acknowledgements, too.
            link.inflight_limit =
                usize::from(self.options.inflight.min(receive_max.saturating_sub(1)).max(1));
            let max_packet = properties.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX);
            link.max_packet_bytes = self.options.max_packet_bytes.min(max_packet);
            let filters = filters(&self.options, connack.session_present);
            if !filters.is_empty() && link.client().try_subscribe_many(filters).is_err() {
                tracing::error!("a subscription has a filter that MQTT does not know");
            }
            if let Some(birth) = self.options.birth.clone() {
                link.outbox.push_first(birth);
            }
            link.online = true;
            link.pump();
            link.acks.epoch()
        };
        // A resumed session delivers again what nobody has taken yet; without one, that is all there is.
        let keep = if connack.session_present {
            0
        } else {
            usize::from(self.options.receive_maximum)
        };
        self.shared.events.forget_older(epoch, keep);
        self.tell(Event::Connected {
            session_present: connack.session_present,
        });
    }

    fn subscribed(&self, suback: &SubAck) {
        let refused = self
            .options
            .subscriptions
            .iter()
            .zip(&suback.return_codes)
            .filter(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_)))
            .map(|(subscription, _)| subscription.filter.clone());
        let filters: Vec<String> = refused.collect();
        self.tell(if filters.is_empty() {
            Event::Subscribed
        } else {
            Event::SubscriptionRefused { filters }
        });
    }

    fn deliver(&self, publish: Publish) {
        let (qos, token) = if publish.qos == QoS::AtMostOnce {
            (Qos::AtMostOnce, AckToken::NONE)
        } else {
            // Our subscriptions ask for QoS 1 at most, so nothing comes at QoS 2.
            let Some(token) = self
                .shared
                .link
                .lock()
                .acks
                .received(publish.pkid, publish.payload.len())
            else {
                self.shared.counters.overruns.fetch_add(1, Relaxed);
                return;
            };
            (Qos::AtLeastOnce, token)
        };
        let kept = self.shared.events.push_delivery(Delivery {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            qos,
            retain: publish.retain,
            dup: publish.dup,
            token,
        });
        if !kept {
            self.shared.counters.dropped_qos0.fetch_add(1, Relaxed);
        }
    }

    /// The connection ended: what it left behind is handled as its own, then everything of it is forgotten.
    fn lost(&mut self, reason: String) {
        {
            let mut link = self.shared.link.lock();
            link.online = false;
            for event in self.event_loop.state.events.drain(..) {
                match event {
                    ClientEvent::Outgoing(Outgoing::Publish(packet_id)) => link.outbox.written(packet_id),
                    ClientEvent::Incoming(Packet::PubAck(puback)) => {
                        link.outbox.acknowledged(puback.pkid, outcome(puback.reason));
                    }
                    _ => {}
                }
            }
            link.acks.next_epoch();
            let lost = link.outbox.requeue();
            self.shared.counters.lost_qos0.fetch_add(lost, Relaxed);
        }
        // Only now: no handle puts anything into the client's channel any more.
        self.event_loop.clean();
        self.event_loop.pending.clear();
        self.event_loop.state.collision = None;
        self.parted = false;
        self.shared.room.notify_waiters();
        if self.connected_at.take().is_some_and(|at| at.elapsed() >= STABLE) {
            self.backoff.reset();
        }
        if self.told.as_deref() != Some(&reason) {
            tracing::debug!(broker = %self.options.broker, reason, "disconnected");
            self.told = Some(reason.clone());
            self.tell(Event::Disconnected { reason });
        }
    }

    fn tell(&self, event: Event) {
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

/// Every filter on every connection: a session that the broker kept may know older ones. Retained messages come with a
/// new subscription only, so that a reconnect does not repeat them.
fn filters(options: &ConnectionOptions, session_present: bool) -> Vec<Filter> {
    let filter = |subscription: &super::Subscription| Filter {
        retain_forward_rule: if session_present {
            RetainForwardRule::OnNewSubscribe
        } else {
            RetainForwardRule::OnEverySubscribe
        },
        ..Filter::new(subscription.filter.clone(), subscription.qos.to_wire())
    };
    options.subscriptions.iter().map(filter).collect()
}

fn outcome(reason: PubAckReason) -> Result<(), PublishError> {
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
        reason => Err(PublishError::Refused(format!("{reason:?}"))),
    }
}

fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        ConnectionError::Timeout(_) => "the broker did not answer in time".to_owned(),
        ConnectionError::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
