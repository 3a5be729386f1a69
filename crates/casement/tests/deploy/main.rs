//! What lies in `deploy`: each file is read by the program that it is for, or by that program's own rules.
#![allow(missing_docs, clippy::unwrap_used, clippy::too_many_lines)]

#[path = "../support/mod.rs"]
mod support;

mod clickhouse;
mod compose;
mod documents;
mod health;
mod lint;
mod package;
mod place;
mod stack;
mod units;
mod world;
