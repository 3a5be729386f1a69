//! The durable log between accepting a message and storing it: what [`Journal::append`] has acknowledged survives a
//! crash, leaves in order and in plans whose boundaries survive too, and is removed only when its plan is finished.
//!
//! In: opaque payloads, each with an optional key that catches its repeats. Out: plans. It knows nothing of MQTT or
//! ClickHouse, and never acknowledges before the disk has synced.

mod checkpoint;
mod command;
mod dedup;
mod error;
mod filter;
mod format;
mod group;
mod id;
mod inspect;
mod journal;
mod lock;
mod options;
mod pace;
mod plan;
mod record;
mod recovery;
mod salvage;
mod segments;
mod stats;
mod storage;
mod wal;
mod writer;
mod written_by;

pub use error::JournalError;
pub use inspect::{Inspection, Verification, inspect, verify};
pub use journal::Journal;
pub use options::{Options, PlanLimits};
pub use plan::{Damage, Plan};
pub use record::{Appended, Entry, Key};
pub use salvage::LogDamage;
pub use stats::Stats;
