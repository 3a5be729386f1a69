//! The first bytes of a connection: which protocol is spoken, and which version of MQTT.
//!
//! In: what has arrived so far. Out: a decision, as soon as the bytes allow one.

use crate::{
    events::{EventKind, What},
    wire::variable_length,
};

/// What the first bytes are.
#[derive(Debug)]
pub(crate) enum First {
    /// Too few to tell.
    Unknown,
    /// A CONNECT begins.
    Connect,
    /// Something else.
    Other(What),
}

/// What a CONNECT says about its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 3.1 or 3.1.1.
    V3,
    V5,
    /// A version that does not exist, or not here. The name tells whether it calls itself MQTT.
    Unsupported {
        level: u8,
        is_mqtt: bool,
    },
}

const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"PRI ",
];

/// Looks at the first bytes.
pub(crate) fn first(input: &[u8]) -> First {
    let other = |reason: &str, remedy| First::Other(What::new(EventKind::OtherProtocol, reason, remedy));
    match input {
        [] | [0x16] => First::Unknown,
        [0x10, ..] => First::Connect,
        [0x16, 3, ..] => other(
            "a client speaks TLS, and this port speaks plain MQTT",
            "connect to the port for TLS, or switch TLS off in the client (mqtt:// in place of mqtts://)",
        ),
        _ if METHODS.iter().any(|method| input.starts_with(method)) => other(
            "a client speaks HTTP (or WebSocket), and this port speaks plain MQTT",
            "use the page's address for HTTP, and mqtt:// in place of ws:// in MQTT clients",
        ),
        _ if METHODS.iter().any(|method| method.starts_with(input)) => First::Unknown,
        // Letters are the beginning of a text, everything else may be an MQTT packet.
        [byte, ..] if !byte.is_ascii_alphabetic() => First::Other(What::new(
            EventKind::ProtocolError,
            format!("the first packet is no CONNECT (its first byte is 0x{byte:02x})"),
            "check that the client speaks MQTT and greets first",
        )),
        _ => other(
            "a client speaks neither MQTT nor a protocol that is known here",
            "check the client's port and protocol",
        ),
    }
}

/// The version that a whole CONNECT frame names; `None` where it is too short to name one.
pub(crate) fn version(frame: &[u8]) -> Option<Version> {
    let body = body(frame)?;
    let name_length = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
    let name = body.get(2..2 + name_length)?;
    let level = *body.get(2 + name_length)?;
    Some(match (name, level) {
        (b"MQTT", 4) | (b"MQIsdp", 3) => Version::V3,
        (b"MQTT", 5) => Version::V5,
        _ => Version::Unsupported {
            level,
            is_mqtt: name == b"MQTT" || name == b"MQIsdp",
        },
    })
}

/// The client id of a CONNECT of an unsupported version, read as 3.1.1 has it; empty where it cannot be read.
pub(crate) fn client_id(frame: &[u8]) -> &str {
    /// Level, flags, keep-alive.
    const BETWEEN: usize = 4;
    fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    }
    body(frame)
        .and_then(text)
        .and_then(|(_, rest)| text(rest.get(BETWEEN..)?))
        .and_then(|(id, _)| std::str::from_utf8(id).ok())
        .unwrap_or_default()
}

/// Sets the flag for a clean start in an MQTT 5 greeting without a client id. Nothing can be resumed without an id, but
/// the codec library refuses the greeting without the flag, which the standard does not.
pub(crate) fn start_clean_without_id(frame: &mut [u8]) {
    const FLAGS: usize = 7;
    const PROPERTIES: usize = 10;
    let Some(header) = header_length(frame) else {
        return;
    };
    let Some(Ok(Some((length, bytes)))) = frame.get(header + PROPERTIES..).map(variable_length) else {
        return;
    };
    let id = header + PROPERTIES + bytes + length;
    if frame.get(id..id + 2) == Some(&[0, 0]) {
        frame[header + FLAGS] |= 0b10;
    }
}

fn header_length(frame: &[u8]) -> Option<usize> {
    let (_, bytes) = variable_length(frame.get(1..)?).ok()??;
    Some(1 + bytes)
}

fn body(frame: &[u8]) -> Option<&[u8]> {
    frame.get(header_length(frame)?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(input: &[u8]) -> String {
        match first(input) {
            First::Other(what) => what.reason,
            other => panic!("{other:?} for {input:?}"),
        }
    }

    #[test]
    fn other_protocols_are_named() {
        assert!(reason(b"GET /mqtt HTTP/1.1\r\n").contains("HTTP"));
        assert!(reason(b"PRI * HTTP/2.0").contains("HTTP"));
        assert!(reason(&[0x16, 3, 1, 0]).contains("TLS"));
        assert!(reason(&[0x30, 5]).contains("CONNECT"));
        assert!(reason(b"SSH-2.0-x").contains("neither"));
        for part in [&b""[..], b"GE", b"P", &[0x16]] {
            assert!(matches!(first(part), First::Unknown), "{part:?}");
        }
        assert!(matches!(first(&[0x10]), First::Connect));
    }

    #[test]
    fn versions() {
        let v = |body: &[u8]| version(&[&[0x10, body.len() as u8], body].concat());
        assert_eq!(v(b"\0\x04MQTT\x04"), Some(Version::V3));
        assert_eq!(v(b"\0\x06MQIsdp\x03"), Some(Version::V3));
        assert_eq!(v(b"\0\x04MQTT\x05"), Some(Version::V5));
        let unsupported = |level, is_mqtt| Some(Version::Unsupported { level, is_mqtt });
        assert_eq!(v(b"\0\x04MQTT\x84"), unsupported(0x84, true));
        assert_eq!(v(b"\0\x04MQTT\x03"), unsupported(3, true));
        assert_eq!(v(b"\0\x04AMQP\x04"), unsupported(4, false));
        assert_eq!(client_id(b"\x10\x11\0\x04MQTT\x84\x02\0\x3c\0\x03abc"), "abc");
        assert_eq!(v(b"\0\x09MQTT"), None);
        assert_eq!(v(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut input: Vec<u8>) {
            let _ = first(&input);
            let _ = version(&input);
            let _ = client_id(&input);
            start_clean_without_id(&mut input);
        }
    }
}
