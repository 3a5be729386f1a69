//! Retained messages: the last one of each topic, for those who subscribe later.
//!
//! In: messages with the retain flag. Out: those that fit a filter. Their number and their bytes are bounded.

use std::{collections::HashMap, str::Split, sync::Arc};

use parking_lot::RwLock;

use crate::{
    keep::{Key, Op, Page, Space},
    message::Message,
};

/// The bounds of all retained messages together, and of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetainedLimits {
    pub(crate) messages: usize,
    pub(crate) total_bytes: usize,
    pub(crate) payload_bytes: usize,
}

/// All retained messages of a broker.
#[derive(Debug)]
pub(crate) struct Retained {
    limits: RetainedLimits,
    tree: RwLock<Tree>,
}

#[derive(Debug, Default)]
struct Tree {
    root: Node,
    messages: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<str>, Node>,
    message: Option<Entry>,
}

/// A retained message and the number of its record.
#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    record: Option<u64>,
}

/// Why a message is not retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRetained {
    /// Its payload is too large.
    TooLarge,
    /// There is no room for one more.
    Full,
}

impl Retained {
    pub(crate) fn new(limits: RetainedLimits) -> Self {
        Self {
            limits,
            tree: RwLock::default(),
        }
    }

    /// Retains a message in place of an earlier one; an empty one only removes it. Where the new one cannot be kept, the
    /// earlier one goes all the same: it is not the last any more.
    pub(crate) fn set(
        &self,
        message: &Arc<Message>,
        mut page: Option<&mut Page<'_>>,
    ) -> Result<(), NotRetained> {
        let mut tree = self.tree.write();
        let earlier = tree.remove(&message.topic);
        let mut record = earlier.as_ref().and_then(|entry| entry.record);
        if let (Some(earlier), Some(page), Some(_)) = (&earlier, page.as_deref(), record) {
            page.leave(earlier.message.weight());
        }
        let outcome = self.insert(&mut tree, message, &mut record, page.as_deref_mut());
        if !matches!(outcome, Ok(true))
            && let (Some(record), Some(page)) = (record, page)
        {
            page.put(Op::Remove(Key(Space::Retained, 0, record)));
        }
        outcome.map(|_| ())
    }

    /// Returns whether there is a message now; `record` is the one that it takes over.
    fn insert(
        &self,
        tree: &mut Tree,
        message: &Arc<Message>,
        record: &mut Option<u64>,
        page: Option<&mut Page<'_>>,
    ) -> Result<bool, NotRetained> {
        if message.payload.is_empty() {
            return Ok(false);
        }
        if message.payload.len() > self.limits.payload_bytes {
            return Err(NotRetained::TooLarge);
        }
        // The broker's own are few, and always kept.
        let is_own = message.publisher == 0;
        if !is_own
            && (tree.messages >= self.limits.messages
                || tree.bytes + message.weight() > self.limits.total_bytes)
        {
            return Err(NotRetained::Full);
        }
        if let Some(page) = page {
            if !page.enter(message.weight()) {
                return Err(NotRetained::Full);
            }
            let number = *record.get_or_insert_with(|| page.number());
            page.put(Op::Retained(number, Arc::clone(message)));
        } else {
            *record = None;
        }
        tree.insert(message, *record);
        Ok(true)
    }

    /// Puts back a message of an earlier run; `false` where limits have become smaller.
    pub(crate) fn restore(&self, message: &Arc<Message>, record: u64) -> bool {
        let mut tree = self.tree.write();
        let fits = message.payload.len() <= self.limits.payload_bytes
            && tree.messages < self.limits.messages
            && tree.bytes + message.weight() <= self.limits.total_bytes;
        if fits {
            tree.remove(&message.topic);
            tree.insert(message, Some(record));
        }
        fits
    }

    /// The messages that fit a filter, as far as `steps` allows.
    pub(crate) fn matching(&self, pattern: &str, steps: &mut usize) -> Vec<Arc<Message>> {
        let mut search = Search {
            found: Vec::new(),
            steps,
        };
        self.tree
            .read()
            .root
            .collect(pattern.split('/'), true, &mut search);
        search.found
    }

    /// Removes what has expired.
    pub(crate) fn sweep(&self, mut page: Option<&mut Page<'_>>) {
        let expired: Vec<_> = {
            let mut all = Vec::new();
            self.tree.read().root.collect_all(&mut all);
            all.retain(|message| message.is_expired());
            all
        };
        let mut tree = self.tree.write();
        for message in expired {
            if !tree.get(&message.topic).is_some_and(Message::is_expired) {
                continue;
            }
            if let Some(entry) = tree.remove(&message.topic)
                && let (Some(record), Some(page)) = (entry.record, page.as_deref_mut())
            {
                page.leave(entry.message.weight());
                page.put(Op::Remove(Key(Space::Retained, 0, record)));
            }
        }
    }

    /// The number of retained messages and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let tree = self.tree.read();
        (tree.messages, tree.bytes)
    }
}

/// A walk through the tree.
struct Search<'a> {
    found: Vec<Arc<Message>>,
    /// How many more nodes it may visit: many filters in one packet must not keep others waiting.
    steps: &'a mut usize,
}

impl Tree {
    fn insert(&mut self, message: &Arc<Message>, record: Option<u64>) {
        let mut node = &mut self.root;
        for level in message.topic.split('/') {
            if !node.children.contains_key(level) {
                node.children.insert(level.into(), Node::default());
            }
            node = node.children.get_mut(level).expect("it was just inserted");
        }
        node.message = Some(Entry {
            message: Arc::clone(message),
            record,
        });
        self.messages += 1;
        self.bytes += message.weight();
    }

    fn get(&self, topic: &str) -> Option<&Message> {
        let mut node = &self.root;
        for level in topic.split('/') {
            node = node.children.get(level)?;
        }
        node.message.as_ref().map(|entry| &*entry.message)
    }

    fn remove(&mut self, topic: &str) -> Option<Entry> {
        let entry = self.root.remove(topic.split('/'))?;
        self.messages -= 1;
        self.bytes -= entry.message.weight();
        Some(entry)
    }
}

impl Node {
    fn remove(&mut self, mut levels: Split<'_, char>) -> Option<Entry> {
        let Some(level) = levels.next() else {
            return self.message.take();
        };
        let child = self.children.get_mut(level)?;
        let message = child.remove(levels);
        if child.message.is_none() && child.children.is_empty() {
            self.children.remove(level);
        }
        message
    }

    fn collect(&self, mut levels: Split<'_, char>, is_root: bool, search: &mut Search<'_>) {
        if *search.steps == 0 {
            return;
        }
        *search.steps -= 1;
        match levels.next() {
            None => self.find(search),
            Some("#") => {
                self.find(search);
                for child in self.children_for_wildcard(is_root) {
                    child.collect("#".split('/'), false, search);
                }
            }
            Some("+") => {
                for child in self.children_for_wildcard(is_root) {
                    child.collect(levels.clone(), false, search);
                }
            }
            Some(level) => {
                if let Some(child) = self.children.get(level) {
                    child.collect(levels, false, search);
                }
            }
        }
    }

    fn find(&self, search: &mut Search<'_>) {
        let current = self.message.iter().map(|entry| &entry.message);
        search
            .found
            .extend(current.filter(|message| !message.is_expired()).cloned());
    }

    /// Wildcards at the beginning of a filter do not match the broker's own topics.
    fn children_for_wildcard(&self, is_root: bool) -> impl Iterator<Item = &Self> {
        self.children
            .iter()
            .filter(move |(level, _)| !(is_root && level.starts_with('$')))
            .map(|(_, child)| child)
    }

    fn collect_all(&self, found: &mut Vec<Arc<Message>>) {
        found.extend(self.message.iter().map(|entry| Arc::clone(&entry.message)));
        for child in self.children.values() {
            child.collect_all(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RetainedLimits = RetainedLimits {
        messages: 3,
        total_bytes: 2_000,
        payload_bytes: 1_000,
    };

    fn message(topic: &str, payload: &str, expiry: Option<u32>) -> Arc<Message> {
        use rmqtt_codec::{types::*, v5::PublishProperties};
        let properties = PublishProperties {
            message_expiry_interval: expiry.and_then(std::num::NonZeroU32::new),
            ..PublishProperties::default()
        };
        let publish = Publish {
            dup: false,
            retain: true,
            qos: QoS::AtMostOnce,
            topic: topic.into(),
            packet_id: None,
            payload: payload.to_owned().into(),
            properties: Some(properties),
        };
        Arc::new(Message::of(publish, 1))
    }

    fn topics(retained: &Retained, filter: &str) -> Vec<String> {
        let found = retained.matching(filter, &mut 1_000);
        let mut topics: Vec<String> = found.iter().map(|message| message.topic.to_string()).collect();
        topics.sort();
        topics
    }

    #[test]
    fn filters_find_what_they_match() {
        let retained = Retained::new(RetainedLimits {
            messages: 10,
            ..LIMITS
        });
        for topic in ["a", "a/b", "a/b/c", "/x"] {
            retained.set(&message(topic, "1", None), None).unwrap();
        }
        retained
            .set(&Arc::new(Message::own("$SYS/v", "1".into())), None)
            .unwrap();
        assert_eq!(topics(&retained, "#"), ["/x", "a", "a/b", "a/b/c"]);
        assert_eq!(topics(&retained, "a/#"), ["a", "a/b", "a/b/c"]);
        assert_eq!(topics(&retained, "a/+"), ["a/b"]);
        assert_eq!(topics(&retained, "+/+"), ["/x", "a/b"]);
        assert_eq!(topics(&retained, "+"), ["a"]);
        assert_eq!(topics(&retained, "$SYS/#"), ["$SYS/v"]);
        assert!(
            retained.matching("#", &mut 3).len() <= 2,
            "one of three nodes is the root"
        );
        for topic in ["a", "a/b", "a/b/c", "/x", "nothing/there"] {
            retained.set(&message(topic, "", None), None).unwrap();
        }
        assert_eq!(retained.size().0, 1);
        assert_eq!(
            retained.tree.read().root.children.len(),
            1,
            "empty branches are left"
        );
    }

    #[test]
    fn number_and_bytes_are_bounded() {
        let retained = Retained::new(LIMITS);
        for topic in ["a", "b", "c"] {
            retained.set(&message(topic, "x", None), None).unwrap();
        }
        assert_eq!(
            retained.set(&message("d", "x", None), None),
            Err(NotRetained::Full)
        );
        assert_eq!(
            retained.set(&message("c", "y", None), None),
            Ok(()),
            "in place of another"
        );
        let large = "x".repeat(1_001);
        assert_eq!(
            retained.set(&message("c", &large, None), None),
            Err(NotRetained::TooLarge)
        );
        assert_eq!(
            topics(&retained, "#"),
            ["a", "b"],
            "what is not the last any more is gone"
        );
        assert_eq!(retained.set(&message("c", &large[..1_000], None), None), Ok(()));
        assert_eq!(
            retained.set(&message("b", &large[..900], None), None),
            Err(NotRetained::Full)
        );
    }

    #[test]
    fn what_has_expired_is_neither_found_nor_kept() {
        let retained = Retained::new(LIMITS);
        retained.set(&message("a", "x", Some(1)), None).unwrap();
        assert_eq!(topics(&retained, "#"), ["a"]);
        std::thread::sleep(std::time::Duration::from_millis(1_010));
        assert_eq!(topics(&retained, "#"), [""; 0]);
        retained.sweep(None);
        assert_eq!(retained.size(), (0, 0));
    }
}
