//! `broker.limits`, with the broker's own defaults.

use std::num::NonZeroU16;

use broker::BrokerOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::seconds;

/// `broker.limits`: what clients of the embedded broker may take. Each limit has a counter in the metrics.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerLimits {
    /// Connected clients. `null`: 10,000 or `backend.max_devices`, as far as the limit of open files allows.
    #[schemars(range(min = 1))]
    pub connections: Option<usize>,
    /// Connections from one address. `null`: nine tenths of all.
    #[schemars(range(min = 1))]
    pub connections_per_address: Option<usize>,
    /// Connections from one address that have not sent CONNECT.
    #[schemars(range(min = 1))]
    pub unidentified_per_address: usize,
    /// Seconds from accepting a connection to its CONNECT.
    #[schemars(range(min = 1, max = 3_600))]
    pub handshake_s: u64,
    /// Bytes of a CONNECT.
    #[schemars(range(min = 128, max = 1_048_576))]
    pub greeting_bytes: u32,
    /// Bytes of a last will's payload.
    #[schemars(range(max = 65_535))]
    pub will_bytes: u32,
    /// Bytes of a packet. Above the largest clip, so that a message that is too large is refused and not sent for ever.
    #[schemars(range(min = 1_024, max = 268_435_460))]
    pub packet_bytes: u32,
    /// Bytes of packets that have arrived in part, of all clients together.
    #[schemars(range(min = 65_536))]
    pub partial_bytes: usize,
    /// Packets a second of a client that is not on this host; beyond, it is read more slowly. 0: without limit.
    pub packets_per_s: u32,
    /// Bytes a second of such a client. 0: without limit.
    pub bytes_per_s: u32,
    /// Seconds for which a client may be ahead of either rate.
    #[schemars(range(min = 1, max = 3_600))]
    pub burst_s: u32,
    /// Unacknowledged messages of a client, in each direction.
    #[schemars(range(min = 1, max = 65_535))]
    pub inflight: NonZeroU16,
    /// Subscriptions of a client.
    #[schemars(range(min = 1))]
    pub subscriptions: usize,
    /// Levels of a topic and of a topic filter.
    #[schemars(range(min = 1, max = 128))]
    pub topic_levels: usize,
    /// Messages that wait for a client.
    #[schemars(range(min = 1))]
    pub queued_messages: usize,
    /// Bytes of these.
    #[schemars(range(min = 1))]
    pub queued_bytes: usize,
    /// Sessions, of clients that are connected and that are away.
    #[schemars(range(min = 1))]
    pub sessions: usize,
    /// Seconds for which a session is kept while its client is away, at most.
    #[schemars(range(max = 31_536_000))]
    pub session_expiry_s: u64,
    /// Retained messages.
    pub retained_messages: u32,
    /// Bytes of all retained messages.
    pub retained_bytes: usize,
    /// Bytes of the payload of a retained message.
    pub retained_payload_bytes: u32,
    /// Bytes of all messages below `broker.path`.
    pub stored_bytes: usize,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        let options = BrokerOptions::default();
        Self {
            connections: None,
            connections_per_address: None,
            unidentified_per_address: options.max_unidentified_per_address,
            handshake_s: seconds(options.connect_timeout),
            greeting_bytes: options.max_greeting_bytes,
            will_bytes: options.max_will_bytes,
            packet_bytes: options.max_packet_bytes,
            partial_bytes: options.max_partial_bytes,
            packets_per_s: options.rates.packets_per_s,
            bytes_per_s: options.rates.bytes_per_s,
            burst_s: options.rates.burst_s,
            inflight: options.max_inflight,
            subscriptions: options.max_subscriptions,
            topic_levels: options.max_topic_levels,
            queued_messages: options.max_queued_messages,
            queued_bytes: options.max_queued_bytes,
            sessions: options.max_sessions,
            session_expiry_s: seconds(options.session_expiry),
            retained_messages: options.max_retained_messages,
            retained_bytes: options.max_retained_total_bytes,
            retained_payload_bytes: options.max_retained_bytes,
            stored_bytes: options.max_stored_bytes,
        }
    }
}
