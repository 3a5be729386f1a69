//! What the broker grants a client, and what a greeting is refused for although it is well-formed: limits that the options
//! name.

use std::{num::NonZeroU16, time::Duration};

use bytes::BytesMut;
use rmqtt_codec::{types::QoS, v5};
use tokio_util::codec::Encoder as _;

use crate::{
    BrokerOptions,
    events::{EventKind, What},
    handshake::{Greeting, TOPIC_ALIASES},
    limits::Limit,
    packet::Codec,
    refusal::Refusal,
    topic::levels,
};

/// Checks a greeting against the limits; `None` where it is within them.
pub(crate) fn refusal(greeting: &mut Greeting, options: &BrokerOptions) -> Option<Refusal> {
    let client_id = greeting.identity.client_id.to_string();
    if let Some(will) = &greeting.will {
        let most = options.max_will_bytes;
        if will.publish.payload.len() > most as usize {
            let what = What::new(
                EventKind::QuotaExceeded,
                format!("the last will has more than {most} bytes"),
                "let the will say less",
            );
            return Some(Refusal::full(greeting, what.limit(Limit::WillBytes)));
        }
        let most = options.max_topic_levels;
        if levels(&will.publish.topic) > most {
            let what = What::new(
                EventKind::QuotaExceeded,
                format!("the topic of the last will has more than {most} levels"),
                "give the will another topic",
            );
            return Some(Refusal::full(greeting, what.limit(Limit::TopicLevels)));
        }
    }
    // What CONNACK will be at least.
    let terms = Terms {
        session_present: false,
        session_expiry: greeting.session_expiry.min(options.session_expiry),
        max_inflight: options.max_inflight,
        max_packet_bytes: options.max_packet_bytes,
    };
    if accept(greeting, terms, &mut BytesMut::new()) {
        return None;
    }
    let what = What::new(
        EventKind::ConnectionRefused,
        "the client's Maximum Packet Size is smaller than any answer to its greeting",
        "raise the client's Maximum Packet Size",
    );
    Some(Refusal {
        what: Some(what),
        answer: BytesMut::new(),
        client_id,
    })
}

/// What the broker grants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) session_present: bool,
    pub(crate) session_expiry: Duration,
    pub(crate) max_inflight: NonZeroU16,
    pub(crate) max_packet_bytes: u32,
}

/// Appends the CONNACK that accepts a greeting. It leaves out what the client can do without where its Maximum Packet Size
/// asks for that; `false` where it is too large all the same, and nothing is appended.
pub(crate) fn accept(greeting: &mut Greeting, terms: Terms, output: &mut BytesMut) -> bool {
    let Codec::V5(codec, _) = &mut greeting.codec else {
        output.extend_from_slice(&[0x20, 2, u8::from(terms.session_present), 0]);
        return true;
    };
    let shortened = terms.session_expiry < greeting.session_expiry;
    let least = v5::ConnectAck {
        session_present: terms.session_present,
        session_expiry_interval_secs: shortened.then_some(terms.session_expiry.as_secs() as u32),
        receive_max: terms.max_inflight,
        max_qos: QoS::ExactlyOnce,
        assigned_client_id: greeting
            .assigned_id
            .then(|| greeting.identity.client_id.to_string().into()),
        ..v5::ConnectAck::default()
    };
    let whole = v5::ConnectAck {
        max_packet_size: Some(terms.max_packet_bytes),
        topic_alias_max: TOPIC_ALIASES,
        ..least.clone()
    };
    for packet in [whole, least] {
        let before = output.len();
        codec
            .encode(v5::Packet::ConnectAck(Box::new(packet)), output)
            .expect("an acknowledgement of a few bytes can be written");
        if output.len() - before <= greeting.max_packet_bytes {
            return true;
        }
        output.truncate(before);
    }
    false
}
