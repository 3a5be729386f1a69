//! Who subscribed to what: a tree of filter levels.
//!
//! In: filters with their subscribers. Out: the subscribers of a topic, each once, with the highest `QoS` of its
//! subscriptions and all their identifiers; of a shared subscription one member, in turn.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    str::Split,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::RwLock;
use rmqtt_codec::types::QoS;

use crate::{session::Session, topic::Filter};

/// One subscription of one session.
#[derive(Debug, Clone)]
pub(crate) struct Subscriber {
    pub(crate) session: Arc<Session>,
    pub(crate) qos: QoS,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) id: Option<NonZeroU32>,
}

/// A session that receives a message.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) session: Arc<Session>,
    pub(crate) qos: QoS,
    pub(crate) retain_as_published: bool,
    pub(crate) ids: Vec<NonZeroU32>,
}

/// All subscriptions of a broker.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    tree: RwLock<Tree>,
}

#[derive(Debug, Default)]
struct Tree {
    root: Node,
    count: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<str>, Node>,
    /// By the number of the session.
    subscribers: HashMap<u64, Subscriber>,
    groups: HashMap<Box<str>, Group>,
}

/// The members of one shared subscription.
#[derive(Debug, Default)]
struct Group {
    members: Vec<Subscriber>,
    turn: AtomicUsize,
}

impl Subscriptions {
    /// Adds or replaces a subscription. Returns whether it is new.
    pub(crate) fn insert(&self, filter: Filter<'_>, subscriber: Subscriber) -> bool {
        let mut tree = self.tree.write();
        let mut node = &mut tree.root;
        for level in filter.pattern.split('/') {
            if !node.children.contains_key(level) {
                node.children.insert(level.into(), Node::default());
            }
            node = node.children.get_mut(level).expect("it was just inserted");
        }
        let number = subscriber.session.number;
        let is_new = match filter.group {
            None => node.subscribers.insert(number, subscriber).is_none(),
            Some(name) => node.groups.entry(name.into()).or_default().insert(subscriber),
        };
        tree.count += usize::from(is_new);
        is_new
    }

    /// Removes a subscription. Returns whether it existed.
    pub(crate) fn remove(&self, filter: Filter<'_>, session: u64) -> bool {
        let mut tree = self.tree.write();
        let existed = tree.root.remove(filter.pattern.split('/'), filter.group, session);
        tree.count -= usize::from(existed);
        existed
    }

    /// The number of subscriptions.
    pub(crate) fn count(&self) -> usize {
        self.tree.read().count
    }

    /// The sessions that receive a message on `topic` from the session `publisher`.
    pub(crate) fn targets(&self, topic: &str, publisher: u64) -> Vec<Target> {
        let mut search = Search {
            publisher,
            targets: Vec::new(),
        };
        let tree = self.tree.read();
        if tree.count == 0 {
            return Vec::new();
        }
        tree.root
            .collect(topic.split('/'), !topic.starts_with('$'), &mut search);
        drop(tree);
        search.merged()
    }
}

struct Search {
    publisher: u64,
    targets: Vec<Target>,
}

impl Search {
    fn add(&mut self, subscriber: &Subscriber) {
        if subscriber.no_local && subscriber.session.number == self.publisher {
            return;
        }
        self.targets.push(Target {
            session: Arc::clone(&subscriber.session),
            qos: subscriber.qos,
            retain_as_published: subscriber.retain_as_published,
            ids: subscriber.id.into_iter().collect(),
        });
    }

    /// One target a session.
    fn merged(mut self) -> Vec<Target> {
        if self.targets.len() > 1 {
            self.targets.sort_by_key(|target| target.session.number);
            self.targets.dedup_by(|later, kept| {
                let same = later.session.number == kept.session.number;
                if same {
                    kept.qos = kept.qos.max(later.qos);
                    kept.retain_as_published |= later.retain_as_published;
                    kept.ids.append(&mut later.ids);
                }
                same
            });
        }
        self.targets
    }
}

impl Node {
    fn collect(&self, mut levels: Split<'_, char>, wildcards: bool, search: &mut Search) {
        if wildcards && let Some(rest) = self.children.get("#") {
            rest.add_to(search);
        }
        let Some(level) = levels.next() else {
            self.add_to(search);
            return;
        };
        if let Some(child) = self.children.get(level) {
            child.collect(levels.clone(), true, search);
        }
        if wildcards && let Some(child) = self.children.get("+") {
            child.collect(levels, true, search);
        }
    }

    fn add_to(&self, search: &mut Search) {
        for subscriber in self.subscribers.values() {
            search.add(subscriber);
        }
        for group in self.groups.values() {
            if let Some(member) = group.next() {
                search.add(member);
            }
        }
    }

    fn remove(&mut self, mut levels: Split<'_, char>, group: Option<&str>, session: u64) -> bool {
        let Some(level) = levels.next() else {
            return match group {
                None => self.subscribers.remove(&session).is_some(),
                Some(name) => self.leave(name, session),
            };
        };
        let Some(child) = self.children.get_mut(level) else {
            return false;
        };
        let existed = child.remove(levels, group, session);
        if child.is_empty() {
            self.children.remove(level);
        }
        existed
    }

    fn leave(&mut self, name: &str, session: u64) -> bool {
        let Some(group) = self.groups.get_mut(name) else {
            return false;
        };
        let before = group.members.len();
        group.members.retain(|member| member.session.number != session);
        let existed = group.members.len() < before;
        if group.members.is_empty() {
            self.groups.remove(name);
        }
        existed
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.subscribers.is_empty() && self.groups.is_empty()
    }
}

impl Group {
    fn insert(&mut self, subscriber: Subscriber) -> bool {
        let number = subscriber.session.number;
        let earlier = self
            .members
            .iter_mut()
            .find(|member| member.session.number == number);
        if let Some(member) = earlier {
            *member = subscriber;
            return false;
        }
        self.members.push(subscriber);
        true
    }

    /// The next member in turn, one that is connected if there is any.
    fn next(&self) -> Option<&Subscriber> {
        let first = self.turn.fetch_add(1, Relaxed);
        let in_turn = (0..self.members.len())
            .map(|place| &self.members[first.wrapping_add(place) % self.members.len()]);
        in_turn
            .clone()
            .find(|member| member.session.is_connected())
            .or_else(|| in_turn.into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Owner, SessionLimits};

    fn session(number: u64) -> Arc<Session> {
        let limits = SessionLimits {
            queued_messages: 10,
            queued_bytes: 1_000,
        };
        let owner = Owner {
            account: None,
            client_id: "c".into(),
        };
        Arc::new(Session::new(number, owner, limits))
    }

    fn subscriber(session: &Arc<Session>, qos: QoS, id: u32) -> Subscriber {
        Subscriber {
            session: Arc::clone(session),
            qos,
            no_local: false,
            retain_as_published: false,
            id: NonZeroU32::new(id),
        }
    }

    fn numbers(subscriptions: &Subscriptions, topic: &str) -> Vec<u64> {
        let targets = subscriptions.targets(topic, 0);
        targets.iter().map(|target| target.session.number).collect()
    }

    #[test]
    fn wildcards_match_as_the_standard_says() {
        let filters = [
            "#",
            "sport/#",
            "sport/+",
            "+",
            "/+",
            "+/+",
            "$SYS/#",
            "sport/tennis",
        ];
        let subscriptions = Subscriptions::default();
        for (number, filter) in filters.iter().enumerate() {
            let subscriber = subscriber(&session(number as u64), QoS::AtMostOnce, 0);
            assert!(subscriptions.insert(Filter::parse(filter).unwrap(), subscriber));
        }
        let matching = |topic: &str| -> Vec<&str> {
            let numbers = numbers(&subscriptions, topic);
            numbers.iter().map(|number| filters[*number as usize]).collect()
        };
        assert_eq!(matching("sport"), ["#", "sport/#", "+"]);
        assert_eq!(matching("sport/"), ["#", "sport/#", "sport/+", "+/+"]);
        assert_eq!(
            matching("sport/tennis"),
            ["#", "sport/#", "sport/+", "+/+", "sport/tennis"]
        );
        assert_eq!(matching("/finance"), ["#", "/+", "+/+"]);
        assert_eq!(matching("$SYS/a/b"), ["$SYS/#"]);
        for (number, filter) in filters.iter().enumerate() {
            assert!(subscriptions.remove(Filter::parse(filter).unwrap(), number as u64));
            assert!(!subscriptions.remove(Filter::parse(filter).unwrap(), number as u64));
        }
        assert!(subscriptions.tree.read().root.is_empty());
        assert_eq!(subscriptions.count(), 0);
    }

    #[test]
    fn overlapping_subscriptions_are_one_delivery() {
        let subscriptions = Subscriptions::default();
        let session = session(1);
        for (filter, qos, id) in [("a/#", QoS::AtMostOnce, 1), ("a/+", QoS::ExactlyOnce, 2)] {
            subscriptions.insert(Filter::parse(filter).unwrap(), subscriber(&session, qos, id));
        }
        let targets = subscriptions.targets("a/b", 0);
        assert_eq!(targets.len(), 1);
        assert_eq!(targets[0].qos, QoS::ExactlyOnce);
        let mut ids: Vec<u32> = targets[0].ids.iter().map(|id| id.get()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2]);
    }

    #[test]
    fn members_of_a_group_take_turns() {
        let subscriptions = Subscriptions::default();
        let filter = Filter::parse("$share/g/a").unwrap();
        for number in 0..3 {
            subscriptions.insert(filter, subscriber(&session(number), QoS::AtMostOnce, 0));
        }
        let turns: Vec<u64> = (0..6).flat_map(|_| numbers(&subscriptions, "a")).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
    }
}
