//! Where the broker listens and what it allows.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    time::Duration,
};

/// Everything about one broker. The default listens on 127.0.0.1:1883.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where to listen; port 0 takes a free one. There are no accounts yet, so only loopback addresses are allowed.
    pub listen: SocketAddr,
    /// The largest packet; a client that sends a larger one is disconnected. Far more than a message may have, so that
    /// the hook hears of messages that are too large; a client that is disconnected only sends its message again.
    pub max_packet_bytes: u32,
    /// The largest payload that is kept for later subscribers.
    pub max_retained_bytes: u32,
    /// The most clients at a time.
    pub max_connections: usize,
    /// Messages in flight to or from one client before the other side must acknowledge.
    pub max_inflight: NonZeroU16,
    /// Messages that wait for one client, connected or not; beyond it the oldest are dropped.
    pub max_queued_messages: usize,
    /// How long a session outlives its connection: the limit for MQTT 5, the rule for 3.1.1.
    pub session_expiry: Duration,
    /// The most retained messages.
    pub max_retained_messages: u32,
    /// Threads that carry the connections.
    pub worker_threads: usize,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
            max_packet_bytes: 32 << 20,
            max_retained_bytes: 2 << 20,
            max_connections: 10_000,
            max_inflight: NonZeroU16::new(1_000).expect("a thousand is not zero"),
            max_queued_messages: 10_000,
            session_expiry: Duration::from_hours(24),
            max_retained_messages: 100_000,
            worker_threads: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .clamp(1, 4),
        }
    }
}
