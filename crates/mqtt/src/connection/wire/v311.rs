//! The packets of MQTT 3.1.1, by rumqttc's codec: no receive maximum, no packet size, no expiry, no reasons.

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    Error, QoS,
    v4::{
        ConnAck, Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeFilter,
        SubscribeReasonCode,
    },
};
use secrecy::ExposeSecret;

use super::{
    super::{ConnectionOptions, Message, Qos, Subscription},
    packet::{Arrival, Decoded, Failure, LineEvent, Outgoing, Received, Terms, Unsupported},
    words,
};

/// The largest packet of the protocol. A smaller limit cannot be announced to the broker, and a packet that we refuse to
/// read is sent again on every connection.
const LARGEST_PACKET: usize = 268_435_455 + 5;
/// Largest number of our unacknowledged messages; a broker may accept fewer.
const RECEIVE_MAXIMUM: u16 = 100;

pub(super) fn greet(options: &ConnectionOptions, client_id: &str, to: &mut BytesMut) -> Result<(), String> {
    let mut connect = Connect::new(client_id);
    connect.keep_alive = options.keep_alive().as_secs() as u16;
    connect.clean_session = options.clean_start;
    connect.last_will = options.last_will.as_ref().map(|will| {
        let payload = will.payload.to_vec();
        LastWill::new(&*will.topic, payload, qos(will.qos), will.retain)
    });
    if let Some(username) = options.username() {
        let password = options.password.as_ref().map_or("", ExposeSecret::expose_secret);
        connect.set_login(username, password);
    }
    write(&Packet::Connect(connect), to)
}

pub(super) fn encode(packet: Outgoing, to: &mut BytesMut) -> Result<(), String> {
    let packet = match packet {
        Outgoing::Publish {
            message, packet_id, ..
        } => Packet::Publish(publish(message, packet_id)),
        Outgoing::Acknowledge(packet_id) => Packet::PubAck(PubAck::new(packet_id)),
        Outgoing::Subscribe {
            subscriptions,
            packet_id,
            ..
        } => Packet::Subscribe(subscribe(&subscriptions, packet_id)),
        Outgoing::Ping => Packet::PingReq,
        Outgoing::Disconnect => Packet::Disconnect,
    };
    write(&packet, to)
}

fn write(packet: &Packet, to: &mut BytesMut) -> Result<(), String> {
    let written = packet.write(to, LARGEST_PACKET);
    written.map(drop).map_err(|error| error.to_string())
}

fn publish(message: Message, packet_id: u16) -> Publish {
    Publish {
        dup: false,
        qos: qos(message.qos),
        retain: message.retain,
        topic: message.topic,
        pkid: packet_id,
        payload: message.payload,
    }
}

fn subscribe(subscriptions: &[Subscription], packet_id: u16) -> Subscribe {
    let filter = |subscription: &Subscription| {
        SubscribeFilter::new(subscription.filter.clone(), qos(subscription.qos))
    };
    Subscribe {
        pkid: packet_id,
        ..Subscribe::new_many(subscriptions.iter().map(filter))
    }
}

pub(super) fn decode(from: &mut BytesMut) -> Result<Decoded, String> {
    match Packet::read(from, LARGEST_PACKET) {
        Ok(packet) => Ok(Decoded::Packet(received(packet))),
        Err(Error::InsufficientBytes(bytes)) => Ok(Decoded::Incomplete(bytes)),
        Err(error) => Err(words::unreadable(&error)),
    }
}

fn received(packet: Packet) -> Received {
    Received::Event(match packet {
        Packet::Publish(publish) => LineEvent::Publish(Arrival {
            topic: publish.topic,
            packet_id: (publish.qos != QoS::AtMostOnce).then_some(publish.pkid),
            payload: publish.payload,
            retain: publish.retain,
            dup: publish.dup,
        }),
        Packet::SubAck(suback) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            LineEvent::Subscribed(suback.return_codes.iter().map(granted).collect())
        }
        // A refused message is acknowledged, too, because this version has no other answer.
        Packet::PubAck(puback) => LineEvent::Acknowledged(puback.pkid, Ok(())),
        Packet::ConnAck(connack) => return Received::Answer(answer(&connack)),
        _ => return Received::Other,
    })
}

fn answer(connack: &ConnAck) -> Result<Terms, Failure> {
    match connack.code {
        ConnectReturnCode::Success => Ok(Terms {
            session_present: connack.session_present,
            receive_maximum: RECEIVE_MAXIMUM,
            max_packet_bytes: u32::MAX,
            keep_alive: None,
        }),
        code => Err(Failure {
            reason: words::refused(&code),
            unsupported: match code {
                ConnectReturnCode::RefusedProtocolVersion => Unsupported::Yes,
                _ => Unsupported::No,
            },
        }),
    }
}

const fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
    }
}
