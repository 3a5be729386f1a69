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
    /// Of a whole device: the entities in it.
    pub(super) entities: Vec<Entity>,
    /// Of a whole device: what names them before they go.
    pub(super) removal: Option<Vec<u8>>,
}

impl Announcer {
    /// What the broker retains is a room's that is there, or is taken away. Of a device that is not known it is certain only
    /// when the table of devices was read.
    pub(super) async fn judge_found(&mut self, now: Instant) -> Result<(), PublishError> {
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
                    self.begin_move(&topic, now).await?;
                }
            } else {
                for message in taking_away(&topic, at.removal.clone()) {
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
    async fn begin_move(&mut self, topic: &str, now: Instant) -> Result<(), PublishError> {
        let moving = Message::new(topic, Discovery::MIGRATION);
        self.publisher.send(moving).await?;
        match self.discovery.form() {
            Form::Device => self.state.left.push(topic.to_owned()),
            Form::Component => {
                let removal = self.state.found.get(topic).and_then(|at| at.removal.clone());
                for message in taking_away(topic, removal) {
                    self.publisher.send(message).await?;
                }
            }
        }
        self.state.moving = Some(now);
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
