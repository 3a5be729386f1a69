//! What is kept that no device has said: events at the broker's door, and the audit log.

use monitoring::with_causes;
use tracing::debug;

use crate::{
    Ingest,
    clock::now,
    message::{AuditEvent, DoorEvent},
    rows,
};

impl Ingest {
    /// Keeps what happened at the embedded broker's door, beside the messages that were refused.
    pub async fn record_door_event(&self, event: &DoorEvent) {
        let row = rows::door_event(event, now());
        if let Err(error) = self.log.append(None, vec![row.encode()]).await {
            debug!(
                error = with_causes(&error),
                "an event of the broker is only in the log"
            );
        }
    }

    /// Keeps events of the audit log. Returns whether they are durable.
    pub async fn record_audit(&self, events: &[AuditEvent]) -> bool {
        let rows = events.iter().map(|event| rows::audit(event).encode()).collect();
        let appended = self.log.append(None, rows).await;
        if let Err(error) = &appended {
            debug!(
                error = with_causes(error),
                "events of the audit log are only in the log"
            );
        }
        appended.is_ok()
    }
}
