//! The running service against a real Mosquitto.
#![allow(missing_docs)]

mod models;
mod requests;
mod service;
mod start;
#[path = "../support/mod.rs"]
mod support;
