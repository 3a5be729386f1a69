//! A connection to a broker that reconnects automatically. A single task polls it and never waits for a consumer.
//!
//! In: options, messages to publish, acknowledgements. Out: events in the order of the broker. Withheld
//! acknowledgements are the back-pressure (by the receive maximum). Every queue is bounded, and every dropped message
//! is counted.

mod acks;
mod backoff;
mod driver;
mod error;
mod incoming;
mod link;
mod message;
mod options;
mod outbox;
mod publisher;
mod queue;
mod tls;
mod url;
mod wire;

use std::sync::Arc;

pub use acks::AckToken;
pub use error::PublishError;
pub use incoming::Incoming;
pub use link::ConnectionStats;
pub use message::{Delivery, Event, Message, Qos, Subscription};
pub use options::{ConnectionOptions, Pipe, Protocol, UnknownProtocol, random_client_id};
pub use publisher::Publisher;
pub use url::{BrokerUrl, InvalidBrokerUrl};

use driver::Driver;
use link::Handle;

/// Starts the connection's task on the current Tokio runtime and returns immediately; [`Event::Connected`] reports that
/// it is connected. The task ends with [`Publisher::disconnect`], or when every handle is dropped; then the last will
/// is sent.
pub fn connect(options: ConnectionOptions) -> (Publisher, Incoming) {
    let manual_acks = options.manual_acks;
    let (driver, shared) = Driver::new(options);
    let handle = Arc::new(Handle::new(Arc::clone(&shared)));
    tokio::spawn(driver.run());
    let publisher = Publisher::new(Arc::clone(&handle));
    (publisher, Incoming::new(handle, manual_acks))
}
