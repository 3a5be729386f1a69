//! What devices are told: their settings, at each change, and the time, when they ask.
//!
//! In: the registry, devices that come, questions. Out: retained messages. Settings are told again at each connection to the
//! broker, whatever it keeps. A device that was forgotten leaves nothing at the broker.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use domain::DeviceId;
use monitoring::with_causes;
use mqtt::{Message, PublishError, TopicKind, Topics};
use registry::{Registry, Revision};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tracing::warn;

use crate::{Devices, Outlet, clock::now};

const OFFLINE_POLL: Duration = Duration::from_millis(50);
/// Looks at all devices keep this distance: many may come at once.
const PACE: Duration = Duration::from_millis(20);
/// The pause after a message that could not be sent.
const RETRY: Duration = Duration::from_secs(1);
/// A device is told the time at most this often.
const TIME_PAUSE: Duration = Duration::from_secs(1);
/// For how long a broker keeps a time.
const TIME_LIFE: Duration = Duration::from_secs(10);
/// Devices whose last question is remembered.
const MOST_ASKED: usize = 10_000;

/// Tells devices.
pub(crate) struct Messenger<O> {
    pub(crate) registry: Arc<Registry>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) topics: Topics,
    pub(crate) outlet: Arc<O>,
    /// Who is to be told the time.
    pub(crate) clockless: mpsc::Receiver<DeviceId>,
}

/// What was told at the present connection.
#[derive(Debug, Default)]
struct Told {
    settings: HashMap<DeviceId, Revision>,
    /// Whether what forgotten devices left was cleared.
    has_cleared: bool,
    time: HashMap<DeviceId, Instant>,
}

impl<O: Outlet> Messenger<O> {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let devices = Arc::clone(&self.devices);
        let mut changes = self.registry.changes();
        let mut told = Told::default();
        let mut is_due = true;
        loop {
            if !self.outlet.is_connected() {
                (told, is_due) = (Told::default(), true);
                sleep(OFFLINE_POLL).await;
                continue;
            }
            if is_due {
                changes.mark_unchanged();
                match self.tell_settings(&mut told).await {
                    Ok(()) => sleep(PACE).await,
                    Err(error) => {
                        let error = with_causes(&error);
                        warn!(
                            error,
                            "settings are not on their way to their devices; trying again"
                        );
                        sleep(RETRY).await;
                        continue;
                    }
                }
            }
            is_due = tokio::select! {
                made = changes.changed() => made.is_ok(),
                () = devices.arrivals.notified() => true,
                Some(device_id) = self.clockless.recv() => {
                    self.tell_time(&device_id, &mut told.time).await;
                    false
                }
                // Whether the broker is still there.
                () = sleep(OFFLINE_POLL) => false,
            };
        }
    }

    /// Tells every device the settings that it was not told yet.
    async fn tell_settings(&self, told: &mut Told) -> Result<(), PublishError> {
        let book = self.registry.book();
        if book.revision() == 0 {
            return Ok(());
        }
        let known: HashSet<DeviceId> = self.devices.versions().into_iter().map(|(id, _)| id).collect();
        for device_id in &known {
            let version = book.version(device_id);
            if version == 0 || told.settings.get(device_id) == Some(&version) {
                continue;
            }
            let location = book.device(device_id).map_or("", |entry| entry.location.as_str());
            let level = book.effective(device_id, location);
            let payload = mqtt::encode_config(level.revision, &level.settings);
            self.send_settings(device_id, payload).await?;
            told.settings.insert(device_id.clone(), level.revision);
        }
        let gone: Vec<DeviceId> = if told.has_cleared {
            let gone = told.settings.keys().filter(|id| !known.contains(*id));
            gone.cloned().collect()
        } else {
            let forgotten = book.forgotten().map(|(device_id, _)| device_id);
            forgotten.filter(|id| !known.contains(*id)).cloned().collect()
        };
        for device_id in gone {
            self.send_settings(&device_id, Vec::new()).await?;
            told.settings.remove(&device_id);
        }
        told.has_cleared = true;
        Ok(())
    }

    async fn send_settings(&self, device_id: &DeviceId, payload: Vec<u8>) -> Result<(), PublishError> {
        let topic = self.topics.topic_for(TopicKind::DeviceConfig, device_id);
        self.outlet.send(Message::new(topic, payload).retained()).await
    }

    async fn tell_time(&self, device_id: &DeviceId, told: &mut HashMap<DeviceId, Instant>) {
        let at = Instant::now();
        if told.get(device_id).is_some_and(|last| at - *last < TIME_PAUSE) {
            return;
        }
        if told.len() >= MOST_ASKED {
            told.retain(|_, last| at - *last < TIME_PAUSE);
        }
        told.insert(device_id.clone(), at);
        let topic = self.topics.topic_for(TopicKind::DeviceTime, device_id);
        let message = Message::new(topic, mqtt::encode_time(now())).expiring_in(TIME_LIFE);
        // Retained, a device that subscribes a moment later has it, too; where that would stay for ever, it must not.
        let message = if self.outlet.forgets_what_expired() {
            message.retained()
        } else {
            message
        };
        if let Err(error) = self.outlet.send(message).await {
            let error = with_causes(&error);
            warn!(error, %device_id, "a device was not told the time");
        }
    }
}
