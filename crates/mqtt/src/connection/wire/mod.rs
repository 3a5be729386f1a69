//! The conversation with a broker: one event loop, and for each version of MQTT its packets. The versions differ in
//! `v5` and `v311` and nowhere else.
//!
//! In: a connection's options, packets from the link. Out: events for the driver. No message is kept here: unfinished
//! ones are in the outbox.

mod line;
mod packet;
mod socket;
mod v311;
mod v5;
mod words;

pub(super) use line::Line;
pub(super) use packet::{Arrival, Failure, LineEvent, Outgoing, Terms, Unsupported, Version, is_filter};
