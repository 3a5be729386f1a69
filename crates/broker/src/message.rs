//! A message on its way to subscribers.
//!
//! In: a PUBLISH that was accepted. Out: one shared copy that keeps no larger buffer alive.

use std::{
    num::{NonZeroU16, NonZeroU32},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use bytestring::ByteString;
use rmqtt_codec::{
    types::{Publish, QoS},
    v5::PublishProperties,
};

use crate::keep::{
    Group, Kept, KeptLink, StoredDelivery, StoredMessage, StoredProperties, millis, now_ms, since,
};

/// From this size on a payload is shared with the buffer that it was read into, which is hardly larger.
const SHARED_FROM_BYTES: usize = 128 << 10;
/// What a queued message costs beside topic, payload and properties.
const OVERHEAD_BYTES: usize = 200;

/// A message as subscribers receive it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) topic: ByteString,
    pub(crate) payload: Bytes,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    /// The properties that travel with it; `None` where there are none.
    properties: Option<Box<PublishProperties>>,
    /// From then on nobody receives it.
    expires: Option<Instant>,
    /// Who published it; 0 is the broker.
    pub(crate) publisher: u64,
    /// Its record on disk, while a client's session needs it.
    pub(crate) kept: KeptLink,
}

impl Message {
    /// Makes the copy of a PUBLISH that outlives the buffer it was read into.
    pub(crate) fn of(publish: Publish, publisher: u64) -> Self {
        let mut expires = None;
        let properties = publish.properties.and_then(|properties| {
            expires = properties
                .message_expiry_interval
                .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds.get().into())));
            travelling(properties)
        });
        Self {
            topic: copied_text(&publish.topic),
            payload: if publish.payload.len() < SHARED_FROM_BYTES {
                Bytes::copy_from_slice(&publish.payload)
            } else {
                publish.payload
            },
            qos: publish.qos,
            retain: publish.retain,
            properties,
            expires,
            publisher,
            kept: KeptLink::default(),
        }
    }

    /// A retained message of the broker itself.
    pub(crate) fn own(topic: &'static str, payload: String) -> Self {
        Self {
            topic: ByteString::from_static(topic),
            payload: payload.into(),
            qos: QoS::AtMostOnce,
            retain: true,
            properties: None,
            expires: None,
            publisher: 0,
            kept: KeptLink::default(),
        }
    }

    /// A message of the process's own, at `QoS` 1.
    pub(crate) fn local(topic: ByteString, payload: Bytes, expires: Option<Instant>, retain: bool) -> Self {
        Self {
            topic,
            payload,
            qos: QoS::AtLeastOnce,
            retain,
            properties: None,
            expires,
            publisher: 0,
            kept: KeptLink::default(),
        }
    }

    /// Whether it may be kept on disk. The process's own messages are not: its figures are made anew, and its requests and
    /// commands are replaced by newer ones.
    pub(crate) const fn is_keepable(&self) -> bool {
        self.publisher != 0
    }

    /// Its record, but for the payload.
    pub(crate) fn stored(&self) -> StoredMessage {
        let lifetime = self
            .expires
            .map(|expires| expires.saturating_duration_since(Instant::now()));
        StoredMessage {
            topic: self.topic.to_string(),
            qos: self.qos.value(),
            retain: self.retain,
            publisher: self.publisher,
            written_ms: now_ms(),
            lifetime_ms: lifetime.map(millis),
            properties: self.properties.as_deref().map(stored_properties),
        }
    }

    /// The message of a record; `None` where its time is over, or the record has no message in it.
    pub(crate) fn restored(record: StoredMessage, payload: Bytes) -> Option<Self> {
        let expires = match record.lifetime_ms {
            None => None,
            Some(lifetime) => {
                let left = Duration::from_millis(lifetime).checked_sub(since(record.written_ms))?;
                if left.is_zero() {
                    return None;
                }
                Instant::now().checked_add(left)
            }
        };
        Some(Self {
            topic: record.topic.into(),
            payload,
            qos: QoS::try_from(record.qos).ok()?,
            retain: record.retain,
            properties: record
                .properties
                .map(|properties| Box::new(restored_properties(properties))),
            expires,
            publisher: record.publisher,
            kept: KeptLink::default(),
        })
    }

    /// Whether its time is over.
    pub(crate) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= Instant::now())
    }

    /// What it takes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        let user: usize = self.properties.as_ref().map_or(0, |properties| {
            properties
                .user_properties
                .iter()
                .map(|(key, value)| key.len() + value.len() + 80)
                .sum()
        });
        self.topic.len() + self.payload.len() + user + OVERHEAD_BYTES
    }
}

/// Properties that the broker passes on, in memory of their own; `None` where nothing is left.
fn travelling(properties: PublishProperties) -> Option<Box<PublishProperties>> {
    let kept = PublishProperties {
        topic_alias: None,
        correlation_data: properties
            .correlation_data
            .map(|data| Bytes::copy_from_slice(&data)),
        message_expiry_interval: None,
        content_type: properties.content_type.as_ref().map(copied_text),
        user_properties: properties
            .user_properties
            .iter()
            .map(|(key, value)| (copied_text(key), copied_text(value)))
            .collect(),
        is_utf8_payload: properties.is_utf8_payload,
        response_topic: properties.response_topic.as_ref().map(copied_text),
        subscription_ids: Vec::new(),
    };
    (kept != PublishProperties::default()).then(|| Box::new(kept))
}

/// The properties of a record.
pub(crate) fn restored_properties(stored: StoredProperties) -> PublishProperties {
    PublishProperties {
        correlation_data: stored.correlation_data.map(Bytes::from),
        content_type: stored.content_type.map(ByteString::from),
        user_properties: stored
            .user
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
        is_utf8_payload: stored.is_utf8_payload,
        response_topic: stored.response_topic.map(ByteString::from),
        ..PublishProperties::default()
    }
}

/// The record of properties that travel.
pub(crate) fn stored_properties(properties: &PublishProperties) -> StoredProperties {
    StoredProperties {
        correlation_data: properties.correlation_data.as_ref().map(|data| data.to_vec()),
        content_type: properties.content_type.as_ref().map(ToString::to_string),
        user: properties
            .user_properties
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
        is_utf8_payload: properties.is_utf8_payload,
        response_topic: properties.response_topic.as_ref().map(ToString::to_string),
    }
}

fn copied_text(text: &ByteString) -> ByteString {
    ByteString::from(text.to_string())
}

/// A message for one subscriber.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    /// The identifiers of the subscriptions that it fits.
    pub(crate) subscription_ids: Vec<NonZeroU32>,
    /// Its place in the queue of a session that is kept, which gives it its packet id.
    pub(crate) place: Option<u64>,
    /// The record of its message.
    pub(crate) kept: Option<Arc<Kept>>,
    /// What has to be on disk before it leaves.
    pub(crate) gate: Option<Arc<Group>>,
}

impl Delivery {
    /// A delivery that is in memory only.
    pub(crate) const fn new(message: Arc<Message>, qos: QoS, retain: bool, ids: Vec<NonZeroU32>) -> Self {
        Self {
            message,
            qos,
            retain,
            subscription_ids: ids,
            place: None,
            kept: None,
            gate: None,
        }
    }

    /// Its record, of the message with this number.
    pub(crate) fn stored(&self, message: u64) -> StoredDelivery {
        StoredDelivery {
            message: Some(message),
            qos: self.qos.value(),
            retain: self.retain,
            subscription_ids: self.subscription_ids.iter().map(|id| id.get()).collect(),
        }
    }

    /// Whether it has to wait for the disk.
    pub(crate) fn is_held(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| !gate.is_over())
    }

    /// The packet of this delivery, without the properties that only MQTT 5 has where `properties` is false.
    pub(crate) fn packet(&self, packet_id: Option<NonZeroU16>, dup: bool, properties: bool) -> Publish {
        let message = &self.message;
        Publish {
            dup,
            retain: self.retain,
            qos: self.qos,
            topic: message.topic.clone(),
            packet_id,
            payload: message.payload.clone(),
            properties: properties.then(|| self.properties()),
        }
    }

    fn properties(&self) -> PublishProperties {
        let mut properties = self
            .message
            .properties
            .as_ref()
            .map_or_else(PublishProperties::default, |properties| (**properties).clone());
        properties.message_expiry_interval = self.message.expires.and_then(|expires| {
            let left = expires.saturating_duration_since(Instant::now()).as_secs() + 1;
            NonZeroU32::new(u32::try_from(left).unwrap_or(u32::MAX))
        });
        properties.subscription_ids.clone_from(&self.subscription_ids);
        properties
    }
}
