//! Connections to a real Mosquitto, and what they receive.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support; each file uses its part"
)]

use std::{net::SocketAddr, time::Duration};

use mqtt::{BrokerUrl, ConnectionOptions, Delivery, Event, Incoming};
use tokio::time::timeout;

pub const PATIENCE: Duration = Duration::from_secs(15);

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Options of a connection to `broker` that tries again soon.
pub fn options(broker: SocketAddr, client_id: &str) -> ConnectionOptions {
    let url = BrokerUrl::tcp(broker.ip().to_string(), broker.port());
    let mut options = ConnectionOptions::new(url, client_id);
    options.max_backoff = Duration::from_millis(200);
    options
}

/// The next event that fits; others are skipped.
pub async fn expect(incoming: &mut Incoming, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
    within(what, async {
        loop {
            let event = incoming
                .recv()
                .await
                .unwrap_or_else(|| panic!("ended before {what}"));
            if fits(&event) {
                return event;
            }
        }
    })
    .await
}

pub async fn message(incoming: &mut Incoming) -> Delivery {
    match expect(incoming, "a message", |event| matches!(event, Event::Message(_))).await {
        Event::Message(delivery) => delivery,
        _ => unreachable!(),
    }
}

pub async fn subscribed(incoming: &mut Incoming) {
    expect(incoming, "the subscription", |event| {
        matches!(event, Event::Subscribed)
    })
    .await;
}
