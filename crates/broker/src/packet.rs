//! Packets of both versions as one type, over the codec library.
//!
//! In: one whole frame whose size was checked. Out: a [`Packet`], or why it cannot be one. Acknowledgements are written
//! here: two or three bytes that every version and every small client reads.

use std::num::{NonZeroU16, NonZeroU32};

use bytes::{BufMut as _, BytesMut};
use bytestring::ByteString;
use rmqtt_codec::{
    error::DecodeError,
    types::{Publish, QoS},
    v3,
    v5::{self, DisconnectReasonCode as Reason, RetainHandling, SubscriptionOptions},
};
use tokio_util::codec::{Decoder as _, Encoder as _};

use crate::alias::Aliases;

/// A packet of a client that has been greeted.
#[derive(Debug)]
pub(crate) enum Packet {
    Publish(Box<Publish>),
    PubAck(NonZeroU16),
    /// The second field tells whether the client refuses the message.
    PubRec(NonZeroU16, bool),
    PubRel(NonZeroU16),
    PubComp(NonZeroU16),
    Subscribe(Subscribe),
    Unsubscribe(NonZeroU16, Vec<ByteString>),
    Ping,
    Disconnect(Goodbye),
    /// A second CONNECT, AUTH without an exchange, or what only servers send.
    Unexpected(&'static str),
}

/// A SUBSCRIBE.
#[derive(Debug)]
pub(crate) struct Subscribe {
    pub(crate) packet_id: NonZeroU16,
    pub(crate) id: Option<NonZeroU32>,
    pub(crate) filters: Vec<(ByteString, SubscriptionOptions)>,
}

/// A DISCONNECT of a client.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Goodbye {
    pub(crate) with_will: bool,
    pub(crate) session_expiry: Option<u32>,
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) reason: Reason,
    pub(crate) text: &'static str,
}

/// Why a message is acknowledged without being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotAuthorized = 0x87,
    QuotaExceeded = 0x97,
}

/// The codec of one connection.
#[derive(Debug)]
pub(crate) enum Codec {
    V3(v3::Codec),
    /// The aliases are those towards the client.
    V5(v5::Codec, Aliases),
}

impl Codec {
    pub(crate) const fn is_v5(&self) -> bool {
        matches!(self, Self::V5(..))
    }

    /// Takes one packet from `buffer`, which holds at least one whole frame.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Packet, Malformed> {
        let incomplete = Malformed {
            reason: Reason::MalformedPacket,
            text: "a packet ends early",
        };
        match self {
            Self::V3(codec) => match codec.decode(buffer) {
                Ok(Some((packet, _))) => Ok(packet_v3(packet)),
                Ok(None) => Err(incomplete),
                Err(error) => Err(malformed(&error)),
            },
            Self::V5(codec, _) => match codec.decode(buffer) {
                Ok(Some((packet, _))) => Ok(packet_v5(packet)),
                Ok(None) => Err(incomplete),
                Err(error) => Err(malformed(&error)),
            },
        }
    }

    /// Appends a PUBLISH; `false` where it would exceed `max_bytes`, and nothing is appended.
    pub(crate) fn publish(&mut self, mut publish: Publish, max_bytes: usize, output: &mut BytesMut) -> bool {
        if publish.payload.len() > max_bytes {
            return false;
        }
        let before = output.len();
        match self {
            Self::V3(codec) => codec
                .encode(v3::Packet::Publish(Box::new(publish)), output)
                .is_ok(),
            Self::V5(codec, aliases) => {
                let fresh = aliases.apply(&mut publish);
                let encoded = codec.encode(v5::Packet::Publish(Box::new(publish)), output);
                let fits = encoded.is_ok() && output.len() - before <= max_bytes;
                if !fits {
                    output.truncate(before);
                    if let Some(topic) = fresh {
                        aliases.forget(&topic);
                    }
                }
                fits
            }
        }
    }

    /// Appends a PUBACK or a PUBREC. MQTT 3.1.1 has no reasons.
    pub(crate) fn acknowledge(
        &self,
        qos: QoS,
        packet_id: Option<NonZeroU16>,
        refusal: Option<Refusal>,
        output: &mut BytesMut,
    ) {
        let kind = match qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => 0x40,
            QoS::ExactlyOnce => 0x50,
        };
        if let Some(id) = packet_id {
            let reason = refusal.map_or(0, |refusal| refusal as u8);
            self.put_acknowledgement(kind, id, reason, output);
        }
    }

    /// Appends a PUBREL.
    pub(crate) fn release(&self, id: NonZeroU16, known: bool, output: &mut BytesMut) {
        self.put_acknowledgement(0x62, id, reason_of_id(known), output);
    }

    /// Appends a PUBCOMP.
    pub(crate) fn complete(&self, id: NonZeroU16, known: bool, output: &mut BytesMut) {
        self.put_acknowledgement(0x70, id, reason_of_id(known), output);
    }

    fn put_acknowledgement(&self, kind: u8, id: NonZeroU16, reason: u8, output: &mut BytesMut) {
        let id = id.get().to_be_bytes();
        if reason == 0 || !self.is_v5() {
            output.put_slice(&[kind, 2, id[0], id[1]]);
        } else {
            output.put_slice(&[kind, 3, id[0], id[1], reason]);
        }
    }

    /// Appends a SUBACK with a return code for each filter.
    pub(crate) fn subscribed(&self, id: NonZeroU16, codes: &[u8], output: &mut BytesMut) {
        let v5 = self.is_v5();
        put_header(0x90, 2 + usize::from(v5) + codes.len(), id, output);
        if v5 {
            output.put_u8(0);
        }
        output.extend(
            codes
                .iter()
                .map(|code| if v5 { *code } else { (*code).min(0x80) }),
        );
    }

    /// Appends an UNSUBACK with a code for each filter, which MQTT 3.1.1 does not have.
    pub(crate) fn unsubscribed(&self, id: NonZeroU16, codes: &[u8], output: &mut BytesMut) {
        if self.is_v5() {
            put_header(0xB0, 3 + codes.len(), id, output);
            output.put_u8(0);
            output.put_slice(codes);
        } else {
            put_header(0xB0, 2, id, output);
        }
    }

    /// Appends a PINGRESP.
    pub(crate) fn pong(output: &mut BytesMut) {
        output.put_slice(&[0xD0, 0]);
    }

    /// Appends a DISCONNECT, which servers can send in MQTT 5 only.
    pub(crate) fn disconnect(&mut self, reason: Reason, text: &str, max_bytes: usize, output: &mut BytesMut) {
        let Self::V5(codec, _) = self else { return };
        let before = output.len();
        let mut packet = v5::Disconnect::new(reason);
        packet.reason_string = (!text.is_empty()).then(|| text.to_owned().into());
        let encoded = codec.encode(v5::Packet::Disconnect(packet), output);
        if encoded.is_err() || output.len() - before > max_bytes {
            output.truncate(before);
            let shortest = [0xE0, 1, reason.into()];
            if shortest.len() <= max_bytes {
                output.put_slice(&shortest);
            }
        }
    }
}

const fn reason_of_id(known: bool) -> u8 {
    // 0x92: packet identifier not found.
    if known { 0 } else { 0x92 }
}

fn put_header(kind: u8, mut length: usize, id: NonZeroU16, output: &mut BytesMut) {
    output.put_u8(kind);
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        output.put_u8((length & 0x7F) as u8 | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    output.put_u16(id.get());
}

fn packet_v3(packet: v3::Packet) -> Packet {
    match packet {
        v3::Packet::Publish(publish) => Packet::Publish(publish),
        v3::Packet::PublishAck { packet_id } => Packet::PubAck(packet_id),
        v3::Packet::PublishReceived { packet_id } => Packet::PubRec(packet_id, false),
        v3::Packet::PublishRelease { packet_id } => Packet::PubRel(packet_id),
        v3::Packet::PublishComplete { packet_id } => Packet::PubComp(packet_id),
        v3::Packet::Subscribe {
            packet_id,
            topic_filters,
        } => Packet::Subscribe(Subscribe {
            packet_id,
            id: None,
            filters: topic_filters
                .into_iter()
                .map(|(filter, qos)| (filter, options_v3(qos)))
                .collect(),
        }),
        v3::Packet::Unsubscribe {
            packet_id,
            topic_filters,
        } => Packet::Unsubscribe(packet_id, topic_filters),
        v3::Packet::PingRequest => Packet::Ping,
        v3::Packet::Disconnect => Packet::Disconnect(Goodbye::default()),
        v3::Packet::Connect(_) => Packet::Unexpected("a second CONNECT"),
        _ => Packet::Unexpected("a packet that only servers send"),
    }
}

const fn options_v3(qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions {
        qos,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::AtSubscribe,
    }
}

fn packet_v5(packet: v5::Packet) -> Packet {
    match packet {
        v5::Packet::Publish(publish) => Packet::Publish(publish),
        v5::Packet::PublishAck(ack) => Packet::PubAck(ack.packet_id),
        v5::Packet::PublishReceived(ack) => Packet::PubRec(ack.packet_id, u8::from(ack.reason_code) >= 0x80),
        v5::Packet::PublishRelease(ack) => Packet::PubRel(ack.packet_id),
        v5::Packet::PublishComplete(ack) => Packet::PubComp(ack.packet_id),
        v5::Packet::Subscribe(subscribe) => Packet::Subscribe(Subscribe {
            packet_id: subscribe.packet_id,
            id: subscribe.id,
            filters: subscribe.topic_filters,
        }),
        v5::Packet::Unsubscribe(unsubscribe) => {
            Packet::Unsubscribe(unsubscribe.packet_id, unsubscribe.topic_filters)
        }
        v5::Packet::PingRequest => Packet::Ping,
        v5::Packet::Disconnect(disconnect) => Packet::Disconnect(Goodbye {
            // Any reason but a normal end keeps the will (3.14.4).
            with_will: u8::from(disconnect.reason_code) != 0,
            session_expiry: disconnect.session_expiry_interval_secs,
        }),
        v5::Packet::Connect(_) => Packet::Unexpected("a second CONNECT"),
        v5::Packet::Auth(_) => Packet::Unexpected("AUTH without an exchange"),
        _ => Packet::Unexpected("a packet that only servers send"),
    }
}

/// Translates the library's errors into reason codes and words.
pub(crate) fn malformed(error: &DecodeError) -> Malformed {
    let (reason, text) = match error {
        DecodeError::Utf8Error => (Reason::MalformedPacket, "a text is not UTF-8"),
        DecodeError::InvalidLength => (Reason::MalformedPacket, "a packet's parts exceed its length"),
        DecodeError::UnsupportedPacketType => {
            (Reason::MalformedPacket, "a packet's type or flags do not exist")
        }
        DecodeError::InvalidTopicFilter => (Reason::ProtocolError, "a subscription without a topic filter"),
        DecodeError::InvalidTopicName => (Reason::TopicNameInvalid, "a topic is empty"),
        DecodeError::ConnectReservedFlagSet | DecodeError::InvalidConnectFlags => (
            Reason::MalformedPacket,
            "CONNECT has flags that do not go together",
        ),
        DecodeError::InvalidProtocol | DecodeError::UnsupportedProtocolLevel => {
            (Reason::MalformedPacket, "CONNECT names no version of MQTT")
        }
        DecodeError::InvalidClientId => (Reason::ProtocolError, "CONNECT has no client id"),
        DecodeError::MaxSizeExceeded { .. } => (Reason::PacketTooLarge, "a packet is too large"),
        _ => (Reason::MalformedPacket, "a packet is malformed"),
    };
    Malformed { reason, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FrameLimits, frame};

    proptest::proptest! {
        /// Whatever a client sends as one frame is a packet or an error, and is taken from the buffer.
        #[test]
        fn arbitrary_frames_never_panic(first: u8, body in proptest::collection::vec(proptest::num::u8::ANY, 0..127), v5: bool) {
            let mut input = BytesMut::from(&[first, body.len() as u8][..]);
            input.extend_from_slice(&body);
            let limits = FrameLimits { max_packet_bytes: 1_000, properties: v5 };
            let mut codec = if v5 {
                Codec::V5(v5::Codec::default(), Aliases::default())
            } else {
                Codec::V3(v3::Codec::default())
            };
            if let Ok(Some(length)) = frame(&input, limits) {
                let before = input.len();
                if codec.decode(&mut input).is_ok() {
                    proptest::prop_assert_eq!(before - input.len(), length);
                }
            }
        }
    }

    #[test]
    fn acknowledgements_have_the_form_that_every_client_reads() {
        let id = NonZeroU16::new(0x0102).unwrap();
        let v3 = Codec::V3(v3::Codec::default());
        let v5 = Codec::V5(v5::Codec::default(), Aliases::default());
        let mut output = BytesMut::new();
        v5.acknowledge(QoS::AtLeastOnce, Some(id), None, &mut output);
        v3.acknowledge(
            QoS::ExactlyOnce,
            Some(id),
            Some(Refusal::QuotaExceeded),
            &mut output,
        );
        v5.acknowledge(
            QoS::ExactlyOnce,
            Some(id),
            Some(Refusal::QuotaExceeded),
            &mut output,
        );
        v3.acknowledge(QoS::AtMostOnce, Some(id), None, &mut output);
        assert_eq!(output[..], [0x40, 2, 1, 2, 0x50, 2, 1, 2, 0x50, 3, 1, 2, 0x97]);
    }
}
