//! What a connection does with each packet.
//!
//! In: packets in the order of receipt. Out: questions to the hook, acknowledgements, changes of the session. A fault ends
//! the connection.

use std::future::ready;

use bytes::BytesMut;
use bytestring::ByteString;
use rmqtt_codec::types::{Publish, QoS};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    access::Permission,
    answering::{Handled, Outcome},
    connection::Connection,
    ending::Ending,
    events::{EventKind, What},
    handshake::TOPIC_ALIASES,
    packet::{Codec, Packet, Refusal},
    topic::{TopicFault, check_name, check_response, is_bridge_notice, levels},
};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn handle(&mut self, packet: Packet) -> Result<(), Ending> {
        match packet {
            Packet::Publish(publish) => return self.publish(publish),
            Packet::PubAck(id) | Packet::PubComp(id) | Packet::PubRec(id, true) => {
                // Without the record's end the message only comes once more.
                self.change(false, |state, page| state.acknowledged(id, page));
            }
            Packet::PubRec(id, false) => {
                let (known, ticket) = self.change(true, |state, page| state.received_by_client(id, page));
                let mut reply = BytesMut::new();
                self.codec.release(id, known.unwrap_or(false), &mut reply);
                self.reply(reply, ticket, false);
            }
            Packet::PubRel(id) => {
                let (known, ticket) = self.change(true, |state, page| state.released(id, page));
                let mut reply = BytesMut::new();
                self.codec.complete(id, known.unwrap_or(false), &mut reply);
                self.reply(reply, ticket, false);
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
            Ok(()) if levels(&publish.topic) > self.shared.options.max_topic_levels => {
                let most = self.shared.options.max_topic_levels;
                return Err(Ending::deep_topic(&publish.topic, most));
            }
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
