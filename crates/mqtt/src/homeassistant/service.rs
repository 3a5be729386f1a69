//! The topics between Casement and home automation that are none of a kind of message: `casement/{device_id}/hold` and
//! `casement/status`. They are the same in every installation.

use domain::{DeviceId, Refusal, RefusalReason};
use serde_json::{Value, json};

use super::{STATUS_TOPIC, Wish, wish, wish_of_topic};

/// One of these topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceTopic {
    /// A device's window is to be held where it is, or let go of.
    Hold(DeviceId),
    /// Whether the backend is there.
    Status,
}

/// What a document says of one of these topics.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) word: &'static str,
    pub(crate) address: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) has_device: bool,
    /// Who sends it, who hears it, and whether it is retained.
    pub(crate) parties: (&'static str, &'static str, bool),
    pub(crate) words: Vec<&'static str>,
}

impl ServiceTopic {
    /// Returns which one `topic` is, if it is one.
    pub fn of(topic: &str) -> Option<Self> {
        if topic == STATUS_TOPIC {
            return Some(Self::Status);
        }
        wish_of_topic(topic).map(Self::Hold)
    }

    /// Returns its word, as in the description of all topics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Hold(_) => "room_hold",
            Self::Status => "backend_status",
        }
    }

    /// Checks a payload: of a wish that is none of the words, the refusal names them.
    pub fn check(&self, payload: &[u8]) -> Result<(), Refusal> {
        if *self == Self::Status || Wish::decode(payload).is_some() {
            return Ok(());
        }
        let words: Vec<&str> = words().collect();
        let detail = format!(
            "it is none of the words that hold a window or let go of it: {}",
            words.join(", ")
        );
        Err(Refusal::new(RefusalReason::WrongType, detail))
    }

    /// Returns a payload in the right form.
    pub fn example(&self) -> Value {
        match self {
            Self::Hold(_) => json!(wish::HOLD),
            Self::Status => json!("online"),
        }
    }
}

/// Every word that a wish may be.
fn words() -> impl Iterator<Item = &'static str> {
    [wish::HOLD, wish::RESUME].into_iter().chain(wish::options())
}

/// What a document says of these topics.
pub(crate) fn about() -> [About; 2] {
    [
        About {
            word: "room_hold",
            address: "casement/{device_id}/hold",
            title: "A window is held where it is",
            description: "What Home Assistant's switch and list of durations say, with home_assistant.enabled: the window stays where \
                          it is for so long, or is let go of. Never retained. A position is said on window/{device_id}/set.",
            has_device: true,
            parties: ("program", "backend", false),
            words: words().collect(),
        },
        About {
            word: "backend_status",
            address: STATUS_TOPIC,
            title: "Whether the backend is there",
            description: "Birth and last will of the backend's connection, with home_assistant.enabled.",
            has_device: false,
            parties: ("backend", "program", true),
            words: vec!["online", "offline"],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_in_other_words_is_refused_with_the_words() {
        let topic = ServiceTopic::of("casement/room-1/hold").unwrap();
        for word in words() {
            assert_eq!(topic.check(word.as_bytes()), Ok(()), "{word}");
        }
        let refused = topic.check(b"for ever and a day").unwrap_err();
        assert!(
            refused.detail.contains("30 minutes") && refused.detail.contains("resume"),
            "{refused}"
        );
        let status = ServiceTopic::of("casement/status").unwrap();
        assert_eq!(
            (status.as_str(), status.check(b"anything")),
            ("backend_status", Ok(()))
        );
        assert_eq!(ServiceTopic::of("casement/room-1/state"), None);
    }
}
