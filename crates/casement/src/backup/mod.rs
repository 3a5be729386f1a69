//! Backups: everything that an installation knows, as one moment of it, in files that can be verified and restored.
//!
//! In: an installation, at work or not. Out: a directory or one archive with a manifest. `source` takes a [`Snapshot`] from
//! the running service (asked through `door`) or from one that is opened for it; `writing` makes a backup of it, `verification`
//! reads one, `restoring` makes a data directory of one. Nothing is a backup before its last rename.

pub(crate) mod asking;
mod copying;
pub(crate) mod door;
pub(crate) mod gently;
pub(crate) mod manifest;
pub(crate) mod opening;
pub(crate) mod parts;
mod progress;
pub(crate) mod restoring;
pub(crate) mod schedule;
pub(crate) mod shelf;
mod snapshot;
pub(crate) mod source;
pub(crate) mod target;
pub(crate) mod tree;
pub(crate) mod verification;
pub(crate) mod writing;

pub(crate) use progress::Progress;
pub(crate) use snapshot::{BaseIndex, Snapshot};
