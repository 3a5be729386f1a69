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
        }
    }

    /// A message of the process's own, at `QoS` 1.
    pub(crate) fn local(topic: ByteString, payload: Bytes, expires: Option<Instant>) -> Self {
        Self {
            topic,
            payload,
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: None,
            expires,
            publisher: 0,
        }
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
}

impl Delivery {
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
