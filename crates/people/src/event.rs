//! What happened, for the audit log.

use std::net::IpAddr;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `sign_in`, `sign_in_failed`, `sign_out`, `session_ended`, `refused` or `share_opened`; of models, `model_promoted` and the like; of recordings, `recording_heard`.
    pub kind: &'static str,
    /// The account, as far as it is known; of a failure, the name that was given.
    pub account: String,
    /// Where the request came from; `None` for what the service did itself.
    pub address: Option<IpAddr>,
    /// More, in words.
    pub detail: String,
}

/// Is told what happened. It must not wait.
pub trait Audit: Send + Sync + 'static {
    /// Takes one event.
    fn note(&self, event: Event);
}
