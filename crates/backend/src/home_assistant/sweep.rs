//! After the integration was switched off: what was announced is taken away, once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mqtt::{
    Event, Incoming, Publisher, TopicKind, Topics,
    homeassistant::{Discovery, STATUS_TOPIC},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{notes::Notes, nothing, taking_away};

/// When nothing more was said for so long after the subscription, everything was.
const SILENCE: Duration = Duration::from_secs(2);

/// Takes away what the broker retains of earlier announcements.
pub(super) struct Sweep {
    pub(super) topics: Arc<Topics>,
    pub(super) publisher: Publisher,
    pub(super) incoming: Incoming,
    pub(super) notes: Notes,
}

impl Sweep {
    /// Runs until everything is gone, or until `shutdown`: then the next start goes on.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let removed = shutdown.run_until_cancelled(self.remove()).await;
        if let Some(removed) = removed.flatten() {
            match self.notes.write(BTreeSet::new()) {
                Ok(()) => info!(removed, "nothing is announced to Home Assistant any more"),
                Err(error) => warn!(%error, "that nothing is announced any more cannot be noted"),
            }
        }
        self.publisher.disconnect().await;
    }

    /// Returns how many announcements there were; `None` where the connection ended for good.
    async fn remove(&mut self) -> Option<u64> {
        let mut removed = 0;
        let mut states = BTreeSet::new();
        let mut has_subscribed = false;
        loop {
            let next = if has_subscribed {
                match timeout(SILENCE, self.incoming.recv()).await {
                    Ok(event) => event,
                    Err(_) => break,
                }
            } else {
                self.incoming.recv().await
            };
            match next? {
                Event::Subscribed => has_subscribed = true,
                Event::Disconnected { .. } => has_subscribed = false,
                Event::SubscriptionRefused { .. } => {
                    warn!(
                        "what was announced to Home Assistant cannot be found: the account may not subscribe to it"
                    );
                    return None;
                }
                Event::Message(delivery) if delivery.retain && !delivery.payload.is_empty() => {
                    for prefix in self.notes.prefixes() {
                        let Some(found) = Discovery::find_below(prefix, &delivery.topic) else {
                            continue;
                        };
                        let state = self.topics.topic_for(TopicKind::RoomState, &found.device_id);
                        let removal = Discovery::removal_of(&delivery.payload);
                        for message in taking_away(&delivery.topic, removal) {
                            self.publisher.send_confirmed(message).await.ok()?;
                        }
                        states.insert(state);
                        removed += 1;
                        break;
                    }
                }
                Event::Message(_) | Event::Connected { .. } => {}
            }
        }
        // After the silence: Home Assistant takes entities away a moment after it was told.
        for topic in states.into_iter().chain([STATUS_TOPIC.to_owned()]) {
            self.publisher.send_confirmed(nothing(topic)).await.ok()?;
        }
        Some(removed)
    }
}
