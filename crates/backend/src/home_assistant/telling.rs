//! What the broker is told: a room that is new or has changed, one that is gone.
//!
//! In: a device as it is shown. Out: messages, in the order that Home Assistant needs: first what a room has, then what that
//! shows; and the other way round, a state is cleared after the entities that show it are gone.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use domain::DeviceId;
use monitoring::with_causes;
use mqtt::{
    Message, PublishError, TopicKind,
    homeassistant::{Discovery, Room, encode_room_state},
};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::{
    announcer::{Announcer, PARTING, Told},
    nothing, room, taking_away,
};
use crate::DeviceView;

/// How long the broker may take to refuse.
const REFUSAL: Duration = Duration::from_secs(5);

impl Announcer {
    /// Says what is new of a room: first what it has, then what that shows.
    pub(super) async fn tell(&mut self, view: &DeviceView) -> Result<(), PublishError> {
        let device_id = &view.device_id;
        let control = self.windows.view(device_id);
        let before = self.state.entities.entry(device_id.clone()).or_default();
        let room = room::room(view, control.as_ref(), before);
        if room.entities.is_empty() {
            // Somebody has set it up, and it has not said anything yet.
            return Ok(());
        }
        before.clone_from(&room.entities);
        let state = encode_room_state(&room::state(view, control.as_ref()));
        let told = self.state.told.get(device_id);
        if told.is_none_or(|told| told.room != room) {
            for (topic, payload) in self.discovery.messages(&room) {
                self.announce(Message::new(topic, payload).retained()).await?;
            }
        }
        if told.is_none_or(|told| told.state != state) {
            let topic = self.state_topic(device_id);
            self.publisher
                .send(Message::new(topic, state.clone()).retained())
                .await?;
        }
        self.state.told.insert(device_id.clone(), Told { room, state });
        Ok(())
    }

    /// Sends an announcement. At each connection the first one shows whether the broker takes it.
    async fn announce(&self, message: Message) -> Result<(), PublishError> {
        if self.state.was_taken.load(Ordering::Relaxed) {
            return self.publisher.send(message).await;
        }
        match timeout(REFUSAL, self.publisher.send_confirmed(message)).await {
            Ok(Err(error @ PublishError::Refused(_))) => {
                warn!(
                    error = with_causes(&error),
                    "the broker takes no announcements for Home Assistant: check the rights of the backend's account"
                );
                Ok(())
            }
            Ok(Ok(())) => {
                self.state.was_taken.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Takes a room away: it was forgotten, or is out of use.
    pub(super) async fn withdraw(&mut self, device_id: &DeviceId) -> Result<(), PublishError> {
        let told = self.state.told.remove(device_id);
        let entities = self.state.entities.remove(device_id);
        if told.is_none() && entities.as_ref().is_none_or(BTreeSet::is_empty) {
            return Ok(());
        }
        let room = Room {
            device_id: device_id.clone(),
            name: String::new(),
            location: String::new(),
            firmware: None,
            entities: entities.unwrap_or_default(),
        };
        for (topic, payload) in self.discovery.messages(&room) {
            for message in taking_away(&topic, Discovery::removal_of(&payload)) {
                self.publisher.send(message).await?;
            }
        }
        self.part(device_id.clone());
        Ok(())
    }

    /// Notes that a room's state is to be cleared soon.
    pub(super) fn part(&mut self, device_id: DeviceId) {
        self.state
            .parting
            .push_back((Instant::now() + PARTING, device_id));
    }

    /// Clears the states of rooms that were taken away before `now`, unless they are back.
    pub(super) async fn clear_states(&mut self, now: Instant) -> Result<(), PublishError> {
        while let Some((from, device_id)) = self.state.parting.front() {
            if *from > now {
                break;
            }
            if !self.state.told.contains_key(device_id) {
                self.publisher.send(nothing(self.state_topic(device_id))).await?;
            }
            self.state.parting.pop_front();
        }
        Ok(())
    }

    fn state_topic(&self, device_id: &DeviceId) -> String {
        self.discovery.topics().topic_for(TopicKind::RoomState, device_id)
    }
}
