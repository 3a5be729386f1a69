//! Topic aliases towards a client: numbers in place of the topics that come most, first come first served.

use std::{collections::HashMap, num::NonZeroU16};

use bytestring::ByteString;
use rmqtt_codec::types::Publish;

/// The aliases of one connection.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    max: u16,
    topics: HashMap<ByteString, NonZeroU16>,
}

impl Aliases {
    /// So many at most, of which the client has said that it can keep them.
    pub(crate) fn new(max: u16) -> Self {
        Self {
            max,
            topics: HashMap::new(),
        }
    }

    /// Puts an alias in the place of the topic, or beside it for the first time. Returns the topic of a new alias.
    pub(crate) fn apply(&mut self, publish: &mut Publish) -> Option<ByteString> {
        if self.max == 0 {
            return None;
        }
        let properties = publish.properties.get_or_insert_default();
        if let Some(alias) = self.topics.get(&publish.topic) {
            properties.topic_alias = Some(*alias);
            publish.topic = ByteString::new();
            return None;
        }
        let next = u16::try_from(self.topics.len() + 1)
            .ok()
            .filter(|next| *next <= self.max)?;
        let alias = NonZeroU16::new(next)?;
        properties.topic_alias = Some(alias);
        self.topics.insert(publish.topic.clone(), alias);
        Some(publish.topic.clone())
    }

    /// Takes back an alias that the client was not told.
    pub(crate) fn forget(&mut self, topic: &ByteString) {
        self.topics.remove(topic);
    }
}
