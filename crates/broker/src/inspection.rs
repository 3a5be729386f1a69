//! A look at a frame before the codec library decodes it.
//!
//! In: a whole frame. Out: the fault that the library would only call malformed, with its reason code and its words; and
//! a frame with a lifetime that the library reads: it refuses a Message Expiry Interval of 0, which the standard allows.

use rmqtt_codec::v5::DisconnectReasonCode as Reason;

use crate::{packet::Malformed, wire::variable_length};

/// Properties by the numbers of the standard (2.2.2.2).
mod property {
    pub(super) const PAYLOAD_FORMAT: u8 = 0x01;
    pub(super) const MESSAGE_EXPIRY: u8 = 0x02;
    pub(super) const CONTENT_TYPE: u8 = 0x03;
    pub(super) const RESPONSE_TOPIC: u8 = 0x08;
    pub(super) const CORRELATION_DATA: u8 = 0x09;
    pub(super) const SUBSCRIPTION_ID: u8 = 0x0B;
    pub(super) const SESSION_EXPIRY: u8 = 0x11;
    pub(super) const AUTHENTICATION_METHOD: u8 = 0x15;
    pub(super) const AUTHENTICATION_DATA: u8 = 0x16;
    pub(super) const REQUEST_PROBLEM_INFORMATION: u8 = 0x17;
    pub(super) const WILL_DELAY: u8 = 0x18;
    pub(super) const REQUEST_RESPONSE_INFORMATION: u8 = 0x19;
    pub(super) const RECEIVE_MAXIMUM: u8 = 0x21;
    pub(super) const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub(super) const TOPIC_ALIAS: u8 = 0x23;
    pub(super) const USER: u8 = 0x26;
    pub(super) const MAXIMUM_PACKET_SIZE: u8 = 0x27;
}

/// Looks at a packet of a client that has been greeted.
pub(crate) fn packet(frame: &mut [u8], v5: bool) -> Result<(), Malformed> {
    const PUBLISH: u8 = 3;
    const SUBSCRIBE: u8 = 8;
    const UNSUBSCRIBE: u8 = 10;
    let first = frame.first().copied().unwrap_or_default();
    let Some(body) = header_length(frame).and_then(|header| frame.get_mut(header..)) else {
        return Ok(());
    };
    let qos = (first >> 1) & 3;
    let rest = match first >> 4 {
        PUBLISH if qos == 3 => {
            return Err(malformed(
                Reason::MalformedPacket,
                "a message has QoS 3, which does not exist",
            ));
        }
        PUBLISH => text_length(body).and_then(|length| body.get_mut(length..)),
        SUBSCRIBE | UNSUBSCRIBE => Some(body),
        _ => return Ok(()),
    };
    let has_id = first >> 4 != PUBLISH || qos > 0;
    let Some(rest) = rest.filter(|rest| !has_id || rest.len() >= 2) else {
        return Ok(());
    };
    if has_id && rest[..2] == [0, 0] {
        return Err(malformed(Reason::MalformedPacket, "a packet has the id 0"));
    }
    if v5 {
        properties(&mut rest[if has_id { 2 } else { 0 }..])?;
    }
    Ok(())
}

/// Looks at a CONNECT of MQTT 5.
pub(crate) fn greeting(frame: &mut [u8]) -> Result<(), Malformed> {
    /// Name, level, flags and keep-alive.
    const BEFORE: usize = 10;
    const FLAGS: usize = 7;
    const WILL: u8 = 0b100;
    let Some(body) = header_length(frame).and_then(|header| frame.get_mut(header..)) else {
        return Ok(());
    };
    let flags = body.get(FLAGS).copied().unwrap_or_default();
    let Some(after) = body.get_mut(BEFORE..).map(properties).transpose()?.flatten() else {
        return Ok(());
    };
    if flags & WILL == 0 {
        return Ok(());
    }
    if (flags >> 3) & 3 == 3 {
        return Err(malformed(
            Reason::MalformedPacket,
            "the will has QoS 3, which does not exist",
        ));
    }
    if let Some(will) = text_length(after).and_then(|id| after.get_mut(id..)) {
        properties(will)?;
    }
    Ok(())
}

/// Looks at the properties at the beginning of `input`; returns what follows them. `None` where they end early, which the
/// library refuses.
fn properties(input: &mut [u8]) -> Result<Option<&mut [u8]>, Malformed> {
    let Ok(Some((length, header))) = variable_length(input) else {
        return Ok(None);
    };
    let Some((mut rest, after)) = input
        .get_mut(header..)
        .and_then(|rest| rest.split_at_mut_checked(length))
    else {
        return Ok(None);
    };
    let mut seen = 0_u64;
    while let Some((id, values)) = std::mem::take(&mut rest).split_first_mut() {
        let value = value_length(*id, values).and_then(|length| values.split_at_mut_checked(length));
        let Some((value, next)) = value else {
            return Ok(None);
        };
        let bit = 1_u64 << *id;
        if seen & bit != 0 && *id != property::USER {
            return Err(malformed(Reason::ProtocolError, "a property stands twice"));
        }
        seen |= bit;
        settle(*id, value)?;
        rest = next;
    }
    Ok(Some(after))
}

/// Judges one value, and replaces a lifetime of nothing by the shortest one that the library knows.
fn settle(id: u8, value: &mut [u8]) -> Result<(), Malformed> {
    use property as p;
    let is_zero = value.iter().all(|byte| *byte == 0);
    let fault = match id {
        p::TOPIC_ALIAS if is_zero => (Reason::TopicAliasInvalid, "a topic alias is 0"),
        p::SUBSCRIPTION_ID if is_zero => (Reason::ProtocolError, "a subscription identifier is 0"),
        p::RECEIVE_MAXIMUM if is_zero => (Reason::ProtocolError, "the Receive Maximum is 0"),
        p::MAXIMUM_PACKET_SIZE if is_zero => (Reason::ProtocolError, "the Maximum Packet Size is 0"),
        p::PAYLOAD_FORMAT | p::REQUEST_PROBLEM_INFORMATION | p::REQUEST_RESPONSE_INFORMATION
            if value[0] > 1 =>
        {
            (Reason::ProtocolError, "a property that is 0 or 1 is neither")
        }
        p::MESSAGE_EXPIRY if is_zero => {
            value[3] = 1;
            return Ok(());
        }
        _ => return Ok(()),
    };
    Err(malformed(fault.0, fault.1))
}

/// The length of a property's value; `None` where it is not there as a whole, or the property belongs into no packet of
/// a client.
fn value_length(id: u8, values: &[u8]) -> Option<usize> {
    use property as p;
    let length = match id {
        p::PAYLOAD_FORMAT | p::REQUEST_PROBLEM_INFORMATION | p::REQUEST_RESPONSE_INFORMATION => 1,
        p::RECEIVE_MAXIMUM | p::TOPIC_ALIAS_MAXIMUM | p::TOPIC_ALIAS => 2,
        p::MESSAGE_EXPIRY | p::SESSION_EXPIRY | p::WILL_DELAY | p::MAXIMUM_PACKET_SIZE => 4,
        p::SUBSCRIPTION_ID => variable_length(values).ok()??.1,
        p::CONTENT_TYPE
        | p::RESPONSE_TOPIC
        | p::CORRELATION_DATA
        | p::AUTHENTICATION_METHOD
        | p::AUTHENTICATION_DATA => text_length(values)?,
        p::USER => {
            let name = text_length(values)?;
            name + text_length(values.get(name..)?)?
        }
        _ => return None,
    };
    Some(length)
}

/// The length of a text with that of its prefix.
fn text_length(input: &[u8]) -> Option<usize> {
    let length = input.first_chunk::<2>()?;
    Some(2 + usize::from(u16::from_be_bytes(*length)))
}

/// Where the body begins.
fn header_length(frame: &[u8]) -> Option<usize> {
    let (_, bytes) = variable_length(frame.get(1..)?).ok()??;
    Some(1 + bytes)
}

const fn malformed(reason: Reason, text: &'static str) -> Malformed {
    Malformed { reason, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(flags: u8, properties: &[u8]) -> Vec<u8> {
        let mut body = b"\0\x03a/b\0\x07".to_vec();
        body.push(properties.len() as u8);
        body.extend(properties);
        body.extend(b"payload");
        [&[0x30 | flags, body.len() as u8][..], &body].concat()
    }

    fn fault(mut frame: Vec<u8>) -> Malformed {
        packet(&mut frame, true).unwrap_err()
    }

    #[test]
    fn what_the_standard_names_is_named() {
        use Reason as R;
        for (properties, reason, word) in [
            (&b"\x23\0\0"[..], R::TopicAliasInvalid, "alias is 0"),
            (b"\x23\0\x01\x23\0\x02", R::ProtocolError, "twice"),
            (b"\x0B\0", R::ProtocolError, "identifier is 0"),
            (b"\x01\x02", R::ProtocolError, "0 or 1"),
            (
                b"\x26\0\x01a\0\x01b\x26\0\x01a\0\x01b\x23\0\0",
                R::TopicAliasInvalid,
                "alias",
            ),
        ] {
            let fault = fault(publish(2, properties));
            assert_eq!(fault.reason, reason, "{properties:?}");
            assert!(fault.text.contains(word), "{fault:?}");
        }
        assert!(fault(publish(6, b"")).text.contains("QoS 3"));
        let mut without_id = b"\x32\x07\0\x01t\0\0\0x".to_vec();
        assert!(packet(&mut without_id, false).unwrap_err().text.contains("id 0"));
        assert!(
            packet(&mut b"\x82\x05\0\0\0\0\0".to_vec(), true)
                .unwrap_err()
                .text
                .contains("id 0")
        );
    }

    #[test]
    fn a_lifetime_of_nothing_is_a_second() {
        let mut frame = publish(2, b"\x01\x01\x02\0\0\0\0\x03\0\x01t");
        packet(&mut frame, true).unwrap();
        assert_eq!(frame, publish(2, b"\x01\x01\x02\0\0\0\x01\x03\0\x01t"));
        // MQTT 3.1.1 has no properties: its payload is left alone.
        let mut v3 = publish(2, b"\x02\0\0\0\0");
        packet(&mut v3, false).unwrap();
        assert_eq!(v3, publish(2, b"\x02\0\0\0\0"));
    }

    #[test]
    fn a_greeting_and_its_will() {
        let connect = |properties: &[u8], will: &[u8]| {
            let mut body = b"\0\x04MQTT\x05\x06\0\x3c".to_vec();
            body.push(properties.len() as u8);
            body.extend(properties);
            body.extend(b"\0\x01c");
            body.push(will.len() as u8);
            body.extend(will);
            body.extend(b"\0\x01w\0\x01x");
            [&[0x10, body.len() as u8][..], &body].concat()
        };
        let fault =
            |properties: &[u8], will: &[u8]| greeting(&mut connect(properties, will)).unwrap_err().text;
        assert!(fault(b"\x21\0\0", b"").contains("Receive Maximum"));
        assert!(fault(b"\x27\0\0\0\0", b"").contains("Maximum Packet Size"));
        assert!(fault(b"\x11\0\0\0\x01\x11\0\0\0\x01", b"").contains("twice"));
        assert!(fault(b"", b"\x01\x02").contains("0 or 1"));
        let mut frame = connect(b"\x11\0\0\0\0", b"\x18\0\0\0\0\x02\0\0\0\0");
        greeting(&mut frame).unwrap();
        assert_eq!(frame, connect(b"\x11\0\0\0\0", b"\x18\0\0\0\0\x02\0\0\0\x01"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut input: Vec<u8>, v5: bool) {
            let _ = packet(&mut input, v5);
            let _ = greeting(&mut input);
        }

        /// Properties are reached, too.
        #[test]
        fn arbitrary_properties_never_panic(properties in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let _ = packet(&mut publish(2, &properties), true);
        }
    }
}
