//! The adapter between the broker library and the hook: checks the topic, then calls the hook at the end of the
//! access check.
//!
//! The library's own publish hook runs before its access check, so a message that passes it may still be refused. The
//! end of the access check is the last point before routing and PUBACK. Last wills skip the access check and arrive
//! through the publish hook.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use parking_lot::RwLock;
use rmqtt::{
    codec::{types::QoS, v5::PublishAckReason},
    hook::{Handler, HookResult, Parameter, ReturnType},
    session::Session,
    types::{FromType, Publish as Packet, PublishAclResult, PublishResult},
};

use crate::{Publish, PublishHook, Qos, Verdict};

/// Passes every publish to the hook, until it is closed.
#[derive(Clone)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` when closed. The library's context refers to itself and is never freed, so it must not own the hook.
    hook: RwLock<Option<Arc<dyn PublishHook>>>,
    in_progress: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(hook: Arc<dyn PublishHook>) -> Self {
        let inner = Inner {
            hook: RwLock::new(Some(hook)),
            in_progress: AtomicUsize::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Withholds every publish from now on, except those that the hook is handling, and releases the hook.
    pub(crate) fn close(&self) {
        self.inner.hook.write().take();
    }

    /// Whether the hook is handling no publish.
    pub(crate) fn is_idle(&self) -> bool {
        self.inner.in_progress.load(Ordering::SeqCst) == 0
    }

    async fn call_hook(&self, session: &Session, packet: &Packet, last_will: bool) -> Verdict {
        // Counted before the hook is read, so that closing either stops this publish or waits for it.
        let _guard = InProgress::new(&self.inner.in_progress);
        let Some(hook) = self.inner.hook.read().clone() else {
            return Verdict::Withhold;
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
            client_id: &session.id.client_id,
            username: session.id.username.as_deref(),
            last_will,
        };
        hook.accept(publish).await
    }

    async fn check(&self, session: &Session, packet: &Packet) -> PublishAclResult {
        match topic_fault(&packet.topic) {
            Some(TopicFault::Malformed) => {
                tracing::debug!(client_id = %session.id.client_id, topic = %packet.topic, "not a topic to publish to");
                disconnect(PublishAckReason::TopicNameInvalid, "not a topic name")
            }
            // No reason string: small clients cannot read one in a PUBACK, and the code is clear.
            Some(TopicFault::Reserved) => PublishAclResult(PublishResult::reason_code(
                PublishAckReason::NotAuthorized,
                None,
                false,
            )),
            None => match self.call_hook(session, packet, false).await {
                Verdict::Accept => PublishAclResult::allow(),
                Verdict::Refuse => PublishAclResult(PublishResult::reason_code(
                    PublishAckReason::QuotaExceeded,
                    None,
                    false,
                )),
                Verdict::Withhold => disconnect(PublishAckReason::QuotaExceeded, "not accepted now"),
            },
        }
    }
}

#[async_trait]
impl Handler for Gate {
    async fn hook(&self, parameter: &Parameter, earlier: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::MessagePublishCheckAcl(session, packet) => {
                if matches!(&earlier, Some(HookResult::PublishAclResult(result)) if !result.is_allow()) {
                    return (false, earlier);
                }
                let result = self.check(session, packet).await;
                (result.is_allow(), Some(HookResult::PublishAclResult(result)))
            }
            Parameter::MessagePublish(Some(session), from, packet)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                if topic_fault(&packet.topic).is_none() {
                    self.call_hook(session, packet, true).await;
                }
                (true, earlier)
            }
            _ => (true, earlier),
        }
    }
}

fn disconnect(reason: PublishAckReason, text: &'static str) -> PublishAclResult {
    PublishAclResult(PublishResult::reason_code(reason, Some(text.into()), true))
}

#[derive(Debug, PartialEq, Eq)]
enum TopicFault {
    Malformed,
    Reserved,
}

fn topic_fault(topic: &str) -> Option<TopicFault> {
    if topic.is_empty() || topic.contains(['+', '#', '\0']) {
        Some(TopicFault::Malformed)
    } else if topic.starts_with('$') {
        Some(TopicFault::Reserved)
    } else {
        None
    }
}

/// Counts a publish while the hook handles it, even if its task is dropped.
struct InProgress<'a>(&'a AtomicUsize);

impl<'a> InProgress<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
