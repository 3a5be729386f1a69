//! What was done to the accounts, for the audit log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One change, kept beside the accounts until it is long past: a service that was away meanwhile reads it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Rises by one with each change.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it: `cli:USER` for a command, the account of a person at the page, `pairing` for a device itself.
    pub by: String,
    /// What: `add`, `approve`, `retire`, `return`, `forget`, `rotate`, `rename`, `token`, `revoke`, `pairing`, `introduce`, `share`,
    /// `unshare`, `link`.
    pub action: String,
    /// The account, or empty.
    pub account: String,
    /// More, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How many changes are kept.
pub(crate) const KEPT: usize = 1_000;
