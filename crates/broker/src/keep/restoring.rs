//! What a start does with what an earlier run has left.
//!
//! In: records that fit together. Out: sessions that wait for their clients, with their subscriptions, messages and wills, and
//! retained messages. Time went on meanwhile: what has expired is gone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use bytestring::ByteString;
use rmqtt_codec::types::QoS;

use super::{
    Keeper, Loaded, Op,
    loading::LoadedSession,
    since,
    stored::{Key, Space, StoredDelivery, StoredSubscription},
};
use crate::{
    gate::Identity,
    message::{Delivery, Message},
    session::{Owner, Session},
    shared::Shared,
    subscriptions::Subscriber,
    topic::Filter,
    will::Will,
};

/// How long the will of a client that was connected when the process ended waits at least: the client has not failed, and
/// needs a moment to come back.
const GRACE: Duration = Duration::from_secs(10);

/// For what is due.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How much came back.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Restored {
    pub(crate) sessions: usize,
    pub(crate) messages: usize,
    pub(crate) retained: usize,
}

/// A session whose client is away.
struct Waiting {
    session: Arc<Session>,
    /// Until its will is published.
    delay: Duration,
    /// Until it ends.
    left: Duration,
}

/// Messages of an earlier run by number.
type Messages = HashMap<u64, Arc<Message>>;

impl Shared {
    /// Puts everything back. Runs on the broker's threads.
    pub(crate) fn restore(self: &Arc<Self>, keeper: &Arc<Keeper>, loaded: Loaded) -> Restored {
        let mut restored = Restored::default();
        self.registry.reserve(loaded.highest_session);
        for (record, message) in loaded.retained {
            if self.retained.restore(&message, record) {
                keeper.found_retained(&message);
                restored.retained += 1;
            } else {
                keeper.page().put(Op::Remove(Key(Space::Retained, 0, record)));
            }
        }
        let mut waiting = Vec::new();
        for (number, session) in loaded.sessions {
            restored.sessions += 1;
            restored.messages += session.deliveries.len();
            waiting.push(self.restore_session(keeper, number, session, &loaded.messages));
        }
        // Only now, so that a will reaches every session.
        for Waiting { session, delay, left } in waiting {
            if !self.still_grants(&session) {
                self.forget_absent(&session);
                continue;
            }
            let end = Arc::clone(self).wait_for_return(Arc::clone(&session), delay, left);
            session.state().offline = Some(tokio::spawn(end).abort_handle());
        }
        restored
    }

    fn restore_session(
        &self,
        keeper: &Keeper,
        number: u64,
        loaded: LoadedSession,
        messages: &Messages,
    ) -> Waiting {
        let LoadedSession {
            record,
            subscriptions,
            deliveries,
            taken,
            sent,
        } = loaded;
        let client_id: Arc<str> = record.client_id.into();
        let owner = Owner {
            account: record.account.map(Into::into),
            client_id: Arc::clone(&client_id),
        };
        let account = owner.account.clone();
        let session = Arc::new(self.session(number, owner));
        session.set_kept(true);
        let away = record.left_ms.map(since);
        let expiry = Duration::from_secs(record.expiry_s);
        let will = record.will.and_then(|will| {
            let identity = Identity::of_record(client_id, will.username.clone(), account);
            Will::restored(will, Arc::new(identity))
        });
        let delay = will.as_ref().map(|will| match away {
            None => will.delay.max(GRACE).min(expiry),
            // Without a delay it would have been published, had the process not been ending.
            Some(_) if will.delay.is_zero() => GRACE.min(expiry),
            Some(away) => will.delay.saturating_sub(away).max(AT_ONCE),
        });
        // Wills of other sessions may be on their way already: locks are taken in their order.
        let mut page = keeper.page();
        let mut state = session.state();
        state.expiry = expiry;
        state.left_ms = Some(record.left_ms.unwrap_or_else(super::now_ms));
        state.delayed_will = will;
        state.rights_number = record.rights_number;
        restore_deliveries(keeper, &mut state, deliveries, sent, messages);
        state.restore_marks(sent, &taken);
        for (record, stored) in &subscriptions {
            state.filter_bytes += stored.filter.len();
            state
                .subscriptions
                .insert(ByteString::from(stored.filter.clone()), Some(*record));
        }
        if away.is_none() {
            // From now on its client is away.
            session.note(&state, &mut page);
        }
        let left = expiry.saturating_sub(away.unwrap_or_default());
        let delay = delay.unwrap_or_default().min(left.max(AT_ONCE));
        drop(state);
        drop(page);
        self.registry.restore(&session);
        for stored in subscriptions.into_values() {
            self.restore_subscription(&session, &stored);
        }
        Waiting { session, delay, left }
    }

    fn restore_subscription(&self, session: &Arc<Session>, stored: &StoredSubscription) {
        let (Some(filter), Ok(qos)) = (Filter::parse(&stored.filter), QoS::try_from(stored.qos)) else {
            return;
        };
        let subscriber = Subscriber {
            session: Arc::clone(session),
            qos,
            no_local: stored.no_local,
            retain_as_published: stored.retain_as_published,
            id: stored.id.and_then(std::num::NonZeroU32::new),
        };
        self.subscriptions.insert(filter, subscriber);
    }
}

fn restore_deliveries(
    keeper: &Keeper,
    state: &mut crate::session::State,
    deliveries: BTreeMap<u64, StoredDelivery>,
    sent: Option<u64>,
    messages: &Messages,
) {
    for (place, stored) in deliveries {
        let is_sent = sent.is_some_and(|last| place <= last);
        let Ok(qos) = QoS::try_from(stored.qos) else {
            continue;
        };
        let delivery = stored.message.and_then(|number| {
            let message = messages.get(&number)?;
            let known = message.kept.lock().upgrade();
            let kept = known.unwrap_or_else(|| keeper.found(number, message));
            let ids = stored.subscription_ids.iter();
            let ids = ids.filter_map(|id| std::num::NonZeroU32::new(*id)).collect();
            Some(Delivery {
                place: Some(place),
                kept: Some(kept),
                ..Delivery::new(Arc::clone(message), qos, stored.retain, ids)
            })
        });
        state.restore(place, is_sent, delivery);
    }
}
