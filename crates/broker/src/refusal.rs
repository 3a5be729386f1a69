//! How a greeting is refused, in the words of its own version.
//!
//! In: a reason. Out: the bytes of the answer, and the line for the log, which may say more.

use bytes::BytesMut;
use rmqtt_codec::v5::{self, ConnectAckReason as Reason};
use tokio_util::codec::Encoder as _;

use crate::{access::DenialReason, events::What, handshake::Greeting};

/// Why there is no greeting, or none that is accepted.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// `None` where the client only left.
    pub(crate) what: Option<What>,
    pub(crate) answer: BytesMut,
    pub(crate) client_id: String,
}

impl Refusal {
    pub(crate) fn silent(what: Option<What>) -> Self {
        Self {
            what,
            answer: BytesMut::new(),
            client_id: String::new(),
        }
    }

    pub(crate) fn v3(code: u8, what: What, client_id: &str) -> Self {
        Self {
            answer: BytesMut::from(&[0x20, 2, 0, code][..]),
            client_id: client_id.to_owned(),
            ..Self::silent(Some(what))
        }
    }

    pub(crate) fn v5(reason: Reason, what: What, client_id: &str) -> Self {
        let mut answer = BytesMut::new();
        let packet = v5::ConnectAck {
            reason_code: reason,
            reason_string: Some(what.reason.clone().into()),
            ..v5::ConnectAck::default()
        };
        let encoded = v5::Codec::default().encode(v5::Packet::ConnectAck(Box::new(packet)), &mut answer);
        if encoded.is_err() {
            answer = BytesMut::from(&[0x20, 3, 0, reason.into(), 0][..]);
        }
        Self {
            answer,
            client_id: client_id.to_owned(),
            ..Self::silent(Some(what))
        }
    }

    /// The client may not enter. It is not told more than `reason`.
    pub(crate) fn denied(greeting: &Greeting, reason: DenialReason, what: What) -> Self {
        const UNAVAILABLE: u8 = 3;
        const BAD_CREDENTIALS: u8 = 4;
        const NOT_AUTHORIZED: u8 = 5;
        use DenialReason as D;
        let (v5, v3, text) = match reason {
            D::BadCredentials => (
                Reason::BadUserNameOrPassword,
                BAD_CREDENTIALS,
                "user name or password is wrong",
            ),
            D::NotAuthorized => (Reason::NotAuthorized, NOT_AUTHORIZED, "not authorized"),
            D::TooOften => (
                Reason::ConnectionRateExceeded,
                UNAVAILABLE,
                "too many attempts: wait",
            ),
            D::Busy => (Reason::ServerBusy, UNAVAILABLE, "busy: try again"),
        };
        let said = What::new(what.kind, text, what.remedy);
        Self {
            what: Some(what),
            ..Self::after(greeting, v5, v3, said)
        }
    }

    /// The broker has no room for one more client, or not for this one.
    pub(crate) fn full(greeting: &Greeting, what: What) -> Self {
        const UNAVAILABLE: u8 = 3;
        Self::after(greeting, Reason::QuotaExceeded, UNAVAILABLE, what)
    }

    /// Refuses a greeting that was read, in a packet that its client accepts.
    fn after(greeting: &Greeting, v5: Reason, v3: u8, what: What) -> Self {
        let client_id = &greeting.identity.client_id;
        if !greeting.codec.is_v5() {
            return Self::v3(v3, what, client_id);
        }
        let mut refusal = Self::v5(v5, what, client_id);
        if refusal.answer.len() > greeting.max_packet_bytes {
            // Without the words, or without an answer.
            refusal.answer = BytesMut::from(&[0x20, 3, 0, v5.into(), 0][..]);
        }
        if refusal.answer.len() > greeting.max_packet_bytes {
            refusal.answer.clear();
        }
        refusal
    }
}
