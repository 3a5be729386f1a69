//! The greeting of a client: read, checked, refused in the words of its own version.
//!
//! In: a fresh connection. Out: a [`Greeting`], or a [`Refusal`] with the bytes of its answer and the line for the log.
//! All that a CONNECT carries is checked as a packet of its own would be, the will's topic as that of a PUBLISH.

use std::{io, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use rmqtt_codec::{
    error::DecodeError,
    types::Publish,
    v3,
    v5::{self, ConnectAckReason as Reason, DisconnectReasonCode},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Decoder as _;

use crate::{
    alias::Aliases,
    ending::Ending,
    events::{EventKind, What},
    gate::Identity,
    holding::Holding,
    inspection,
    limits::Limit,
    packet::{Codec, Malformed, malformed},
    refusal::Refusal,
    sniff::{self, First, Version},
    topic::{TopicFault, check_name, check_response, is_bridge_notice},
    will::Will,
    wire::{FrameLimits, Wire, frame},
};

const MAX_CLIENT_ID_BYTES: usize = 1_024;
/// The largest topic alias, in both directions.
pub(crate) const TOPIC_ALIASES: u16 = 32;

/// A greeting that may be accepted.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) codec: Codec,
    pub(crate) identity: Arc<Identity>,
    pub(crate) password: Option<Bytes>,
    /// Whether the broker chose the client id.
    pub(crate) assigned_id: bool,
    pub(crate) clean_start: bool,
    pub(crate) keep_alive: Duration,
    /// What the client asks for.
    pub(crate) session_expiry: Duration,
    pub(crate) will: Option<Will>,
    pub(crate) receive_maximum: u16,
    pub(crate) max_packet_bytes: usize,
}

/// Reads the greeting.
pub(crate) async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    address: SocketAddr,
    max_packet_bytes: usize,
    holding: &mut Holding,
) -> Result<Greeting, Refusal> {
    let limits = FrameLimits {
        max_packet_bytes,
        properties: false,
    };
    loop {
        match sniff::first(&wire.input) {
            First::Other(what) => return Err(answer_other(what, &wire.input)),
            First::Unknown => {}
            First::Connect => {
                let broken = |text: &str| Refusal::silent(Some(protocol_error(text)));
                if let Some(length) = frame(&wire.input, limits).map_err(|malformed| {
                    if malformed.reason == DisconnectReasonCode::PacketTooLarge {
                        return Refusal::silent(Some(too_large()));
                    }
                    broken(malformed.text)
                })? {
                    let connect = wire.input.split_to(length);
                    return parse(connect, address);
                }
            }
        }
        if !holding.update(wire.input.len()) {
            return Err(Refusal::silent(Ending::held_too_much().into_event()));
        }
        let read: io::Result<usize> = std::future::poll_fn(|cx| wire.poll_read(cx)).await;
        if !matches!(read, Ok(1..)) {
            return Err(Refusal::silent(None));
        }
    }
}

fn too_large() -> What {
    let reason = "CONNECT is larger than the broker accepts";
    What::new(EventKind::QuotaExceeded, reason, "send a smaller will").limit(Limit::GreetingBytes)
}

fn protocol_error(text: &str) -> What {
    What::new(
        EventKind::ProtocolError,
        text,
        "the client's MQTT library breaks the protocol: update or replace it",
    )
}

/// HTTP gets an answer that people can read.
fn answer_other(what: What, input: &[u8]) -> Refusal {
    let mut refusal = Refusal::silent(None);
    if what.kind == EventKind::OtherProtocol && input.first().is_some_and(u8::is_ascii_alphabetic) {
        let text = "This port speaks MQTT, not HTTP.\n";
        let response = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        refusal.answer = BytesMut::from(response.as_bytes());
    }
    refusal.what = Some(what);
    refusal
}

fn parse(mut connect: BytesMut, address: SocketAddr) -> Result<Greeting, Refusal> {
    match sniff::version(&connect) {
        Some(Version::V3) => parse_v3(connect, address),
        Some(Version::V5) => {
            sniff::start_clean_without_id(&mut connect);
            parse_v5(connect, address)
        }
        Some(Version::Unsupported { level, is_mqtt }) => {
            Err(unsupported(level, is_mqtt, sniff::client_id(&connect)))
        }
        None => Err(Refusal::silent(Some(protocol_error("CONNECT is too short")))),
    }
}

/// Versions from 5 on read the reason of MQTT 5. All others, also the private levels 0x83 and 0x84 of Mosquitto's bridges,
/// read return code 1, and a bridge then tries 3.1.1.
fn unsupported(level: u8, is_mqtt: bool, client_id: &str) -> Refusal {
    const UNACCEPTABLE_VERSION: u8 = 1;
    let (reason, remedy) = if !is_mqtt {
        (
            "CONNECT names a protocol that is not MQTT".to_owned(),
            "check that the client speaks MQTT",
        )
    } else if level & 0x80 == 0 {
        (
            format!("MQTT protocol level {level} is not supported"),
            "use MQTT 3.1.1 or 5 in the client",
        )
    } else {
        (
            format!(
                "a bridge offers its private protocol level 0x{level:02x}, and is told to use the standard one"
            ),
            "nothing to do where the bridge connects at its next try; try_private false spares the attempt",
        )
    };
    let what = What::new(EventKind::ConnectionRefused, reason, remedy);
    if is_mqtt && (5..0x80).contains(&level) {
        Refusal::v5(Reason::UnsupportedProtocolVersion, what, client_id)
    } else {
        Refusal::v3(UNACCEPTABLE_VERSION, what, client_id)
    }
}

fn parse_v3(mut connect: BytesMut, address: SocketAddr) -> Result<Greeting, Refusal> {
    const IDENTIFIER_REJECTED: u8 = 2;
    const NOT_AUTHORIZED: u8 = 5;
    let mut codec = v3::Codec::default();
    let connect = match codec.decode(&mut connect) {
        Ok(Some((v3::Packet::Connect(connect), _))) => *connect,
        Err(DecodeError::InvalidClientId) => return Err(Refusal::v3(IDENTIFIER_REJECTED, missing_id(), "")),
        Err(error) => return Err(Refusal::silent(Some(protocol_error(malformed(&error).text)))),
        Ok(_) => return Err(Refusal::silent(Some(protocol_error("CONNECT ends early")))),
    };
    let identity = identity(&connect.client_id, connect.username.as_deref())
        .map_err(|what| Refusal::v3(IDENTIFIER_REJECTED, what, &connect.client_id))?;
    let will = connect
        .last_will
        .filter(|will| !is_bridge_notice(&will.topic))
        .map(|will| Will::v3(will, Arc::clone(&identity), address));
    if let Some((fault, what)) = will.as_ref().and_then(|will| will_fault(&will.publish)) {
        let id = &connect.client_id;
        return Err(match fault {
            TopicFault::Reserved => Refusal::v3(NOT_AUTHORIZED, what, id),
            // There is no code for it: the standard asks to close.
            TopicFault::Malformed(_) => Refusal {
                client_id: id.to_string(),
                ..Refusal::silent(Some(what))
            },
        });
    }
    Ok(Greeting {
        codec: Codec::V3(codec),
        assigned_id: connect.client_id.is_empty(),
        identity,
        password: connect.password,
        clean_start: connect.clean_session,
        keep_alive: Duration::from_secs(connect.keep_alive.into()),
        session_expiry: if connect.clean_session {
            Duration::ZERO
        } else {
            Duration::MAX
        },
        will,
        receive_maximum: u16::MAX,
        max_packet_bytes: usize::MAX,
    })
}

fn parse_v5(mut connect: BytesMut, address: SocketAddr) -> Result<Greeting, Refusal> {
    let mut codec = v5::Codec::default();
    let broken = |Malformed { reason, text }| {
        let reason = match reason {
            DisconnectReasonCode::ProtocolError => Reason::ProtocolError,
            _ => Reason::MalformedPacket,
        };
        Refusal::v5(reason, protocol_error(text), "")
    };
    inspection::greeting(&mut connect).map_err(broken)?;
    let connect = match codec.decode(&mut connect) {
        Ok(Some((v5::Packet::Connect(connect), _))) => *connect,
        Err(error) => return Err(broken(malformed(&error))),
        Ok(_) => {
            return Err(broken(Malformed {
                reason: DisconnectReasonCode::MalformedPacket,
                text: "CONNECT ends early",
            }));
        }
    };
    let id = &connect.client_id;
    let identity = identity(id, connect.username.as_deref())
        .map_err(|what| Refusal::v5(Reason::ClientIdentifierNotValid, what, id))?;
    if connect.auth_method.is_some() {
        let what = What::new(
            EventKind::ConnectionRefused,
            "the client asks for an authentication method, and there is none",
            "connect without an authentication method",
        );
        return Err(Refusal::v5(Reason::BadAuthenticationMethod, what, id));
    }
    let will = connect
        .last_will
        .filter(|will| !is_bridge_notice(&will.topic))
        .map(|will| Will::v5(will, Arc::clone(&identity), address));
    if let Some((fault, what)) = will.as_ref().and_then(|will| will_fault(&will.publish)) {
        let reason = match fault {
            TopicFault::Reserved => Reason::NotAuthorized,
            TopicFault::Malformed(_) => Reason::TopicNameInvalid,
        };
        return Err(Refusal::v5(reason, what, id));
    }
    Ok(Greeting {
        codec: Codec::V5(codec, Aliases::new(connect.topic_alias_max.min(TOPIC_ALIASES))),
        assigned_id: id.is_empty(),
        identity,
        password: connect.password,
        clean_start: connect.clean_start,
        keep_alive: Duration::from_secs(connect.keep_alive.into()),
        session_expiry: match connect.session_expiry_interval_secs {
            u32::MAX => Duration::MAX,
            seconds => Duration::from_secs(seconds.into()),
        },
        will,
        receive_maximum: connect.receive_max.map_or(u16::MAX, u16::from),
        max_packet_bytes: connect
            .max_packet_size
            .map(NonZeroU32::get)
            .map_or(usize::MAX, |bytes| bytes as usize),
    })
}

fn missing_id() -> What {
    What::new(
        EventKind::ConnectionRefused,
        "the client has no id and asks for a session that lasts",
        "give the client an id, or let it ask for a clean session",
    )
}

/// Checks the client id, and makes one up where there is none.
fn identity(client_id: &str, username: Option<&str>) -> Result<Arc<Identity>, What> {
    let refuse = |reason, remedy| Err(What::new(EventKind::ConnectionRefused, reason, remedy));
    if client_id.len() > MAX_CLIENT_ID_BYTES {
        return refuse(
            "the client id has more than 1,024 bytes",
            "choose a shorter client id",
        );
    }
    if client_id.contains('\0') {
        return refuse(
            "the client id contains a NUL character",
            "send the client id without its terminating NUL",
        );
    }
    if username.is_some_and(|name| name.contains('\0')) {
        return refuse(
            "the user name contains a NUL character",
            "send the user name without its terminating NUL",
        );
    }
    Ok(Arc::new(Identity {
        client_id: if client_id.is_empty() {
            format!("auto-{}", uuid::Uuid::new_v4().simple()).into()
        } else {
            client_id.into()
        },
        username: username.map(ToOwned::to_owned),
        account: None,
    }))
}

fn will_fault(will: &Publish) -> Option<(TopicFault, What)> {
    let properties = will.properties.as_ref();
    let response = properties.and_then(|properties| properties.response_topic.as_deref());
    let fault = check_name(&will.topic)
        .and_then(|()| check_response(response))
        .err()?;
    let (reason, remedy) = match fault {
        TopicFault::Malformed(reason) => (reason, "give the will a topic without wildcards"),
        TopicFault::Reserved => (
            "topics that begin with $ belong to the broker",
            "give the will another topic",
        ),
    };
    let topic: String = will.topic.chars().take(128).collect();
    let reason = format!("the will cannot be published to {topic:?}: {reason}");
    Some((fault, What::new(EventKind::ConnectionRefused, reason, remedy)))
}
