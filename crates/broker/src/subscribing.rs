//! What a connection does with SUBSCRIBE and UNSUBSCRIBE.

use std::{num::NonZeroU16, sync::Arc};

use bytes::BytesMut;
use bytestring::ByteString;
use rmqtt_codec::v5::{RetainHandling, SubscriptionOptions};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    access::Permission,
    connection::Connection,
    ending::Ending,
    events::{EventKind, What},
    keep::{Key, Op, Page, Space, StoredSubscription},
    limits::Limit,
    message::Delivery,
    packet::Subscribe,
    subscriptions::Subscriber,
    topic::{Filter, levels},
};

/// Bytes of all filters of one client.
const MAX_FILTER_BYTES: usize = 1 << 20;

/// Topic levels that one SUBSCRIBE may look at for retained messages: more than there are of them, and few enough for
/// nobody to notice.
const RETAINED_STEPS: usize = 2_000_000;

const NOT_AUTHORIZED: u8 = 0x87;
const TOPIC_FILTER_INVALID: u8 = 0x8F;
const QUOTA_EXCEEDED: u8 = 0x97;
const NO_SUBSCRIPTION_EXISTED: u8 = 0x11;

/// The retained messages for one SUBSCRIBE.
struct RetainedSearch {
    found: Vec<Delivery>,
    steps: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn subscribe(&mut self, subscribe: &Subscribe) -> Result<(), Ending> {
        let mut codes = Vec::with_capacity(subscribe.filters.len());
        let mut retained = RetainedSearch {
            found: Vec::new(),
            steps: RETAINED_STEPS,
        };
        let mut accepted = Vec::new();
        for (text, options) in &subscribe.filters {
            let Some(filter) = Filter::parse(text) else {
                self.tell_refused(
                    text,
                    "it is malformed",
                    "see the rules for + and # in topic filters",
                    None,
                );
                codes.push(TOPIC_FILTER_INVALID);
                continue;
            };
            if levels(filter.pattern) > self.shared.options.max_topic_levels {
                let reason = "it has too many levels";
                self.tell_refused(text, reason, "use fewer levels", Some(Limit::TopicLevels));
                codes.push(QUOTA_EXCEEDED);
                continue;
            }
            if filter.group.is_some() && options.no_local {
                return Err(Ending::protocol_error("a shared subscription asks for No Local"));
            }
            let permission = self.rights.subscribe(text);
            if permission != Permission::Granted {
                if let Permission::Refused { reason, remedy } = permission {
                    self.tell(EventKind::NotAuthorized, text, (reason, remedy), None);
                }
                codes.push(NOT_AUTHORIZED);
                continue;
            }
            if !self.remember(text) {
                self.tell_refused(
                    text,
                    "the client has too many",
                    "use wildcards in fewer subscriptions",
                    Some(Limit::Subscriptions),
                );
                codes.push(QUOTA_EXCEEDED);
                continue;
            }
            let is_new = self
                .shared
                .subscriptions
                .insert(filter, self.subscriber(subscribe, *options));
            codes.push(options.qos.value());
            accepted.push((text, *options));
            let wanted = match options.retain_handling {
                RetainHandling::AtSubscribe => true,
                RetainHandling::AtSubscribeNew => is_new,
                RetainHandling::NoAtSubscribe => false,
            };
            if wanted && filter.group.is_none() {
                self.add_retained(filter, subscribe, *options, &mut retained);
            }
        }
        // Opened late: others wait for it.
        let shared = Arc::clone(&self.shared);
        let mut page = shared.page_of(&self.session);
        if let Some(page) = page.as_mut() {
            self.note(subscribe, &accepted, page);
        }
        let dropped = self.session.push_retained(retained.found, page.as_mut());
        let mut reply = BytesMut::new();
        self.codec.subscribed(subscribe.packet_id, &codes, &mut reply);
        self.reply(reply, page.and_then(Page::ticket), true);
        if dropped > 0 {
            self.shared
                .dropped(dropped, &self.identity.client_id, self.address);
        }
        Ok(())
    }

    /// Takes a filter into the session; `false` where it has too many.
    fn remember(&self, text: &ByteString) -> bool {
        let Some(mut state) = self.own_state() else {
            return false;
        };
        if state.subscriptions.contains_key(text) {
            return true;
        }
        let has_room = state.subscriptions.len() < self.shared.options.max_subscriptions
            && state.filter_bytes + text.len() <= MAX_FILTER_BYTES;
        if has_room {
            state.filter_bytes += text.len();
            state
                .subscriptions
                .insert(ByteString::from(text.to_string()), None);
        }
        has_room
    }

    /// Notes subscriptions for a later start.
    fn note(
        &self,
        subscribe: &Subscribe,
        accepted: &[(&ByteString, SubscriptionOptions)],
        page: &mut Page<'_>,
    ) {
        let Some(mut state) = self.own_state() else { return };
        for (text, options) in accepted {
            let Some(record) = state.subscriptions.get_mut(*text) else {
                continue;
            };
            let number = *record.get_or_insert_with(|| page.number());
            let stored = StoredSubscription {
                filter: text.to_string(),
                qos: options.qos.value(),
                no_local: options.no_local,
                retain_as_published: options.retain_as_published,
                id: subscribe.id.map(std::num::NonZeroU32::get),
            };
            page.put(Op::Subscription(self.session.number, number, stored));
        }
    }

    fn subscriber(&self, subscribe: &Subscribe, options: SubscriptionOptions) -> Subscriber {
        Subscriber {
            session: Arc::clone(&self.session),
            qos: options.qos,
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            id: subscribe.id,
        }
    }

    fn add_retained(
        &self,
        filter: Filter<'_>,
        subscribe: &Subscribe,
        options: SubscriptionOptions,
        retained: &mut RetainedSearch,
    ) {
        for message in self.shared.retained.matching(filter.pattern, &mut retained.steps) {
            if options.no_local && message.publisher == self.session.number {
                continue;
            }
            let qos = message.qos.min(options.qos);
            let ids = subscribe.id.into_iter().collect();
            retained.found.push(Delivery::new(message, qos, true, ids));
        }
    }

    pub(crate) fn unsubscribe(&mut self, id: NonZeroU16, filters: &[ByteString]) {
        let mut codes = Vec::with_capacity(filters.len());
        let shared = Arc::clone(&self.shared);
        let mut page = shared.page_of(&self.session);
        for text in filters {
            let Some(filter) = Filter::parse(text) else {
                codes.push(TOPIC_FILTER_INVALID);
                continue;
            };
            if let Some(mut state) = self.own_state()
                && let Some(record) = state.subscriptions.remove(text)
            {
                state.filter_bytes -= text.len();
                if let (Some(record), Some(page)) = (record, page.as_mut()) {
                    page.put(Op::Remove(Key(Space::Subscription, self.session.number, record)));
                }
            }
            let existed = self.shared.subscriptions.remove(filter, self.session.number);
            codes.push(if existed { 0 } else { NO_SUBSCRIPTION_EXISTED });
        }
        let mut reply = BytesMut::new();
        self.codec.unsubscribed(id, &codes, &mut reply);
        self.reply(reply, page.and_then(Page::ticket), false);
    }

    fn tell_refused(&self, filter: &str, reason: &str, remedy: &'static str, limit: Option<Limit>) {
        self.tell(EventKind::SubscriptionRefused, filter, (reason, remedy), limit);
    }

    fn tell(
        &self,
        kind: EventKind,
        filter: &str,
        (reason, remedy): (&str, &'static str),
        limit: Option<Limit>,
    ) {
        let filter: String = filter.chars().take(128).collect();
        let mut what = What::new(
            kind,
            format!("the subscription to {filter:?} is refused: {reason}"),
            remedy,
        );
        what.limit = limit;
        self.shared.events.tell(self.who(), what);
    }
}
