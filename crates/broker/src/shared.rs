//! What all connections of one broker share, and the way of a message through it.
//!
//! In: messages that the hook accepted. Out: the queues of those who subscribed, and the retained messages. Nothing here
//! waits.

use std::{net::SocketAddr, sync::Arc};

use rmqtt_codec::types::Publish;

use crate::{
    BrokerOptions,
    access::Access,
    events::{EventKind, Events, What, Who},
    gate::Gate,
    message::{Delivery, Message},
    registry::Registry,
    retained::{NotRetained, Retained},
    statistics::Statistics,
    subscriptions::{Subscriptions, Target},
};

/// The parts of a broker.
pub(crate) struct Shared {
    pub(crate) options: BrokerOptions,
    /// `None` where everybody may do everything.
    pub(crate) access: Option<Arc<dyn Access>>,
    pub(crate) gate: Gate,
    pub(crate) events: Events,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) retained: Retained,
    pub(crate) registry: Registry,
}

/// A session as others see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publisher<'a> {
    pub(crate) number: u64,
    pub(crate) client_id: &'a str,
    pub(crate) address: SocketAddr,
}

impl Shared {
    /// Retains and queues a message that was accepted.
    pub(crate) fn route(&self, publish: Publish, publisher: Publisher<'_>) {
        let targets = self.subscriptions.targets(&publish.topic, publisher.number);
        if targets.is_empty() && !publish.retain {
            return;
        }
        self.deliver(Message::of(publish, publisher.number), targets, publisher);
    }

    /// Queues a message of the process's own.
    pub(crate) fn route_message(&self, message: Message, publisher: Publisher<'_>) {
        let targets = self.subscriptions.targets(&message.topic, publisher.number);
        self.deliver(message, targets, publisher);
    }

    fn deliver(&self, message: Message, targets: Vec<Target>, publisher: Publisher<'_>) {
        let message = Arc::new(message);
        if message.retain
            && let Err(why) = self.retained.set(&message)
        {
            self.events.tell(
                Who {
                    address: publisher.address,
                    client_id: publisher.client_id,
                },
                not_retained(why, &message.topic),
            );
        }
        for target in targets {
            let delivery = Delivery {
                qos: message.qos.min(target.qos),
                retain: target.retain_as_published && message.retain,
                message: Arc::clone(&message),
                subscription_ids: target.ids,
            };
            let dropped = target.session.push(delivery);
            if dropped > 0 {
                self.dropped(dropped, &target.session.client_id, publisher.address);
            }
        }
    }

    /// Publishes a value of the broker's own.
    pub(crate) fn publish_own(&self, topic: &'static str, payload: String) {
        let message = Arc::new(Message::own(topic, payload));
        let _ = self.retained.set(&message);
        for target in self.subscriptions.targets(topic, 0) {
            target.session.push(Delivery {
                qos: message.qos,
                retain: target.retain_as_published,
                message: Arc::clone(&message),
                subscription_ids: target.ids,
            });
        }
    }

    /// Counts and tells messages that a client's queue had no room for.
    pub(crate) fn dropped(&self, messages: u64, client_id: &str, address: SocketAddr) {
        self.statistics.publishes_dropped.add(messages);
        let reason = format!("the queue of {client_id:?} is full: its oldest messages are dropped");
        let remedy = "let this client read and acknowledge faster, or subscribe to less";
        self.events.tell(
            Who { address, client_id },
            What::new(EventKind::MessagesDropped, reason, remedy),
        );
    }
}

fn not_retained(why: NotRetained, topic: &str) -> What {
    let (reason, remedy) = match why {
        NotRetained::TooLarge => (
            "the message is too large to be retained",
            "send it without the retain flag, or make it smaller",
        ),
        NotRetained::Full => (
            "there is no room for one more retained message",
            "clear retained messages by empty ones on their topics",
        ),
    };
    let topic: String = topic.chars().take(128).collect();
    What::new(
        EventKind::QuotaExceeded,
        format!("{reason} (topic {topic:?})"),
        remedy,
    )
}
