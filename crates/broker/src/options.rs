//! The address and the limits of a broker.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    path::PathBuf,
    time::Duration,
};

use crate::rates::RateLimits;

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
    /// Maximum number of connections from one address.
    pub max_connections_per_address: usize,
    /// Maximum number of connections from one address that have not sent CONNECT yet.
    pub max_unidentified_per_address: usize,
    /// The largest CONNECT; its sender is not known yet.
    pub max_greeting_bytes: u32,
    /// The largest payload of a last will.
    pub max_will_bytes: u32,
    /// Maximum number of bytes of packets that have arrived in part, of all connections together. Beyond it, connections with
    /// more than an equal share are closed.
    pub max_partial_bytes: usize,
    /// How fast a client may send.
    pub rates: RateLimits,
    /// Whether that holds for clients on this host, too.
    pub limit_rates_of_loopback: bool,
    /// Most levels of a topic name and of a topic filter, at most 128.
    pub max_topic_levels: usize,
    /// Time from accepting a connection to its CONNECT.
    pub connect_timeout: Duration,
    /// Maximum number of unacknowledged messages in each direction of a connection.
    pub max_inflight: NonZeroU16,
    /// Maximum number of messages queued for one client, connected or not; then the oldest are dropped.
    pub max_queued_messages: usize,
    /// Maximum number of bytes queued for one client; then the oldest messages are dropped. Clients share the bytes of one
    /// message.
    pub max_queued_bytes: usize,
    /// Maximum number of sessions, of clients that are connected and that are away.
    pub max_sessions: usize,
    /// Maximum number of subscriptions of one client.
    pub max_subscriptions: usize,
    /// How long a session outlives its connection: the maximum in MQTT 5, the fixed value in 3.1.1.
    pub session_expiry: Duration,
    /// Maximum number of retained messages.
    pub max_retained_messages: u32,
    /// Maximum number of bytes of all retained messages together.
    pub max_retained_total_bytes: usize,
    /// Where sessions and retained messages are kept; `None` for memory only. The directory is made, closed to other users,
    /// and belongs to one process at a time.
    pub storage: Option<PathBuf>,
    /// Maximum number of bytes of all messages that are kept there. Beyond it, messages for clients that are away are
    /// dropped, those for clients that are here are delivered without being kept, and no more messages are retained.
    pub max_stored_bytes: usize,
    /// How often the broker's figures below `$SYS` are published.
    pub sys_interval: Duration,
    /// Threads that serve the connections.
    pub worker_threads: usize,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 1883).into(),
            max_packet_bytes: 32 << 20,
            max_retained_bytes: 2 << 20,
            max_greeting_bytes: 64 << 10,
            max_will_bytes: 32 << 10,
            max_partial_bytes: 256 << 20,
            rates: RateLimits::default(),
            limit_rates_of_loopback: false,
            max_topic_levels: 32,
            max_connections: 10_000,
            max_connections_per_address: 9_000,
            max_unidentified_per_address: 1_000,
            connect_timeout: Duration::from_secs(10),
            max_inflight: NonZeroU16::new(1_000).expect("a thousand is not zero"),
            max_queued_messages: 10_000,
            max_queued_bytes: 64 << 20,
            max_sessions: 100_000,
            max_subscriptions: 10_000,
            session_expiry: Duration::from_hours(24),
            max_retained_messages: 100_000,
            max_retained_total_bytes: 256 << 20,
            storage: None,
            max_stored_bytes: 512 << 20,
            sys_interval: Duration::from_secs(10),
            worker_threads: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .clamp(1, 4),
        }
    }
}
