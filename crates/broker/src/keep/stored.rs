//! What is kept on disk, as bytes: keys and values.
//!
//! In: sessions, messages and their deliveries. Out: records that a later start reads again. A value is the version of its
//! form, then the fields in the encoding of `postcard`, then the payload as it is, where there is one. Whatever the bytes are,
//! reading them gives a record or nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of the values.
const VERSION: u8 = 1;

/// What a key begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Space {
    Session = b's',
    Subscription = b'f',
    /// Deliveries that wait for a client, or for its acknowledgement.
    Delivery = b'd',
    /// Ids of messages at `QoS` 2 that a client has sent and not released.
    Taken = b't',
    /// Up to which delivery a session has sent.
    Sent = b'p',
    Message = b'm',
    Retained = b'r',
}

/// The key of a record: its space, its session (0 where it has none), its number within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) Space, pub(crate) u64, pub(crate) u64);

impl Key {
    pub(crate) const BYTES: usize = 17;

    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0] = self.0 as u8;
        bytes[1..9].copy_from_slice(&self.1.to_be_bytes());
        bytes[9..].copy_from_slice(&self.2.to_be_bytes());
        bytes
    }

    /// Reads session and number of a key; `None` where it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(u64, u64)> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let (session, number) = bytes[1..].split_first_chunk::<8>()?;
        Some((
            u64::from_be_bytes(*session),
            u64::from_be_bytes(number.try_into().ok()?),
        ))
    }
}

/// A message without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredMessage {
    pub(crate) topic: String,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    /// The number of the session that published it.
    pub(crate) publisher: u64,
    /// When this record was written, in ms since 1970.
    pub(crate) written_ms: u64,
    /// How long it was valid from then on.
    pub(crate) lifetime_ms: Option<u64>,
    pub(crate) properties: Option<StoredProperties>,
}

/// The properties that travel with a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredProperties {
    pub(crate) correlation_data: Option<Vec<u8>>,
    pub(crate) content_type: Option<String>,
    pub(crate) user: Vec<(String, String)>,
    pub(crate) is_utf8_payload: bool,
    pub(crate) response_topic: Option<String>,
}

/// One client's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSession {
    pub(crate) client_id: String,
    /// Whose session it is.
    pub(crate) account: Option<String>,
    /// How long it outlives its connection, in seconds.
    pub(crate) expiry_s: u64,
    /// When the client left, in ms since 1970; `None` while it is connected.
    pub(crate) left_ms: Option<u64>,
    pub(crate) will: Option<StoredWill>,
    /// What tells the rights of its account from those after a change.
    pub(crate) rights_number: u64,
}

/// A will that is still to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredWill {
    pub(crate) message: StoredMessage,
    pub(crate) payload: Vec<u8>,
    pub(crate) delay_s: u64,
    pub(crate) username: Option<String>,
    pub(crate) address: std::net::SocketAddr,
}

/// One subscription of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSubscription {
    pub(crate) filter: String,
    pub(crate) qos: u8,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) id: Option<u32>,
}

/// A message on its way to one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDelivery {
    /// The number of the message; `None` once the client has it at `QoS` 2 and only the release is left.
    pub(crate) message: Option<u64>,
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) subscription_ids: Vec<u32>,
}

/// Writes a value.
pub(crate) fn encode<T: Serialize>(record: &T, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + payload.len());
    bytes.push(VERSION);
    let mut bytes = postcard::to_extend(record, bytes).expect("a record of texts and numbers can be written");
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the version of a value that a newer program wrote; `None` for others, damaged ones too.
pub(crate) fn newer_version(bytes: &[u8]) -> Option<u8> {
    bytes.first().copied().filter(|version| *version > VERSION)
}

/// Reads a value and what follows it; `None` where it is of another version, or damaged.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (version, bytes) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    postcard::take_from_bytes(bytes).ok()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(now)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time since then. A clock that was set back makes none.
pub(crate) fn since(then_ms: u64) -> Duration {
    Duration::from_millis(now_ms().saturating_sub(then_ms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn message()(
            (topic, qos, retain, publisher) in any::<(String, u8, bool, u64)>(),
            (written_ms, lifetime_ms) in any::<(u64, Option<u64>)>(),
            properties in any::<Option<(Option<Vec<u8>>, Option<String>, Vec<(String, String)>, bool, Option<String>)>>(),
        ) -> StoredMessage {
            StoredMessage {
                topic, qos, retain, publisher, written_ms, lifetime_ms,
                properties: properties.map(|(correlation_data, content_type, user, is_utf8_payload, response_topic)| {
                    StoredProperties { correlation_data, content_type, user, is_utf8_payload, response_topic }
                }),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(message in message(), payload: Vec<u8>, expiry_s: u64, left_ms: Option<u64>, text: String) {
            let bytes = encode(&message, &payload);
            prop_assert_eq!(decode::<StoredMessage>(&bytes), Some((message.clone(), &payload[..])));
            let session = StoredSession {
                client_id: text.clone(),
                account: Some(text.clone()),
                expiry_s,
                left_ms,
                will: Some(StoredWill {
                    message,
                    payload,
                    delay_s: expiry_s,
                    username: None,
                    address: ([127, 0, 0, 1], 1).into(),
                }),
                rights_number: expiry_s,
            };
            let bytes = encode(&session, b"");
            prop_assert_eq!(decode(&bytes), Some((session, &b""[..])));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, key: Vec<u8>) {
            if let Some(version) = bytes.first_mut() {
                *version = VERSION;
            }
            let _ = decode::<StoredMessage>(&bytes);
            let _ = decode::<StoredSession>(&bytes);
            let _ = decode::<StoredSubscription>(&bytes);
            let _ = decode::<StoredDelivery>(&bytes);
            let _ = Key::decode(&key);
        }

        /// A flipped bit gives another record or none, and no panic.
        #[test]
        fn damaged_records_never_panic(message in message(), at: prop::sample::Index, bit in 0_u8..8) {
            let mut bytes = encode(&message, b"payload");
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let _ = decode::<StoredMessage>(&bytes);
        }

        #[test]
        fn keys_are_read(session: u64, number: u64) {
            prop_assert_eq!(Key::decode(&Key(Space::Delivery, session, number).encode()), Some((session, number)));
        }
    }

    #[test]
    fn another_version_is_not_read() {
        let mut bytes = encode(&7_u32, b"");
        bytes[0] = VERSION + 1;
        assert_eq!(decode::<u32>(&bytes), None);
        assert_eq!(newer_version(&bytes), Some(VERSION + 1));
        assert_eq!(newer_version(&encode(&7_u32, b"")), None);
        assert_eq!(newer_version(b""), None);
    }
}
