//! What a connection does with each packet.
//!
//! In: packets in the order of receipt. Out: questions to the hook, acknowledgements, changes of the session. A fault ends
//! the connection.

use std::{future::ready, num::NonZeroU16};

use bytestring::ByteString;
use rmqtt_codec::types::{Publish, QoS};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Reception, Verdict,
    access::Permission,
    connection::Connection,
    ending::Ending,
    events::{EventKind, What},
    handshake::TOPIC_ALIASES,
    packet::{Codec, Packet, Refusal},
    topic::{TopicFault, check_name, check_response, is_bridge_notice},
};

/// A publish whose turn to be routed has come.
pub(crate) struct Handled {
    publish: Box<Publish>,
    outcome: Outcome,
}

/// A publish whose turn to be acknowledged has come.
pub(crate) enum Settled {
    /// It is not routed yet, because it came behind one that waited.
    Unrouted(Handled),
    /// It was routed ahead of its acknowledgement.
    Routed(Receipt, Verdict),
}

/// What is needed to acknowledge a publish.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipt {
    qos: QoS,
    packet_id: Option<NonZeroU16>,
    bytes: usize,
}

/// What is to be done with a publish.
enum Outcome {
    Asked(Reception),
    Refused(Refusal),
    /// It is acknowledged and goes nowhere.
    Ignored,
    /// It has the id of one before it that is not released.
    Repeated,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn handle(&mut self, packet: Packet) -> Result<(), Ending> {
        match packet {
            Packet::Publish(publish) => return self.publish(publish),
            Packet::PubAck(id) | Packet::PubComp(id) | Packet::PubRec(id, true) => {
                if let Some(mut state) = self.own_state() {
                    state.acknowledged(id);
                }
            }
            Packet::PubRec(id, false) => {
                let known = self
                    .own_state()
                    .is_some_and(|mut state| state.received_by_client(id));
                self.codec.release(id, known, &mut self.wire.output);
                self.shared.statistics.packets_sent.one();
            }
            Packet::PubRel(id) => {
                let known = self.own_state().is_some_and(|mut state| state.released(id));
                self.codec.complete(id, known, &mut self.wire.output);
                self.shared.statistics.packets_sent.one();
            }
            // What was published before a subscription is not delivered to it.
            Packet::Subscribe(_) | Packet::Unsubscribe(..) if !self.is_routed() => {
                self.waiting = Some(packet);
            }
            Packet::Subscribe(subscribe) => return self.subscribe(&subscribe),
            Packet::Unsubscribe(id, filters) => self.unsubscribe(id, &filters),
            Packet::Ping => {
                Codec::pong(&mut self.wire.output);
                self.shared.statistics.packets_sent.one();
            }
            Packet::Disconnect(goodbye) => return Err(Ending::Goodbye(goodbye)),
            Packet::Unexpected(what) => {
                return Err(Ending::protocol_error(&format!("the client sent {what}")));
            }
        }
        Ok(())
    }

    fn publish(&mut self, mut publish: Box<Publish>) -> Result<(), Ending> {
        let statistics = &self.shared.statistics;
        statistics.publishes_received.one();
        statistics
            .publish_bytes_received
            .add(publish.payload.len() as u64);
        self.resolve_alias(&mut publish)?;
        let properties = publish.properties.as_ref();
        let response = properties.and_then(|properties| properties.response_topic.as_deref());
        let mut outcome = match check_name(&publish.topic).and_then(|()| check_response(response)) {
            Ok(()) => self.unauthorized(&publish),
            Err(TopicFault::Malformed(text)) => return Err(Ending::bad_topic(&publish.topic, text)),
            Err(TopicFault::Reserved) if is_bridge_notice(&publish.topic) => Some(Outcome::Ignored),
            Err(TopicFault::Reserved) => {
                self.tell_reserved(&publish.topic);
                Some(Outcome::Refused(Refusal::NotAuthorized))
            }
        };
        if self.is_repeated(&publish) {
            outcome = Some(Outcome::Repeated);
        } else {
            self.count(&publish)?;
        }
        self.pending_bytes += publish.payload.len();
        if let Some(outcome) = outcome {
            let handled = Handled { publish, outcome };
            self.pending.push_back(Box::pin(ready(handled)));
            return Ok(());
        }
        let (shared, identity) = (self.shared.clone(), self.identity.clone());
        self.pending.push_back(Box::pin(async move {
            let reception = shared.gate.ask(&identity, &publish, false).await;
            Handled {
                publish,
                outcome: Outcome::Asked(reception),
            }
        }));
        Ok(())
    }

    /// Refuses what the client has no right to publish.
    fn unauthorized(&self, publish: &Publish) -> Option<Outcome> {
        let (reason, remedy) = match self.rights.publish(&publish.topic, &publish.payload) {
            Permission::Granted => return None,
            Permission::Ignored => return Some(Outcome::Ignored),
            Permission::Refused { reason, remedy } => (reason, remedy),
        };
        let topic: String = publish.topic.chars().take(128).collect();
        let text = format!("a message to {topic:?} is not taken: {reason}");
        let what = What::new(EventKind::NotAuthorized, text, remedy);
        self.shared.events.tell(self.who(), what);
        Some(Outcome::Refused(Refusal::NotAuthorized))
    }

    fn is_repeated(&self, publish: &Publish) -> bool {
        publish.qos == QoS::ExactlyOnce
            && publish.packet_id.is_some_and(|id| {
                self.pending_ids.contains(&id) || self.own_state().is_some_and(|state| state.has_taken(id))
            })
    }

    /// Counts a publish that is to be acknowledged. MQTT 3.1.1 has no receive maximum: there, reading pauses while the hook
    /// handles that many, and ids of 16 bits bound what waits for a release.
    fn count(&mut self, publish: &Publish) -> Result<(), Ending> {
        if publish.qos == QoS::AtMostOnce {
            return Ok(());
        }
        let maximum = self.shared.options.max_inflight.get();
        if self.codec.is_v5() {
            let unreleased = self.own_state().map_or(0, |state| state.unreleased());
            if self.unacknowledged + unreleased >= usize::from(maximum) {
                return Err(Ending::receive_maximum(maximum));
            }
        }
        self.unacknowledged += 1;
        if publish.qos == QoS::ExactlyOnce {
            self.pending_ids.extend(publish.packet_id);
        }
        Ok(())
    }

    /// Puts the topic in the place of its alias.
    fn resolve_alias(&mut self, publish: &mut Publish) -> Result<(), Ending> {
        let Some(properties) = &mut publish.properties else {
            return Ok(());
        };
        if !properties.subscription_ids.is_empty() {
            return Err(Ending::protocol_error(
                "a client's PUBLISH has a subscription identifier",
            ));
        }
        let Some(alias) = properties.topic_alias.take() else {
            return if publish.topic.is_empty() {
                Err(Ending::protocol_error(
                    "a PUBLISH has neither a topic nor an alias",
                ))
            } else {
                Ok(())
            };
        };
        if alias.get() > TOPIC_ALIASES {
            return Err(Ending::bad_alias());
        }
        let place = usize::from(alias.get()) - 1;
        if self.aliases.len() <= place {
            self.aliases.resize(place + 1, None);
        }
        if publish.topic.is_empty() {
            let Some(topic) = &self.aliases[place] else {
                return Err(Ending::protocol_error("a topic alias stands for no topic"));
            };
            publish.topic = topic.clone();
        } else {
            self.aliases[place] = Some(ByteString::from(publish.topic.to_string()));
        }
        Ok(())
    }

    /// Whether everything that was received is routed.
    pub(crate) fn is_routed(&self) -> bool {
        self.pending.is_empty() && self.unrouted == 0
    }

    /// Routes a publish whose turn has come, and acknowledges it unless its acknowledgement, or one before it, waits.
    pub(crate) fn answer(&mut self, handled: Handled) -> Result<(), Ending> {
        let Handled { publish, outcome } = handled;
        match outcome {
            Outcome::Asked(Reception::Ahead(accepting)) if self.unrouted == 0 => {
                let receipt = Receipt::of(&publish);
                self.shared.route(*publish, self.publisher());
                self.accepting
                    .push_back(Box::pin(async move { Settled::Routed(receipt, accepting.await) }));
            }
            Outcome::Asked(Reception::Ahead(accepting)) => {
                self.unrouted += 1;
                self.accepting.push_back(Box::pin(async move {
                    let outcome = Outcome::Asked(accepting.await.into());
                    Settled::Unrouted(Handled { publish, outcome })
                }));
            }
            outcome if !self.accepting.is_empty() => {
                self.unrouted += 1;
                let settled = Settled::Unrouted(Handled { publish, outcome });
                self.accepting.push_back(Box::pin(ready(settled)));
            }
            outcome => return self.conclude(publish, &outcome),
        }
        Ok(())
    }

    /// Acknowledges a publish whose turn has come, and routes it if it is not routed yet.
    pub(crate) fn settle(&mut self, settled: Settled) -> Result<(), Ending> {
        match settled {
            Settled::Unrouted(Handled { publish, outcome }) => {
                self.unrouted -= 1;
                self.conclude(publish, &outcome)
            }
            Settled::Routed(receipt, verdict) => {
                self.taken(receipt);
                let refusal = self.refusal_of(verdict)?;
                self.acknowledge(receipt, refusal);
                Ok(())
            }
        }
    }

    /// Routes and acknowledges a publish that is decided.
    fn conclude(&mut self, publish: Box<Publish>, outcome: &Outcome) -> Result<(), Ending> {
        let receipt = Receipt::of(&publish);
        if matches!(outcome, Outcome::Repeated) {
            self.pending_bytes -= receipt.bytes;
        } else {
            self.taken(receipt);
        }
        let refusal = match outcome {
            Outcome::Asked(Reception::Decided(verdict)) => self.refusal_of(*verdict)?,
            // It is decided before it comes here.
            Outcome::Asked(Reception::Ahead(_)) | Outcome::Ignored => None,
            Outcome::Refused(refusal) => Some(*refusal),
            Outcome::Repeated => {
                let taken = publish
                    .packet_id
                    .is_some_and(|id| self.own_state().is_some_and(|state| state.has_taken(id)));
                (!taken).then_some(Refusal::QuotaExceeded)
            }
        };
        self.acknowledge(receipt, refusal);
        if refusal.is_none() && !matches!(outcome, Outcome::Repeated) {
            if publish.qos == QoS::ExactlyOnce
                && let Some(id) = publish.packet_id
            {
                // Also for a connection that has lost its session: the message is routed.
                self.session.state().take(id);
            }
            if !matches!(outcome, Outcome::Ignored) {
                self.shared.route(*publish, self.publisher());
            }
        }
        Ok(())
    }

    /// Counts a publish out that was counted in.
    fn taken(&mut self, receipt: Receipt) {
        self.pending_bytes -= receipt.bytes;
        if receipt.qos != QoS::AtMostOnce {
            self.unacknowledged -= 1;
            if let Some(id) = receipt.packet_id {
                self.pending_ids.remove(&id);
            }
        }
    }

    fn refusal_of(&self, verdict: Verdict) -> Result<Option<Refusal>, Ending> {
        match verdict {
            Verdict::Accept => Ok(None),
            Verdict::Refuse => Ok(Some(Refusal::QuotaExceeded)),
            Verdict::Withhold => Err(Ending::withheld(self.shared.gate.is_closed())),
        }
    }

    fn acknowledge(&mut self, receipt: Receipt, refusal: Option<Refusal>) {
        let Receipt { qos, packet_id, .. } = receipt;
        self.codec
            .acknowledge(qos, packet_id, refusal, &mut self.wire.output);
        self.shared
            .statistics
            .packets_sent
            .add(u64::from(qos != QoS::AtMostOnce));
    }

    fn tell_reserved(&self, topic: &str) {
        let topic: String = topic.chars().take(128).collect();
        let what = What::new(
            EventKind::PublishRefused,
            format!("a message to {topic:?} is not taken: topics that begin with $ belong to the broker"),
            "publish to a topic that does not begin with $",
        );
        self.shared.events.tell(self.who(), what);
    }

    pub(crate) fn tell_too_large(&self, messages: u64) {
        self.shared.statistics.publishes_dropped.add(messages);
        let what = What::new(
            EventKind::MessagesDropped,
            "a message is larger than the Maximum Packet Size that this client asks for",
            "raise the client's Maximum Packet Size, or subscribe to less",
        );
        self.shared.events.tell(self.who(), what);
    }
}

impl Receipt {
    fn of(publish: &Publish) -> Self {
        Self {
            qos: publish.qos,
            packet_id: publish.packet_id,
            bytes: publish.payload.len(),
        }
    }
}
