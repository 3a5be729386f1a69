//! What happens at the embedded broker's door, for rows and metrics.
//!
//! In: events as often as the log tells them, and counters. Out: rows of `ingest_errors`, samples of metrics. The broker
//! never waits for the disk: what does not fit into a short queue is only logged.

use std::sync::Arc;

use accounts::Accounts;
use backend::{DoorEvent, Ingest};
use broker::{BrokerEvent, EventKind, Figures, Observer};
use monitoring::Sample;
use tokio::sync::mpsc;

use crate::{audit::Auditor, doctor};

const QUEUE: usize = 256;

/// Writes events down. Its task ends with the broker.
pub(crate) struct DoorBook {
    events: mpsc::Sender<DoorEvent>,
    auditor: Arc<Auditor>,
    accounts: Arc<Accounts>,
}

impl DoorBook {
    pub(crate) fn open(ingest: Arc<Ingest>, auditor: Arc<Auditor>, accounts: Arc<Accounts>) -> Self {
        let (sender, mut events) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                ingest.record_door_event(&event).await;
            }
        });
        Self {
            events: sender,
            auditor,
            accounts,
        }
    }
}

impl Observer for DoorBook {
    fn observe(&self, event: &BrokerEvent) {
        if doctor::is_trial(&self.accounts, &event.client_id) {
            return;
        }
        let row = row(event);
        if let Some(kind) = audited(event.kind) {
            self.auditor
                .note_told(kind, "", Some(event.address.ip()), &row.detail);
        }
        let _ = self.events.try_send(row);
    }
}

/// The kind of an event in the audit log, if it concerns an account.
const fn audited(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::LoginFailed => Some("mqtt_login_failed"),
        EventKind::NotAuthorized => Some("mqtt_not_authorized"),
        EventKind::AccessEnded => Some("mqtt_access_ended"),
        EventKind::TakeoverFight => Some("mqtt_takeover_fight"),
        _ => None,
    }
}

fn row(event: &BrokerEvent) -> DoorEvent {
    let BrokerEvent {
        kind,
        address,
        client_id,
        reason,
        remedy,
        untold,
    } = event;
    let before = match untold {
        0 => String::new(),
        untold => format!(" ({untold} more like it before)"),
    };
    DoorEvent {
        kind: kind.as_str(),
        detail: format!("client {client_id:?} at {address}: {reason}; {remedy}{before}"),
    }
}

/// What the broker refused, by kind. A client that was taken over, or that went away, was not refused.
pub(crate) fn refusals(figures: &Figures) -> backend::Counts {
    use EventKind as Kind;
    let refusals = [
        Kind::ConnectionRefused,
        Kind::NoGreeting,
        Kind::OtherProtocol,
        Kind::TlsFailed,
        Kind::WebSocketRefused,
        Kind::ConnectionLimit,
        Kind::NoDescriptors,
        Kind::ProtocolError,
        Kind::QuotaExceeded,
        Kind::PublishRefused,
        Kind::SubscriptionRefused,
    ];
    refusals
        .map(|kind| (kind.as_str(), figures.events(kind)))
        .to_vec()
}

/// The broker's counters as metrics.
pub(crate) fn samples(figures: &Figures) -> Vec<Sample> {
    let sample = |figure: broker::Figure| {
        let broker::Figure {
            name, help, value, ..
        } = figure;
        if figure.is_counter {
            Sample::Counter { name, help, value }
        } else {
            Sample::Gauge { name, help, value }
        }
    };
    figures.read().into_iter().map(sample).collect()
}
