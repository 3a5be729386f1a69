//! How connections end, with the reason for the client and the line for the log.

use rmqtt_codec::v5::DisconnectReasonCode as Reason;

use crate::{
    events::{EventKind, What},
    limits::Limit,
    link::Kick,
    packet::{Goodbye, Malformed},
};

const LIBRARY: &str = "the client's MQTT library breaks the protocol: update or replace it";

/// How a connection ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The client says goodbye.
    Goodbye(Goodbye),
    /// The client is gone without a word.
    Lost,
    /// On behalf of somebody else.
    Kicked(Kick),
    /// The client did what it must not.
    Fault(Fault),
}

/// What a client did.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) what: What,
}

impl Ending {
    pub(crate) fn fault(reason: Reason, what: What) -> Self {
        Self::Fault(Fault { reason, what })
    }

    pub(crate) fn protocol_error(text: &str) -> Self {
        Self::fault(
            Reason::ProtocolError,
            What::new(EventKind::ProtocolError, text, LIBRARY),
        )
    }

    /// The topic has more levels than are allowed.
    pub(crate) fn deep_topic(topic: &str, levels: usize) -> Self {
        let mut ending = Self::bad_topic(topic, &format!("it has more than {levels} levels"));
        if let Self::Fault(fault) = &mut ending {
            fault.what.limit = Some(Limit::TopicLevels);
        }
        ending
    }

    /// The client presses on although it is told to wait.
    pub(crate) fn too_fast() -> Self {
        Self::fault(
            Reason::QuotaExceeded,
            What::new(
                EventKind::QuotaExceeded,
                "the client has sent faster than it may for a minute",
                "let it send less often, or raise broker.limits.packets_per_s and bytes_per_s",
            )
            .limit(Limit::RateExceeded),
        )
    }

    /// Packets that have arrived in part take too much memory, and this client has more than its share.
    pub(crate) fn held_too_much() -> Self {
        Self::fault(
            Reason::QuotaExceeded,
            What::new(
                EventKind::QuotaExceeded,
                "packets that have arrived in part take too much memory together",
                "send smaller messages, or send them faster",
            )
            .limit(Limit::PartialBytes),
        )
    }

    pub(crate) fn bad_topic(topic: &str, text: &str) -> Self {
        let topic: String = topic.chars().take(128).collect();
        Self::fault(
            Reason::TopicNameInvalid,
            What::new(
                EventKind::ProtocolError,
                format!("a message cannot be published to {topic:?}: {text}"),
                "publish to a topic without wildcards",
            ),
        )
    }

    pub(crate) fn bad_alias() -> Self {
        Self::fault(
            Reason::TopicAliasInvalid,
            What::new(
                EventKind::ProtocolError,
                "a topic alias is above the maximum that CONNACK names",
                LIBRARY,
            ),
        )
    }

    pub(crate) fn receive_maximum(maximum: u16) -> Self {
        Self::fault(
            Reason::ReceiveMaximumExceeded,
            What::new(
                EventKind::QuotaExceeded,
                format!("more than {maximum} messages without an acknowledgement"),
                "respect the Receive Maximum of CONNACK",
            ),
        )
    }

    /// The hook does not take messages now.
    pub(crate) fn withheld(shutting_down: bool) -> Self {
        if shutting_down {
            return Self::Kicked(Kick::ShuttingDown);
        }
        Self::fault(
            Reason::QuotaExceeded,
            What::new(
                EventKind::QuotaExceeded,
                "messages cannot be stored now: the client sends them again",
                "see /ready for what is full or broken",
            ),
        )
    }

    pub(crate) fn keep_alive() -> Self {
        Self::fault(
            Reason::KeepAliveTimeout,
            What::new(
                EventKind::KeepAliveEnded,
                "nothing was heard for one and a half keep-alive intervals",
                "check the client's network, or let it ping more often",
            ),
        )
    }

    pub(crate) fn not_reading() -> Self {
        Self::fault(
            Reason::UnspecifiedError,
            What::new(
                EventKind::NotReading,
                "the client does not read what it is sent",
                "let the client read, or subscribe to less",
            ),
        )
    }

    /// The reason code and the text of the DISCONNECT that goes to the client; `None` where none does.
    pub(crate) fn farewell(&self) -> Option<(Reason, &str)> {
        match self {
            Self::Goodbye(_) | Self::Lost => None,
            Self::Kicked(Kick::TakenOver(_)) => Some((
                Reason::SessionTakenOver,
                "another client has connected with this id",
            )),
            Self::Kicked(Kick::ShuttingDown) => Some((Reason::ServerShuttingDown, "")),
            Self::Kicked(Kick::AccessEnded) => {
                Some((Reason::NotAuthorized, "the account was changed: connect again"))
            }
            Self::Fault(fault) => Some((fault.reason, &fault.what.reason)),
        }
    }

    /// The line for the log.
    pub(crate) fn into_event(self) -> Option<What> {
        match self {
            Self::Goodbye(_) | Self::Lost | Self::Kicked(Kick::ShuttingDown) => None,
            Self::Kicked(Kick::TakenOver(address)) => Some(What::new(
                EventKind::TakenOver,
                format!("a client at {address} has connected with the same id"),
                "give each client an id of its own, unless this one came back",
            )),
            Self::Kicked(Kick::AccessEnded) => Some(What::new(
                EventKind::AccessEnded,
                "the account of this client was changed, and its connection is ended",
                "nothing to do: what may still enter connects again",
            )),
            Self::Fault(fault) => Some(fault.what),
        }
    }
}

impl From<Malformed> for Ending {
    fn from(malformed: Malformed) -> Self {
        let (kind, remedy) = match malformed.reason {
            Reason::PacketTooLarge | Reason::QuotaExceeded => {
                (EventKind::QuotaExceeded, "send smaller messages")
            }
            _ => (EventKind::ProtocolError, LIBRARY),
        };
        let mut what = What::new(kind, malformed.text, remedy);
        if malformed.reason == Reason::PacketTooLarge {
            what = what.limit(Limit::PacketBytes);
        }
        Self::fault(malformed.reason, what)
    }
}
