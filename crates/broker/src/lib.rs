//! The embedded broker: MQTT 3.1.1 and 5 on one port, retained messages, shared subscriptions, and a hook that is
//! awaited before a publish is acknowledged.
//!
//! In: TCP connections. Out: routed messages, and every publish to the [`PublishHook`]. Sessions are kept in memory;
//! durability is the hook's task. Nothing here reads a payload.

mod gate;
mod hook;
mod options;
mod server;

pub use hook::{Publish, PublishHook, Qos, Verdict};
pub use options::BrokerOptions;
pub use server::{Broker, BrokerError};
