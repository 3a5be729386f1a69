//! What an earlier run has left.
//!
//! In: the records. Out: sessions and messages that fit together, and the keys of those that do not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use fjall::Keyspace;
use serde::de::DeserializeOwned;

use super::{
    storage::Fault,
    stored::{
        Key, Space, StoredDelivery, StoredMessage, StoredSession, StoredSubscription, decode, newer_version,
    },
};
use crate::message::Message;

/// The records of one session.
#[derive(Debug)]
pub(crate) struct LoadedSession {
    pub(crate) record: StoredSession,
    pub(crate) subscriptions: BTreeMap<u64, StoredSubscription>,
    pub(crate) deliveries: BTreeMap<u64, StoredDelivery>,
    pub(crate) taken: Vec<u16>,
    pub(crate) sent: Option<u64>,
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// By number.
    pub(crate) sessions: BTreeMap<u64, LoadedSession>,
    /// Messages that deliveries name.
    pub(crate) messages: HashMap<u64, Arc<Message>>,
    pub(crate) retained: Vec<(u64, Arc<Message>)>,
    /// Records that nothing needs any more, or that cannot be read.
    pub(crate) surplus: Vec<Key>,
    /// Those among them that cannot be read.
    pub(crate) unreadable: u64,
    /// The highest number of a message or a subscription.
    pub(crate) highest_number: u64,
    /// The highest number of a session that is named anywhere.
    pub(crate) highest_session: u64,
}

/// Reads all records.
pub(crate) fn load(records: &Keyspace) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    loaded.each::<StoredSession>(records, Space::Session, |loaded, key, record, _| {
        loaded.highest_session = loaded.highest_session.max(key.1);
        let session = LoadedSession {
            record,
            subscriptions: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            taken: Vec::new(),
            sent: None,
        };
        loaded.sessions.insert(key.1, session);
        true
    })?;
    loaded.each::<StoredMessage>(records, Space::Message, |loaded, key, stored, payload| {
        loaded.highest_number = loaded.highest_number.max(key.2);
        let Some(message) = loaded.message(stored, payload) else {
            return false;
        };
        loaded.messages.insert(key.2, message);
        true
    })?;
    loaded.each::<StoredMessage>(records, Space::Retained, |loaded, key, stored, payload| {
        loaded.highest_number = loaded.highest_number.max(key.2);
        let Some(message) = loaded.message(stored, payload) else {
            return false;
        };
        loaded.retained.push((key.2, message));
        true
    })?;
    loaded.each::<StoredSubscription>(records, Space::Subscription, |loaded, key, record, _| {
        loaded.highest_number = loaded.highest_number.max(key.2);
        let session = loaded.sessions.get_mut(&key.1);
        session
            .map(|session| session.subscriptions.insert(key.2, record))
            .is_some()
    })?;
    loaded.each::<StoredDelivery>(records, Space::Delivery, |loaded, key, record, _| {
        let is_there = record
            .message
            .is_none_or(|number| loaded.messages.contains_key(&number));
        match loaded.sessions.get_mut(&key.1) {
            Some(session) if is_there => {
                session.deliveries.insert(key.2, record);
                true
            }
            _ => false,
        }
    })?;
    loaded.each::<()>(records, Space::Taken, |loaded, key, (), _| {
        let (session, id) = (loaded.sessions.get_mut(&key.1), u16::try_from(key.2));
        match (session, id) {
            (Some(session), Ok(id)) => {
                session.taken.push(id);
                true
            }
            _ => false,
        }
    })?;
    loaded.each::<u64>(records, Space::Sent, |loaded, key, place, _| {
        let session = loaded.sessions.get_mut(&key.1);
        session.map(|session| session.sent = Some(place)).is_some()
    })?;
    loaded.drop_unnamed();
    Ok(loaded)
}

impl Loaded {
    /// Goes through one space. `take` returns whether the record is needed.
    fn each<T: DeserializeOwned>(
        &mut self,
        records: &Keyspace,
        space: Space,
        mut take: impl FnMut(&mut Self, Key, T, &[u8]) -> bool,
    ) -> Result<(), Fault> {
        for record in records.prefix([space as u8]) {
            let (key, value) = record.into_inner()?;
            // The only key of another form is that of the format, and begins with none of the spaces' bytes that are
            // followed by a number.
            let Some((session, number)) = Key::decode(&key) else {
                continue;
            };
            let key = Key(space, session, number);
            // The storage checks what it reads, so this is no damage; what cannot be read is removed below.
            if let Some(version) = newer_version(&value) {
                return Err(Fault::Newer(version.into()));
            }
            let Some((record, rest)) = decode::<T>(&value) else {
                self.unreadable += 1;
                self.surplus.push(key);
                continue;
            };
            if !take(self, key, record, rest) {
                self.surplus.push(key);
            }
        }
        Ok(())
    }

    /// `None` where its time is over.
    fn message(&mut self, stored: StoredMessage, payload: &[u8]) -> Option<Arc<Message>> {
        self.highest_session = self.highest_session.max(stored.publisher);
        Message::restored(stored, Bytes::copy_from_slice(payload)).map(Arc::new)
    }

    /// Removes messages that no delivery names.
    fn drop_unnamed(&mut self) {
        let sessions = self.sessions.values();
        let named: std::collections::HashSet<u64> = sessions
            .flat_map(|session| {
                session
                    .deliveries
                    .values()
                    .filter_map(|delivery| delivery.message)
            })
            .collect();
        let surplus = &mut self.surplus;
        self.messages.retain(|number, _| {
            let is_named = named.contains(number);
            if !is_named {
                surplus.push(Key(Space::Message, 0, *number));
            }
            is_named
        });
    }
}
