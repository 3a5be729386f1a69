//! The HTTP API of a running Casement: as people and programs use it, and as strangers would like to.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod devices;
mod durable;
mod events;
mod hostile;
mod limits;
mod samples;
mod schemathesis;
mod service;
mod world;
