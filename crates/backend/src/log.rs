//! What the backend needs of a durable log: it takes the rows of an event once, and hands them out in plans.
//!
//! In: encoded rows with the key of their event. Out: plans of consecutive records. `local` keeps the log in the
//! journal's directory. A replicated log reverses the order: the message is durable before it is interpreted, so a door
//! of its own calls [`crate::Ingest::interpret`], asks [`Repeats`], and lets [`Plans`] cut what it interpreted.

use std::fmt;

use async_trait::async_trait;

/// Recognises the repeats of an event: a digest of its kind, device, time and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RepeatKey(pub [u8; 16]);

/// Whether the rows of an event were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// They are durable.
    Stored,
    /// An event of the same key is durable already.
    Repeated,
}

/// The log does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It has no room until rows are stored.
    #[error("the log is full")]
    Full,
    /// It cannot be read or written now.
    #[error("the log cannot be used now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How much waits in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Records that are not stored yet.
    pub records: u64,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Beyond so many bytes nothing more is taken.
    pub max_bytes: u64,
    /// Plans that were begun and not finished.
    pub plans: u64,
    /// Events that were refused for want of room, since the start.
    pub refused_full: u64,
    /// Writes that failed, since the start.
    pub write_failures: u64,
    /// Records that turned out to be unreadable, since the start.
    pub damaged: u64,
}

/// What a small message takes in the log.
const SMALL_MESSAGE_BYTES: u64 = 4 << 10;

impl Backlog {
    /// Whether there is room for one more small message.
    pub const fn has_room(&self) -> bool {
        self.bytes + SMALL_MESSAGE_BYTES <= self.max_bytes
    }
}

/// The encoded rows of an event, and its key.
pub type EventRows = (Option<RepeatKey>, Vec<Vec<u8>>);

/// Takes events, and knows their repeats.
#[async_trait]
pub trait Repeats: fmt::Debug + Send + Sync + 'static {
    /// Appends the encoded rows of one event together with its key in one atomic step, unless an event of that key was appended
    /// within the last hour. Returns when they are durable. May wait a few seconds for room before it is [`LogError::Full`].
    async fn append(&self, key: Option<RepeatKey>, rows: Vec<Vec<u8>>) -> Result<Appended, LogError>;

    /// Appends events in their order as [`Repeats::append`] does, but in one step where that is cheaper, and without
    /// waiting for room. On an error none of them may be taken for durable.
    async fn append_all(&self, events: Vec<EventRows>) -> Result<Vec<Appended>, LogError> {
        let mut outcomes = Vec::with_capacity(events.len());
        for (key, rows) in events {
            outcomes.push(self.append(key, rows).await?);
        }
        Ok(outcomes)
    }

    /// How much waits now.
    fn backlog(&self) -> Backlog;
}

/// How large a plan may become.
#[derive(Debug, Clone, Copy)]
pub struct PlanLimits {
    /// Records.
    pub records: usize,
    /// Bytes of payload.
    pub bytes: usize,
}

/// One record of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, for messages that people read.
    pub position: u64,
    /// The encoded row.
    pub payload: Vec<u8>,
}

/// Records of a plan that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The place of the first of them.
    pub position: u64,
    /// Why not.
    pub reason: String,
}

/// Records to store together. The same plan is handed out again, with the same token and the same records, until it is
/// finished or split, also after a crash.
#[derive(Debug)]
pub struct Plan<K> {
    /// What the log knows it by.
    pub key: K,
    /// The deduplication token of its rows.
    pub token: String,
    /// What was noted when the plan that this one is a part of was split; empty otherwise.
    pub note: Vec<u8>,
    /// Its records, in their order.
    pub records: Vec<Record>,
    /// What cannot be read of it.
    pub unreadable: Vec<Unreadable>,
}

/// Whether a plan could be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Two plans stand in its place.
    Halved,
    /// It holds a single record.
    Indivisible,
}

/// Hands out plans, one after another.
#[async_trait]
pub trait Plans: fmt::Debug + Send + Sync + 'static {
    /// What a log knows a plan by; nobody else looks into it.
    type Key: fmt::Debug + Send + Sync;

    /// How much waits now.
    fn backlog(&self) -> Backlog;

    /// Returns when there is a record or an unfinished plan.
    async fn wait_for_records(&self);

    /// The unfinished plan, or a new one of the oldest records; `None` where nothing waits. A new plan is durable before
    /// it is handed out.
    async fn next(&self, limits: PlanLimits) -> Result<Option<Plan<Self::Key>>, LogError>;

    /// Puts two plans in the place of one, with `note` in both.
    async fn split(&self, key: &Self::Key, note: &[u8]) -> Result<Split, LogError>;

    /// Removes a plan and its records, and appends the encoded rows of `instead`, in one atomic step.
    async fn finish(&self, key: &Self::Key, instead: Vec<Vec<u8>>) -> Result<(), LogError>;
}
