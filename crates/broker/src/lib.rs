//! The embedded broker: MQTT 3.1, 3.1.1 and 5 over TCP, TLS and WebSocket, retained messages, shared subscriptions, and a hook that is
//! awaited before a publish is acknowledged.
//!
//! In: TCP connections. Out: routed messages, every publish to the [`PublishHook`], events to an [`Observer`]. Sessions that
//! are to last and retained messages outlive the process, if there is a directory for them ([`BrokerOptions::storage`]);
//! what becomes of measurements is the hook's task. Nothing here reads a payload. The codec is a library's; only `message`,
//! `packet`, `handshake` and `will` see its packets.

mod access;
mod admission;
mod alias;
mod answering;
mod callbacks;
mod clock;
mod connection;
mod ending;
mod entering;
mod events;
mod figures;
mod gate;
mod handshake;
mod holding;
mod hook;
mod incoming;
mod inspection;
mod keep;
mod limits;
mod link;
mod listener;
mod local;
mod message;
mod options;
mod packet;
mod rates;
mod rechecking;
mod refusal;
mod registry;
mod retained;
mod server;
mod session;
mod shared;
mod sniff;
mod socket;
mod statistics;
mod subscribing;
mod subscriptions;
mod sys;
mod takeovers;
mod terms;
mod topic;
mod transport;
mod websocket;
mod will;
mod wire;

pub use access::{Access, Denial, DenialReason, Entry, Farewell, Login, Permission, Rights};
pub use callbacks::Callbacks;
pub use events::{BrokerEvent, EventKind, Observer};
pub use figures::{Figure, Figures};
pub use hook::{Publish, PublishHook, Qos, Reception, Verdict};
pub use keep::{Keep, NewerStorage, while_unused};
pub use local::{LocalConnector, LocalPublisher};
pub use options::{BrokerOptions, ListenerOptions};
pub use rates::RateLimits;
pub use server::{Broker, BrokerError, Recheck};
