//! How the service's surroundings are: the broker, the model's file.
//!
//! In: what the service meets. Out: the parts of the role's health, and samples for its metrics.

use std::sync::{Arc, OnceLock};

use monitoring::{Link, Part, Sample};
use mqtt::Publisher;
use prometheus_client::collector::Collector;

/// What the service knows of its surroundings.
#[derive(Debug)]
pub(crate) struct Vitals {
    /// Away until the broker grants the subscription.
    pub(crate) broker: Link,
    /// Away while the newest model file is refused and an older model serves.
    pub(crate) model: Link,
    /// The connection to the broker, once there is one.
    pub(crate) publisher: OnceLock<Publisher>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            broker: Link::needed("ml_broker", "not connected yet"),
            model: Link::wanted("ml_model"),
            publisher: OnceLock::new(),
        }
    }
}

impl Vitals {
    /// The service's parts, each with its reason where it is not well.
    pub(crate) fn parts(&self) -> Vec<Part> {
        vec![self.broker.part(), self.model.part()]
    }

    /// The metrics that somebody else counts.
    pub(crate) fn collector(self: &Arc<Self>) -> Box<dyn Collector> {
        let vitals = Arc::clone(self);
        monitoring::collector(move || vitals.samples())
    }

    fn samples(&self) -> Vec<Sample> {
        let connection = self.publisher.get().map(Publisher::stats).unwrap_or_default();
        vec![
            Sample::Gauge {
                name: "broker_up",
                help: "1 while the broker is connected",
                value: connection.connected.into(),
            },
            Sample::Counter {
                name: "dropped_qos0",
                help: "Messages at QoS 0 dropped because too many waited",
                value: connection.dropped_qos0,
            },
            Sample::Counter {
                name: "broker_connections",
                help: "Connections made to the broker",
                value: connection.connects,
            },
        ]
    }
}
