//! The address and the limits of a broker.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    time::Duration,
};

/// The settings of one broker. The default listens on 127.0.0.1:1883.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The address to listen on; port 0 selects a free port. There are no accounts yet, so it must be a loopback
    /// address.
    pub listen: SocketAddr,
    /// The largest packet; a client that sends a larger one is disconnected. Far above the largest valid message, so
    /// that the hook can refuse larger ones: a disconnected client would only send its message again.
    pub max_packet_bytes: u32,
    /// The largest payload that is retained.
    pub max_retained_bytes: u32,
    /// Maximum number of connected clients.
    pub max_connections: usize,
    /// Maximum number of unacknowledged messages in each direction of a connection.
    pub max_inflight: NonZeroU16,
    /// Maximum number of messages queued for one client, connected or not; then the oldest are dropped.
    pub max_queued_messages: usize,
    /// How long a session outlives its connection: the maximum in MQTT 5, the fixed value in 3.1.1.
    pub session_expiry: Duration,
    /// Maximum number of retained messages.
    pub max_retained_messages: u32,
    /// Threads that serve the connections.
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
