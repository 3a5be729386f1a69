//! The last will of a client: a message that is published when its connection ends without a goodbye.
//!
//! In: what CONNECT carries. Out: a publish that passes the hook and is routed like any other.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rmqtt_codec::{
    types::Publish,
    v3,
    v5::{self, PublishProperties},
};

use crate::gate::Identity;

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
}
