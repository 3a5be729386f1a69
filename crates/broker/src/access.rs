//! Who may enter, and what each may say and hear: asked here, decided elsewhere.
//!
//! In: what a client says of itself, topics, filters. Out: an [`Entry`] or a [`Denial`]. Without an [`Access`] everybody may do
//! everything, so that the broker then listens on loopback addresses only. Connections from this process are not asked.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;

/// What a client says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Where it connects from.
    pub address: SocketAddr,
    /// The id that it chose, or was given.
    pub client_id: &'a str,
    /// The user name that it states.
    pub username: Option<&'a str>,
    /// Its password.
    pub password: Option<&'a [u8]>,
    /// The name in the certificate that it has proved to own.
    pub certificate_name: Option<&'a str>,
    /// When that certificate became valid, in seconds since 1970.
    pub certificate_not_before: Option<i64>,
    /// Whether the listener lets clients in that name no user.
    pub anonymous: bool,
}

/// A client that may enter.
#[derive(Clone)]
pub struct Entry {
    /// Its account; sessions of different accounts are different, whatever the client ids. `None` for everybody.
    pub account: Option<Arc<str>>,
    /// What it may do.
    pub rights: Arc<dyn Rights>,
}

/// Which answer a refused greeting gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    /// The user name or the password is wrong.
    BadCredentials,
    /// It is known, or has no name, and may not enter.
    NotAuthorized,
    /// It tries too often.
    TooOften,
    /// The broker has too much to do.
    Busy,
}

/// A client that may not enter.
#[derive(Debug, Clone)]
pub struct Denial {
    /// What it is told.
    pub reason: DenialReason,
    /// What the log says; the client is told no more than [`Self::reason`].
    pub detail: String,
    /// What helps.
    pub remedy: &'static str,
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It is.
    Granted,
    /// What is sent is acknowledged and goes nowhere; a last will is forgotten.
    Ignored,
    /// It is not, for this reason and with this remedy.
    Refused {
        /// Why.
        reason: &'static str,
        /// What helps.
        remedy: &'static str,
    },
}

/// Says who may enter.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Awaited before a greeting is answered; it may take as long as a greeting may.
    async fn enter(&self, login: Login<'_>) -> Result<Entry, Denial>;

    /// Whether what an earlier run granted to `account` under this [`Rights::number`] still holds: the session that it has
    /// left is ended if not. May not wait.
    fn still_grants(&self, account: &str, number: u64) -> bool;

    /// A connection of `account` ended, and no other client has taken its place. May not wait.
    fn left(&self, account: &str, departure: Farewell) {
        let _ = (account, departure);
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The client said goodbye.
    Said,
    /// It was gone without a word, or nothing was heard of it for one and a half keep-alives.
    Lost,
    /// It was sent away.
    Ended,
}

/// What one client may do. Nothing here may wait: it is asked for every message.
pub trait Rights: Send + Sync + 'static {
    /// Whether it may publish. `topic` is a name without wildcards that does not begin with `$`; an alias is resolved. Also
    /// asked for a last will, when the client connects.
    fn publish(&self, topic: &str, payload: &[u8]) -> Permission;

    /// Whether it may subscribe to `filter`, as it was sent; one that begins with `$share/` is well-formed.
    fn subscribe(&self, filter: &str) -> Permission;

    /// What tells these rights from what the account is granted after a change. It is kept with the session.
    fn number(&self) -> u64;

    /// Whether these rights still hold. If not, the connection is ended at the next [`Recheck::recheck`](crate::Recheck::recheck).
    fn is_current(&self) -> bool;
}

/// Everything, for everybody.
pub(crate) struct Unlimited;

impl Rights for Unlimited {
    fn publish(&self, _topic: &str, _payload: &[u8]) -> Permission {
        Permission::Granted
    }

    fn subscribe(&self, _filter: &str) -> Permission {
        Permission::Granted
    }

    fn number(&self) -> u64 {
        0
    }

    fn is_current(&self) -> bool {
        true
    }
}

impl Entry {
    pub(crate) fn unlimited() -> Self {
        Self {
            account: None,
            rights: Arc::new(Unlimited),
        }
    }
}
