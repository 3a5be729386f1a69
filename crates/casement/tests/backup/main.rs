//! Backups of a real installation: taken while it works and while it does not, killed at different moments, damaged, chained,
//! restored, and held against what was acknowledged to devices.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod around;
mod chains;
mod kills;
mod refusals;
mod roundtrip;
mod schedule;
mod world;

#[path = "../support/mod.rs"]
mod support;
