//! What a greeting is refused for although it is well-formed: limits that the options name.

use bytes::BytesMut;

use crate::{
    BrokerOptions,
    events::{EventKind, What},
    handshake::{self, Greeting, Refusal, Terms},
    limits::Limit,
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
            return Some(Refusal::full(
                &greeting.codec,
                &client_id,
                what.limit(Limit::WillBytes),
            ));
        }
        let most = options.max_topic_levels;
        if levels(&will.publish.topic) > most {
            let what = What::new(
                EventKind::QuotaExceeded,
                format!("the topic of the last will has more than {most} levels"),
                "give the will another topic",
            );
            return Some(Refusal::full(
                &greeting.codec,
                &client_id,
                what.limit(Limit::TopicLevels),
            ));
        }
    }
    // What CONNACK will be at least.
    let terms = Terms {
        session_present: false,
        session_expiry: greeting.session_expiry.min(options.session_expiry),
        max_inflight: options.max_inflight,
        max_packet_bytes: options.max_packet_bytes,
    };
    if handshake::accept(greeting, terms, &mut BytesMut::new()) {
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
