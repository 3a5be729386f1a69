//! `casement bench`: figures and proofs, measured on this machine with real processes.
//!
//! In: the binary, options, a writer. Out: tables or JSON lines; an error where a promise was not kept. It talks to
//! loopback only and ends every process that it starts.

pub mod backups;
pub mod codecs;
pub mod decisions;
mod device;
pub mod faults;
pub mod history;
pub mod ingest;
pub mod panels;
pub mod pictures;
pub mod strangers;
pub mod upgrade;
