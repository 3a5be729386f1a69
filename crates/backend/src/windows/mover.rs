//! Says on MQTT what windows are to do, and who holds them.
//!
//! In: what waits. Out: commands, and who holds a window, retained. A command that nobody could be told in time is not told
//! later. Overrides are told again at each connection, whatever the broker keeps.

use std::{sync::Arc, time::Duration};

use domain::{DeviceId, WindowAction};
use monitoring::with_causes;
use mqtt::{Message, TopicKind, Topics};
use tracing::warn;

use super::{Windows, outgoing::Outgoing};
use crate::{Ingest, Message as Received, Outlet, Passage, clock::now};

const OFFLINE_POLL: Duration = Duration::from_millis(50);
/// The pause after a message that could not be sent.
const RETRY: Duration = Duration::from_secs(1);

/// Publishes.
pub(crate) struct Mover<O> {
    pub(crate) windows: Arc<Windows>,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) topics: Topics,
    pub(crate) outlet: Arc<O>,
}

impl<O: Outlet> Mover<O> {
    /// Runs until it is dropped.
    pub(crate) async fn run(self) {
        let mut is_connected = false;
        loop {
            if !self.outlet.is_connected() {
                is_connected = false;
                tokio::time::sleep(OFFLINE_POLL).await;
                continue;
            }
            if !is_connected {
                is_connected = true;
                self.windows.tell_overrides();
            }
            // Whether the broker is still there is looked at in between.
            let next = tokio::time::timeout(RETRY, self.windows.outbox.next()).await;
            match next {
                Ok(Outgoing::Command(action)) => self.command(*action).await,
                Ok(Outgoing::Override(device_id)) => self.hold(&device_id).await,
                Err(_) => {}
            }
        }
    }

    async fn command(&self, action: WindowAction) {
        if action.expires_at.is_some_and(|expiry| expiry < now()) {
            return self.windows.unsent(&action);
        }
        let topic = self.topics.topic_for(TopicKind::WindowControl, &action.device_id);
        let payload = mqtt::encode_control(&action);
        let message = Message::new(topic.clone(), payload.clone()).expiring_in(super::COMMAND_TTL);
        if let Err(error) = self.outlet.send(message).await {
            let error = with_causes(&error);
            warn!(error, device_id = %action.device_id, "a window is not told where to go; trying again");
            self.windows.unsent(&action);
            tokio::time::sleep(RETRY).await;
            return;
        }
        if !self.outlet.brings_back() {
            // The log is told as it is of every command.
            let message = Received {
                topic,
                payload: payload.into(),
                received_at: now(),
                passage: Passage::default(),
            };
            let ingest = Arc::clone(&self.ingest);
            // The next window does not wait for the disk.
            tokio::spawn(async move { ingest.accept(message).await });
        }
    }

    async fn hold(&self, device_id: &DeviceId) {
        let topic = self.topics.topic_for(TopicKind::WindowOverride, device_id);
        let notice = self.windows.notice(device_id);
        let payload = notice.map_or_else(Vec::new, |notice| mqtt::encode_override(&notice));
        if let Err(error) = self.outlet.send(Message::new(topic, payload).retained()).await {
            let error = with_causes(&error);
            warn!(error, %device_id, "nobody is told who holds a window; trying again");
            self.windows.outbox.hold(device_id);
            tokio::time::sleep(RETRY).await;
        }
    }
}
