//! What happens at the door that a person may want to know: a client is refused, cut or taken over.
//!
//! In: events from listener and connections. Out: one line in the log for each, a counter, and a call of the observer.
//! Lines are limited by kind, address and client id, so that one client does not hide another at the same address; what
//! was left out is told with the next line.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{limits::Limit, statistics::Statistics};

/// Lines of one kind and one client within [`WINDOW`].
const LINES: u32 = 5;
/// The same of what a client without the right to it may do as often as it likes.
const LINES_OF_REFUSALS: u32 = 1;
/// The same of all clients at one address.
const LINES_OF_ADDRESS: u32 = 40;
const WINDOW: Duration = Duration::from_mins(1);
/// Kinds and addresses that are counted apart; others share one budget.
const MAX_SOURCES: usize = 1_000;
/// Characters of a client id in a line.
const CLIENT_ID_CHARS: usize = 64;

macro_rules! kinds {
    ($($(#[$text:meta])* $name:ident = $code:literal,)+) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$text])* $name,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name in logs, metrics and tables.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The name of its counter, without prefix.
            pub(crate) const fn counter(self) -> &'static str {
                match self { $(Self::$name => concat!("events_", $code),)+ }
            }
        }
    };
}

kinds! {
    /// A greeting was refused.
    ConnectionRefused = "connection_refused",
    /// A connection never sent its greeting.
    NoGreeting = "no_greeting",
    /// HTTP, TLS or another protocol was spoken.
    OtherProtocol = "other_protocol",
    /// A handshake of TLS failed.
    TlsFailed = "tls_failed",
    /// A handshake of WebSocket failed, or a page of another site asked for one.
    WebSocketRefused = "websocket_refused",
    /// A limit of connections was reached.
    ConnectionLimit = "connection_limit",
    /// The process has no file descriptors left.
    NoDescriptors = "no_descriptors",
    /// A client broke the protocol.
    ProtocolError = "protocol_error",
    /// A client exceeded a limit.
    QuotaExceeded = "quota_exceeded",
    /// Another client connected with the same id.
    TakenOver = "taken_over",
    /// A user name or a password was wrong, or the account is closed.
    LoginFailed = "login_failed",
    /// A client published or subscribed to what its account has no right to.
    NotAuthorized = "not_authorized",
    /// An account was changed, and the connection that used it ended.
    AccessEnded = "access_ended",
    /// Two clients take the same session from each other again and again.
    TakeoverFight = "takeover_fight",
    /// Nothing was heard of a client.
    KeepAliveEnded = "keep_alive_ended",
    /// A client does not read what it is sent.
    NotReading = "not_reading",
    /// A publish was refused.
    PublishRefused = "publish_refused",
    /// A subscription was refused.
    SubscriptionRefused = "subscription_refused",
    /// Messages for a client were dropped.
    MessagesDropped = "messages_dropped",
    /// Sessions and retained messages of earlier runs, or some of them, could not be read.
    StorageDamaged = "storage_damaged",
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct BrokerEvent {
    /// What kind of thing.
    pub kind: EventKind,
    /// Where the client is.
    pub address: SocketAddr,
    /// What the client calls itself, cut to 64 characters; empty before its greeting.
    pub client_id: String,
    /// What happened.
    pub reason: String,
    /// What helps.
    pub remedy: &'static str,
    /// Events of this kind and address that were not told before this one.
    pub untold: u64,
}

/// Is told what the log is told, as often as the log.
pub trait Observer: Send + Sync + 'static {
    /// Must not wait.
    fn observe(&self, event: &BrokerEvent);
}

/// Who a line is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) client_id: &'a str,
}

/// What a line says.
#[derive(Debug)]
pub(crate) struct What {
    pub(crate) kind: EventKind,
    pub(crate) reason: String,
    pub(crate) remedy: &'static str,
    /// The limit that was reached, if it was one.
    pub(crate) limit: Option<Limit>,
}

impl What {
    pub(crate) fn new(kind: EventKind, reason: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            kind,
            reason: reason.into(),
            remedy,
            limit: None,
        }
    }

    /// Names the limit that was reached.
    pub(crate) const fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// Tells events, within limits.
pub(crate) struct Events {
    statistics: Arc<Statistics>,
    observer: Option<Arc<dyn Observer>>,
    budget: Mutex<Budget>,
}

impl Events {
    pub(crate) fn new(statistics: Arc<Statistics>, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            statistics,
            observer,
            budget: Mutex::new(Budget::default()),
        }
    }

    /// Counts an event, and tells it unless there were many of its kind from its address.
    pub(crate) fn tell(&self, who: Who<'_>, what: What) {
        self.statistics.events[what.kind as usize].one();
        if let Some(limit) = what.limit {
            self.statistics.reached(limit);
        }
        let Some(untold) = self.budget.lock().spend(what.kind, who) else {
            return;
        };
        let event = BrokerEvent {
            kind: what.kind,
            address: who.address,
            client_id: who.client_id.chars().take(CLIENT_ID_CHARS).collect(),
            reason: what.reason,
            remedy: what.remedy,
            untold,
        };
        log(&event);
        if let Some(observer) = &self.observer {
            observer.observe(&event);
        }
    }
}

fn log(event: &BrokerEvent) {
    let BrokerEvent {
        kind,
        address,
        client_id,
        reason,
        remedy,
        untold,
    } = event;
    let event = kind.as_str();
    // Debug formatting escapes what a stranger put into the id.
    match kind {
        EventKind::TakenOver | EventKind::KeepAliveEnded | EventKind::AccessEnded => {
            tracing::info!(event, %address, ?client_id, remedy, untold, "{reason}");
        }
        _ => tracing::warn!(event, %address, ?client_id, remedy, untold, "{reason}"),
    }
}

/// The lines of the present minute.
#[derive(Debug, Default)]
struct Budget {
    sources: HashMap<(EventKind, IpAddr), Spent>,
    rest: Spent,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Spent {
    since: Option<Instant>,
    lines: u32,
    /// Lines by digests of client ids; at most one for each line.
    clients: HashMap<u64, u32>,
    untold: u64,
}

impl Budget {
    /// `None` where the event is not told; otherwise the number of those that were not told before.
    fn spend(&mut self, kind: EventKind, who: Who<'_>) -> Option<u64> {
        let source = (kind, who.address.ip());
        let client = self.hasher.hash_one(who.client_id);
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&source) {
            self.sources.retain(|_, spent| !spent.is_over());
        }
        if self.sources.len() < MAX_SOURCES || self.sources.contains_key(&source) {
            self.sources.entry(source).or_default().spend(kind, client)
        } else {
            self.rest.spend(kind, client)
        }
    }
}

impl Spent {
    fn is_over(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed() >= WINDOW)
    }

    fn spend(&mut self, kind: EventKind, client: u64) -> Option<u64> {
        let of_client = match kind {
            EventKind::NotAuthorized | EventKind::LoginFailed => LINES_OF_REFUSALS,
            _ => LINES,
        };
        if self.is_over() {
            self.since = Some(Instant::now());
            self.lines = 0;
            self.clients.clear();
        }
        let has_room = self.lines < LINES_OF_ADDRESS && {
            let lines = self.clients.entry(client).or_default();
            *lines += 1;
            *lines <= of_client
        };
        if !has_room {
            self.untold += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(address: [u8; 4], client_id: &str) -> Who<'_> {
        Who {
            address: (address, 1).into(),
            client_id,
        }
    }

    #[test]
    fn lines_are_limited_by_kind_and_client() {
        let mut budget = Budget::default();
        let one = who([127, 0, 0, 1], "one");
        let told = (0..100)
            .filter_map(|_| budget.spend(EventKind::TakenOver, one))
            .count();
        assert_eq!(told, LINES as usize);
        assert_eq!(
            budget.spend(EventKind::TakenOver, who([127, 0, 0, 2], "one")),
            Some(0)
        );
        assert_eq!(budget.spend(EventKind::ProtocolError, one), Some(0));
        // A minute later the number of those left out is told.
        let source = (EventKind::TakenOver, one.address.ip());
        let spent = budget.sources.get_mut(&source).unwrap();
        spent.since = None;
        assert_eq!(budget.spend(EventKind::TakenOver, one), Some(95));
        assert_eq!(budget.spend(EventKind::TakenOver, one), Some(0));
    }

    #[test]
    fn a_client_does_not_hide_another_at_its_address() {
        let mut budget = Budget::default();
        let mut spend =
            |client_id: &str| budget.spend(EventKind::ConnectionRefused, who([127, 0, 0, 1], client_id));
        for _ in 0..100 {
            spend("noisy");
        }
        assert_eq!(spend("quiet"), Some(95));
        // Ids are free of charge: all of an address together have a limit, too.
        let told = (0..1_000).filter_map(|i| spend(&format!("client {i}"))).count();
        assert_eq!(told as u32, LINES_OF_ADDRESS - LINES - 1);
        let counted = budget.sources.values().next().unwrap();
        assert!(counted.clients.len() <= LINES_OF_ADDRESS as usize);
    }

    #[test]
    fn many_addresses_do_not_grow_memory() {
        let mut budget = Budget::default();
        for i in 0..5_000_u32 {
            budget.spend(EventKind::NoGreeting, who(i.to_be_bytes(), ""));
        }
        assert_eq!(budget.sources.len(), MAX_SOURCES);
    }
}
