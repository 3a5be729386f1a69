//! What all connections of one broker share, and the way of a message through it.
//!
//! In: messages that the hook accepted. Out: the queues of those who subscribed, and the retained messages; a ticket where
//! the message has to be on disk before it is acknowledged. Nothing here waits.

use std::{net::SocketAddr, num::NonZeroU16, sync::Arc};

use rmqtt_codec::types::Publish;

use crate::{
    BrokerOptions,
    access::Access,
    events::{EventKind, Events, What, Who},
    gate::Gate,
    holding::Holdings,
    keep::{Keeper, Page, Ticket},
    limits::Limit,
    message::{Delivery, Message},
    registry::Registry,
    retained::{NotRetained, Retained},
    session::Session,
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
    pub(crate) holdings: Arc<Holdings>,
    /// `None` where nothing outlives the process.
    pub(crate) keeper: Option<Arc<Keeper>>,
}

/// A session as others see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publisher<'a> {
    pub(crate) number: u64,
    pub(crate) client_id: &'a str,
    pub(crate) address: SocketAddr,
}

/// A message at `QoS` 2 that is noted as taken together with what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taking<'a> {
    pub(crate) session: &'a Session,
    pub(crate) id: NonZeroU16,
}

impl Shared {
    /// Retains and queues a message that was accepted. `taking` is for a message at `QoS` 2.
    pub(crate) fn route(
        &self,
        publish: Publish,
        publisher: Publisher<'_>,
        taking: Option<Taking<'_>>,
    ) -> Option<Ticket> {
        let targets = self.subscriptions.targets(&publish.topic, publisher.number);
        let mut page = self.page_for(&targets, publish.retain, taking);
        if let Some(Taking { session, id }) = taking {
            let page = page.as_mut().filter(|_| session.is_kept());
            session.state().take(id, page);
        }
        if !targets.is_empty() || publish.retain {
            let message = Message::of(publish, publisher.number);
            self.deliver(message, targets, publisher, page.as_mut());
        }
        page.and_then(Page::ticket)
    }

    /// Queues a message of the process's own.
    pub(crate) fn route_message(&self, message: Message, publisher: Publisher<'_>) {
        let targets = self.subscriptions.targets(&message.topic, publisher.number);
        // What a client has retained there before may be on disk.
        let mut page = self.page_for(&targets, message.retain, None);
        self.deliver(message, targets, publisher, page.as_mut());
    }

    /// A page for a message, if any of it is kept. Most are not, and cost nothing.
    fn page_for(&self, targets: &[Target], retain: bool, taking: Option<Taking<'_>>) -> Option<Page<'_>> {
        let keeper = self.keeper.as_deref()?;
        let is_kept = retain
            || taking.is_some_and(|taking| taking.session.is_kept())
            || targets.iter().any(|target| target.session.is_kept());
        is_kept.then(|| keeper.page())
    }

    fn deliver(
        &self,
        message: Message,
        targets: Vec<Target>,
        publisher: Publisher<'_>,
        mut page: Option<&mut Page<'_>>,
    ) {
        let message = Arc::new(message);
        if message.retain
            && let Err(why) = self.retained.set(&message, page.as_deref_mut())
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
            let delivery = Delivery::new(
                Arc::clone(&message),
                message.qos.min(target.qos),
                target.retain_as_published && message.retain,
                target.ids,
            );
            let dropped = target.session.push(delivery, page.as_deref_mut());
            if dropped > 0 {
                self.dropped(dropped, &target.session.owner.client_id, publisher.address);
            }
        }
    }

    /// Publishes a value of the broker's own.
    pub(crate) fn publish_own(&self, topic: &'static str, payload: String) {
        let message = Arc::new(Message::own(topic, payload));
        let _ = self.retained.set(&message, None);
        let targets = self.subscriptions.targets(topic, 0);
        let mut page = self.page_for(&targets, false, None);
        for target in targets {
            let retain = target.retain_as_published;
            let delivery = Delivery::new(Arc::clone(&message), message.qos, retain, target.ids);
            target.session.push(delivery, page.as_mut());
        }
    }

    /// Counts and tells messages that a client's queue had no room for.
    pub(crate) fn dropped(&self, messages: u64, client_id: &str, address: SocketAddr) {
        self.statistics.publishes_dropped.add(messages);
        let reason = format!("the queue of {client_id:?} is full: its oldest messages are dropped");
        let remedy = "let this client read and acknowledge faster, or subscribe to less";
        self.events.tell(
            Who { address, client_id },
            What::new(EventKind::MessagesDropped, reason, remedy).limit(Limit::Queue),
        );
    }
}

fn not_retained(why: NotRetained, topic: &str) -> What {
    let (limit, reason, remedy) = match why {
        NotRetained::TooLarge => (
            Limit::RetainedPayload,
            "the message is too large to be retained",
            "send it without the retain flag, or make it smaller",
        ),
        NotRetained::Full => (
            Limit::Retained,
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
    .limit(limit)
}
