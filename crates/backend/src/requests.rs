//! Inference requests: published as they fall due, withheld where their inputs are too old.
//!
//! In: requests from the trigger. Out: messages on the request's topic, or an event that says why there is none. Without a
//! broker a request stays with the trigger, where a newer state replaces an older one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{DeviceId, InferenceRequest};
use monitoring::with_causes;
use mqtt::{PublishError, Publisher, TopicKind, Topics};
use tracing::{debug, warn};

use crate::{
    Devices, Feed, Happening, InferenceTrigger, Metrics, Windows, clock::now, devices::Withheld,
    log::Repeats, rows, trigger::NextDue,
};

const OFFLINE_POLL: Duration = Duration::from_millis(50);

/// Where requests are published.
#[async_trait]
pub trait Outlet: Send + Sync + 'static {
    /// Whether a message would leave now.
    fn is_connected(&self) -> bool;

    /// Publishes, waiting for room.
    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError>;

    /// Whether what is published comes back through a door. Otherwise it is shown to ingest beside.
    fn brings_back(&self) -> bool {
        true
    }

    /// Whether the broker certainly forgets a retained message that has expired.
    fn forgets_what_expired(&self) -> bool {
        false
    }
}

#[async_trait]
impl Outlet for Publisher {
    fn is_connected(&self) -> bool {
        Self::is_connected(self)
    }

    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError> {
        Self::send(self, message).await
    }
}

/// Publishes requests.
pub(crate) struct Requests<O> {
    pub(crate) trigger: Arc<InferenceTrigger>,
    pub(crate) topics: Topics,
    pub(crate) outlet: Arc<O>,
    pub(crate) devices: Arc<Devices>,
    pub(crate) windows: Arc<Windows>,
    /// Whether the ML service heeds what requests say of windows.
    pub(crate) understands_context: bool,
    /// Of which devices requests are withheld because a person or an interlock decides, and why, as it was told.
    pub(crate) told: HashMap<DeviceId, String>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) metrics: Arc<Metrics>,
}

impl<O: Outlet> Requests<O> {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let request_ttl = self.trigger.options().request_ttl;
        loop {
            while !self.outlet.is_connected() {
                tokio::time::sleep(OFFLINE_POLL).await;
            }
            let request = match self.trigger.next_due(now).await {
                NextDue::Request {
                    request,
                    was_withheld,
                } => {
                    if was_withheld {
                        self.devices.withhold(&request.device_id, None);
                    }
                    request
                }
                NextDue::Withheld { device_id, reason } => {
                    self.withhold(device_id, reason);
                    continue;
                }
            };
            let Some(request) = self.with_window(request) else {
                continue;
            };
            let topic = self
                .topics
                .topic_for(TopicKind::InferenceRequest, &request.device_id);
            // A request that waits for a connection beyond its time is worth nothing: the device's next one will be newer.
            let message = mqtt::Message::new(topic, mqtt::encode_request(&request)).expiring_in(request_ttl);
            match self.outlet.send(message).await {
                Ok(()) => self.metrics.requested(),
                Err(error) => {
                    self.metrics.request_dropped();
                    let error = with_causes(&error);
                    warn!(error, device_id = %request.device_id, "inference request not sent");
                }
            }
        }
    }

    /// The request with what is known of its window; `None` where the model is not to be asked.
    fn with_window(&mut self, mut request: Box<InferenceRequest>) -> Option<Box<InferenceRequest>> {
        let device_id = &request.device_id;
        if self.understands_context {
            request.window = Some(Box::new(self.windows.context(device_id)));
            return Some(request);
        }
        let Some(reason) = self.windows.withholds(device_id) else {
            if self.told.remove(device_id).is_some() {
                self.devices.withhold(device_id, None);
            }
            return Some(request);
        };
        // Each reason is told once: readings come all the time.
        if self.told.get(device_id) != Some(&reason) {
            self.told.insert(device_id.clone(), reason.clone());
            self.withhold(device_id.clone(), reason);
        }
        None
    }

    /// Says why a device gets no decision. Deciding for others does not wait until that is durable.
    fn withhold(&self, device_id: DeviceId, reason: String) {
        let at = now();
        self.metrics.withheld();
        debug!(%device_id, reason, "a decision is withheld");
        let row = rows::told_event(&device_id, "withheld", reason.clone(), at);
        let withheld = Withheld {
            timestamp: at,
            reason,
        };
        self.devices.withhold(&device_id, Some(withheld.clone()));
        self.feed.add(at, Happening::Withheld { device_id, withheld });
        let log = Arc::clone(&self.log);
        tokio::spawn(async move {
            if let Err(error) = log.append(None, vec![row.encode()]).await {
                debug!(
                    error = with_causes(&error),
                    "that a decision is withheld is not stored"
                );
            }
        });
    }
}
