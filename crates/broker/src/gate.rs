//! The way to the hook, until it is closed.
//!
//! In: publishes whose topic was checked. Out: the hook's verdicts.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::RwLock;
use rmqtt_codec::types::{Publish as Packet, QoS};

use crate::{Publish, PublishHook, Qos, Reception, Verdict};

/// Passes publishes to the hook.
pub(crate) struct Gate {
    /// `None` once it is closed.
    hook: RwLock<Option<Arc<dyn PublishHook>>>,
    in_progress: Arc<AtomicUsize>,
}

/// Who published.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) client_id: Arc<str>,
    pub(crate) username: Option<String>,
    /// The account, once it is known.
    pub(crate) account: Option<Arc<str>>,
}

impl Identity {
    /// Who a stored will is of.
    pub(crate) const fn of_record(
        client_id: Arc<str>,
        username: Option<String>,
        account: Option<Arc<str>>,
    ) -> Self {
        Self {
            client_id,
            username,
            account,
        }
    }
}

impl Gate {
    pub(crate) fn new(hook: Arc<dyn PublishHook>) -> Self {
        Self {
            hook: RwLock::new(Some(hook)),
            in_progress: Arc::default(),
        }
    }

    /// Withholds every publish from now on, except those that the hook is handling, and releases the hook.
    pub(crate) fn close(&self) {
        self.hook.write().take();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.hook.read().is_none()
    }

    /// Whether the hook is handling no publish.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_progress.load(Ordering::SeqCst) == 0
    }

    /// Asks the hook.
    pub(crate) async fn ask(&self, identity: &Identity, packet: &Packet, last_will: bool) -> Reception {
        // Counted before the hook is read, so that closing either stops this publish or waits for it.
        let guard = InProgress::new(&self.in_progress);
        let Some(hook) = self.hook.read().clone() else {
            return Verdict::Withhold.into();
        };
        let publish = Publish {
            topic: &packet.topic,
            payload: packet.payload.clone(),
            qos: match packet.qos {
                QoS::AtMostOnce => Qos::AtMostOnce,
                QoS::AtLeastOnce => Qos::AtLeastOnce,
                QoS::ExactlyOnce => Qos::ExactlyOnce,
            },
            retain: packet.retain,
            dup: packet.dup,
            client_id: &identity.client_id,
            username: identity.username.as_deref(),
            account: identity.account.as_deref(),
            last_will,
        };
        match hook.accept(publish).await {
            Reception::Ahead(accepting) if packet.qos == QoS::ExactlyOnce || last_will => {
                accepting.await.into()
            }
            Reception::Ahead(accepting) => Reception::Ahead(Box::pin(async move {
                let _guard = guard;
                accepting.await
            })),
            decided @ Reception::Decided(_) => decided,
        }
    }
}

/// Counts a publish while the hook handles it, even if its task is dropped.
struct InProgress(Arc<AtomicUsize>);

impl InProgress {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
