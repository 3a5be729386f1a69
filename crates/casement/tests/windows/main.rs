//! Windows in a real process, with real MQTT clients for windows, people and an ML service.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod clocks;
mod files;
mod killed;
mod motors;
mod people;
mod services;
mod strangers;
mod world;
