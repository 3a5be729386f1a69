//! The last will of a client: a message that is published when its connection ends without a goodbye.
//!
//! In: what CONNECT carries. Out: a publish that passes the hook and is routed like any other.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use rmqtt_codec::{
    types::{Publish, QoS},
    v3,
    v5::{self, PublishProperties},
};

use crate::{
    gate::Identity,
    keep::{StoredMessage, StoredWill, now_ms},
    message::{restored_properties, stored_properties},
};

/// A will, checked when the client connected.
#[derive(Debug, Clone)]
pub(crate) struct Will {
    pub(crate) publish: Publish,
    /// How long it waits for the client to come back.
    pub(crate) delay: Duration,
    pub(crate) identity: Arc<Identity>,
    pub(crate) address: SocketAddr,
}

impl Will {
    pub(crate) fn v3(will: v3::LastWill, identity: Arc<Identity>, address: SocketAddr) -> Self {
        Self {
            publish: Publish {
                dup: false,
                retain: will.retain,
                qos: will.qos,
                topic: will.topic,
                packet_id: None,
                payload: will.message,
                properties: None,
            },
            delay: Duration::ZERO,
            identity,
            address,
        }
    }

    pub(crate) fn v5(will: v5::LastWill, identity: Arc<Identity>, address: SocketAddr) -> Self {
        let properties = PublishProperties {
            correlation_data: will.correlation_data,
            message_expiry_interval: will.message_expiry_interval,
            content_type: will.content_type,
            user_properties: will.user_properties,
            is_utf8_payload: will.is_utf8_payload.unwrap_or(false),
            response_topic: will.response_topic,
            ..PublishProperties::default()
        };
        Self {
            publish: Publish {
                dup: false,
                retain: will.retain,
                qos: will.qos,
                topic: will.topic,
                packet_id: None,
                payload: will.message,
                properties: Some(properties),
            },
            delay: Duration::from_secs(will.will_delay_interval_sec.unwrap_or(0).into()),
            identity,
            address,
        }
    }

    /// Its record.
    pub(crate) fn stored(&self) -> StoredWill {
        let publish = &self.publish;
        let properties = publish.properties.as_ref();
        let lifetime = properties.and_then(|properties| properties.message_expiry_interval);
        StoredWill {
            message: StoredMessage {
                topic: publish.topic.to_string(),
                qos: publish.qos.value(),
                retain: publish.retain,
                publisher: 0,
                written_ms: now_ms(),
                lifetime_ms: lifetime.map(|seconds| u64::from(seconds.get()) * 1_000),
                properties: properties.map(stored_properties),
            },
            payload: publish.payload.to_vec(),
            delay_s: self.delay.as_secs(),
            username: self.identity.username.clone(),
            address: self.address,
        }
    }

    /// The will of a record; `None` where there is no message in it.
    pub(crate) fn restored(record: StoredWill, identity: Arc<Identity>) -> Option<Self> {
        let StoredMessage {
            topic,
            qos,
            retain,
            lifetime_ms,
            properties,
            ..
        } = record.message;
        let mut properties = properties.map(restored_properties);
        if let Some(lifetime) = lifetime_ms {
            // It counts from the publication (3.1.3.2.4).
            let seconds = u32::try_from(lifetime / 1_000).unwrap_or(u32::MAX);
            properties.get_or_insert_default().message_expiry_interval = NonZeroU32::new(seconds);
        }
        Some(Self {
            publish: Publish {
                dup: false,
                retain,
                qos: QoS::try_from(qos).ok()?,
                topic: topic.into(),
                packet_id: None,
                payload: record.payload.into(),
                properties,
            },
            delay: Duration::from_secs(record.delay_s),
            identity,
            address: record.address,
        })
    }
}
