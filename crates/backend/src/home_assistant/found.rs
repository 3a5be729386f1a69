//! What the broker retains of earlier announcements: kept, moved to the other form, or taken away.
//!
//! In: topics that were found, and what their rooms are now. Out: messages. What people have set in Home Assistant stays where it
//! knows how to move an entity.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use mqtt::{
    Message, PublishError,
    homeassistant::{Discovery, Entity, Form, Found},
};
use tokio::time::Instant;
use tracing::warn;

use super::{announcer::Announcer, nothing, taking_away};

/// An announcement that the broker retains.
#[derive(Debug)]
pub(super) struct At {
    pub(super) found: Found,
    pub(super) is_below_present_prefix: bool,
    /// The entities in it that are known here. Nothing else of the message is remembered: anybody may have written it.
    pub(super) entities: Vec<Entity>,
}

impl At {
    /// What is remembered of the message `payload`.
    pub(super) fn of(found: Found, payload: &[u8], is_below_present_prefix: bool) -> Self {
        let entities = match found.entity {
            Some(entity) => vec![entity],
            None => Discovery::entities_of(payload),
        };
        Self {
            found,
            is_below_present_prefix,
            entities,
        }
    }

    /// Of a whole device: what names its entities before they go.
    pub(super) fn removal(&self) -> Option<Vec<u8>> {
        let is_whole = self.found.form == Form::Device;
        is_whole
            .then(|| Discovery::removal(&self.found.device_id, &self.entities))
            .flatten()
    }
}

impl Announcer {
    /// What the broker retains is a room's that is there, or is taken away. Of a device that is not known it is certain only
    /// when the table of devices was read.
    pub(super) async fn judge_found(&mut self) -> Result<(), PublishError> {
        let topics: Vec<String> = self.state.found.keys().cloned().collect();
        for topic in topics {
            let Some(at) = self.state.found.get(&topic) else {
                continue;
            };
            let device_id = at.found.device_id.clone();
            let view = self.devices.get(&device_id);
            let is_kept = match &view {
                Some(view) => at.is_below_present_prefix && !view.retired,
                None if at.is_below_present_prefix => {
                    let has_read = self.vitals.has_read_devices.load(Ordering::Relaxed);
                    let book = self.registry.book();
                    let is_forgotten = book.forgotten().any(|(forgotten, _)| *forgotten == device_id);
                    if !has_read && !is_forgotten {
                        // Perhaps it is only not known yet.
                        continue;
                    }
                    false
                }
                None => false,
            };
            if is_kept {
                let entities = self.state.entities.entry(device_id.clone()).or_default();
                entities.extend(&at.entities);
                self.state.due.insert(device_id);
                if at.found.form != self.discovery.form() {
                    self.begin_move(&topic).await?;
                }
            } else {
                for message in taking_away(&topic, at.removal()) {
                    self.publisher.send(message).await?;
                }
                if view.is_none() {
                    self.part(device_id);
                }
            }
            self.state.found.remove(&topic);
        }
        Ok(())
    }

    /// Tells Home Assistant that what was announced on `topic` comes in the other form, so that what people have set stays. Before
    /// 2025.2 it cannot move the entities of a device: those it takes away, and they are announced again.
    async fn begin_move(&mut self, topic: &str) -> Result<(), PublishError> {
        let moving = Message::new(topic, Discovery::MIGRATION);
        self.publisher.send(moving).await?;
        match self.discovery.form() {
            Form::Device => self.state.left.push(topic.to_owned()),
            Form::Component => {
                let removal = self.state.found.get(topic).and_then(At::removal);
                for message in taking_away(topic, removal) {
                    self.publisher.send(message).await?;
                }
            }
        }
        // The messages of one look may wait for the connection: the time counts from the last one on.
        self.state.moving = Some(Instant::now());
        Ok(())
    }

    /// Empties the topics of what has moved to the other form.
    pub(super) async fn empty_left(&mut self) -> Result<(), PublishError> {
        while let Some(topic) = self.state.left.last() {
            self.publisher.send(nothing(topic)).await?;
            self.state.left.pop();
        }
        Ok(())
    }

    /// Notes that below other prefixes nothing is left.
    pub(super) fn leave_other_prefixes(&mut self) {
        if self.notes.prefixes().len() > 1 && self.state.found.is_empty() {
            let present = BTreeSet::from([self.discovery.prefix().to_owned()]);
            if let Err(error) = self.notes.write(present) {
                warn!(%error, "that nothing is left below an earlier prefix cannot be noted");
            }
        }
    }
}
