//! The packets of MQTT 5, by rumqttc's codec.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::{
    Error, QoS,
    v5::{
        ConnAck, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter,
        LastWill, Login, Packet, PingReq, PubAck, PubAckReason, Publish, PublishProperties,
        RetainForwardRule, Subscribe, SubscribeReasonCode,
    },
};
use secrecy::ExposeSecret;

use super::{
    super::{ConnectionOptions, Message, PublishError, Qos, Subscription},
    packet::{Arrival, Decoded, Failure, LineEvent, Outgoing, Received, Terms, Unsupported},
    words,
};

pub(super) fn greet(options: &ConnectionOptions, client_id: &str, to: &mut BytesMut) -> Result<(), String> {
    let connect = Connect {
        keep_alive: options.keep_alive().as_secs() as u16,
        client_id: client_id.to_owned(),
        clean_start: options.clean_start,
        properties: Some(ConnectProperties {
            session_expiry_interval: Some(options.session_expiry.as_secs().min(u64::from(u32::MAX)) as u32),
            receive_maximum: Some(options.receive_maximum.max(1)),
            max_packet_size: Some(options.max_packet_bytes),
            ..ConnectProperties::new()
        }),
    };
    let will = options.last_will.as_ref().map(|will| {
        LastWill::new(
            &*will.topic,
            will.payload.to_vec(),
            qos(will.qos),
            will.retain,
            None,
        )
    });
    let password = options.password.as_ref().map_or("", ExposeSecret::expose_secret);
    let login = options.username().map(|username| Login::new(username, password));
    write(&Packet::Connect(connect, will, login), to)
}

pub(super) fn encode(packet: Outgoing, to: &mut BytesMut) -> Result<(), String> {
    let packet = match packet {
        Outgoing::Publish {
            message,
            left,
            packet_id,
        } => Packet::Publish(publish(message, left, packet_id)),
        Outgoing::Acknowledge(packet_id) => Packet::PubAck(PubAck::new(packet_id, None)),
        Outgoing::Subscribe {
            subscriptions,
            packet_id,
            session_present,
        } => Packet::Subscribe(subscribe(&subscriptions, packet_id, session_present)),
        Outgoing::Ping => Packet::PingReq(PingReq),
        Outgoing::Disconnect => {
            Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection))
        }
    };
    write(&packet, to)
}

fn write(packet: &Packet, to: &mut BytesMut) -> Result<(), String> {
    packet
        .write(to, None)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn publish(message: Message, left: Option<Duration>, packet_id: u16) -> Publish {
    let properties = left.map(|left| PublishProperties {
        // The broker counts whole seconds.
        message_expiry_interval: Some(left.as_millis().div_ceil(1_000) as u32),
        ..PublishProperties::default()
    });
    Publish {
        dup: false,
        qos: qos(message.qos),
        retain: message.retain,
        topic: message.topic.into(),
        pkid: packet_id,
        payload: message.payload,
        properties,
    }
}

/// Retained messages are requested for new subscriptions only, so that a reconnect does not repeat them.
fn subscribe(subscriptions: &[Subscription], packet_id: u16, session_present: bool) -> Subscribe {
    let filter = |subscription: &Subscription| Filter {
        retain_forward_rule: if session_present {
            RetainForwardRule::OnNewSubscribe
        } else {
            RetainForwardRule::OnEverySubscribe
        },
        // Then the flag means a message from before the subscription, as in MQTT 3.1.1.
        preserve_retain: false,
        ..Filter::new(subscription.filter.clone(), qos(subscription.qos))
    };
    Subscribe {
        pkid: packet_id,
        ..Subscribe::new_many(subscriptions.iter().map(filter), None)
    }
}

pub(super) fn decode(from: &mut BytesMut, max_packet_bytes: u32) -> Result<Decoded, String> {
    match Packet::read(from, Some(max_packet_bytes)) {
        Ok(packet) => Ok(Decoded::Packet(received(packet))),
        Err(Error::InsufficientBytes(bytes)) => Ok(Decoded::Incomplete(bytes)),
        Err(error) => Err(words::unreadable(&error)),
    }
}

fn received(packet: Packet) -> Received {
    Received::Event(match packet {
        Packet::Publish(publish) => LineEvent::Publish(Arrival {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            packet_id: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
            payload: publish.payload,
            retain: publish.retain,
            dup: publish.dup,
        }),
        Packet::SubAck(suback) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            LineEvent::Subscribed(suback.return_codes.iter().map(granted).collect())
        }
        Packet::PubAck(puback) => LineEvent::Acknowledged(
            puback.pkid,
            match puback.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                reason => Err(PublishError::Refused(words::reason(&reason))),
            },
        ),
        Packet::ConnAck(connack) => return Received::Answer(answer(&connack)),
        Packet::Disconnect(disconnect) => {
            return Received::Disconnect(words::reason(&disconnect.reason_code));
        }
        _ => return Received::Other,
    })
}

fn answer(connack: &ConnAck) -> Result<Terms, Failure> {
    if connack.code != ConnectReturnCode::Success {
        return Err(Failure {
            reason: words::refused(&connack.code),
            unsupported: match connack.code {
                ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
                    Unsupported::Yes
                }
                _ => Unsupported::No,
            },
        });
    }
    let properties = connack.properties.as_ref();
    let keep_alive = properties
        .and_then(|p| p.server_keep_alive)
        .filter(|seconds| *seconds > 0);
    Ok(Terms {
        session_present: connack.session_present,
        receive_maximum: properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX),
        max_packet_bytes: properties.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX),
        keep_alive: keep_alive.map(|seconds| Duration::from_secs(u64::from(seconds))),
    })
}

const fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}
