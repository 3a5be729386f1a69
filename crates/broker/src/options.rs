//! The listeners and the limits of a broker.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU16,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tls::ServerTls;

use crate::rates::RateLimits;

/// One address at which a broker listens.
#[derive(Debug, Clone)]
pub struct ListenerOptions {
    /// The address; port 0 selects a free port.
    pub address: SocketAddr,
    /// The certificate of a listener that speaks TLS.
    pub tls: Option<Arc<ServerTls>>,
    /// Whether MQTT comes over WebSocket.
    pub websocket: bool,
    /// Whether a client may come without an account. Never true beyond loopback.
    pub anonymous: bool,
}

impl ListenerOptions {
    /// Plain MQTT over TCP. Anonymous clients may come where only this machine can.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            websocket: false,
            anonymous: address.ip().is_loopback(),
        }
    }

    /// MQTT over TLS, for clients with an account.
    pub fn tls(address: SocketAddr, tls: Arc<ServerTls>) -> Self {
        Self {
            tls: Some(tls),
            anonymous: false,
            ..Self::plain(address)
        }
    }

    /// The same over WebSocket.
    #[must_use]
    pub fn over_websocket(self) -> Self {
        Self {
            websocket: true,
            ..self
        }
    }
}

/// The settings of one broker. The default listens on 127.0.0.1:1883.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where it listens; at least one. All share the limits below.
    pub listeners: Vec<ListenerOptions>,
    /// The largest packet; a client that sends a larger one is disconnected. Far above the largest valid message, so
    /// that the hook can refuse larger ones: a disconnected client would only send its message again.
    pub max_packet_bytes: u32,
    /// The largest payload that is retained.
    pub max_retained_bytes: u32,
    /// The largest message and the largest frame of a WebSocket. A client over WebSocket that sends a larger packet is
    /// disconnected, whatever `max_packet_bytes` says: memory is taken for the length that a frame announces.
    pub max_websocket_bytes: usize,
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
    /// Time from accepting a connection to its CONNECT, the handshakes of TLS and WebSocket included.
    pub connect_timeout: Duration,
    /// Maximum number of unacknowledged messages in each direction of a connection.
    pub max_inflight: NonZeroU16,
    /// Maximum number of messages queued for one client, connected or not; then the oldest are dropped.
    pub max_queued_messages: usize,
    /// Maximum number of bytes queued for one client; then the oldest messages are dropped. Clients share the bytes of one
    /// message.
    pub max_queued_bytes: usize,
    /// Maximum number of sessions, of clients that are connected and that are away; one account has nine tenths at most.
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
            listeners: vec![ListenerOptions::plain((Ipv4Addr::LOCALHOST, 1883).into())],
            max_packet_bytes: 32 << 20,
            max_retained_bytes: 2 << 20,
            max_websocket_bytes: 2 << 20,
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
