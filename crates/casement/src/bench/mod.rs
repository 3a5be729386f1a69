//! `casement bench`: figures and proofs, measured on the machine at hand with real processes.
//!
//! In: flags. Out: tables on standard output; an error where a promise did not hold. Only loopback is talked to, and every
//! process that was started is ended by its pid.

pub mod faults;
mod house;
pub mod ingest;
mod latency;
mod process;
mod proxy;
mod usage;

pub use house::{Doors, House};
