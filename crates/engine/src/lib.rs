//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, and the supervisor of the process it runs in.
//!
//! In: HTTP requests of ClickHouse clients, a data directory. Out: answers as a server gives them. It runs in a process
//! of its own, so that a crash in 566 MB of C++ takes neither broker nor control down. It knows no table and no topic.

mod access;
mod allowed;
mod blocks;
mod body;
mod compression;
mod error;
mod exception;
#[allow(unsafe_code)]
mod ffi;
mod format;
mod library;
mod lock;
mod native;
mod options;
mod query;
#[doc(hidden)]
pub mod raw;
mod request;
mod respond;
mod running;
mod sandbox;
mod server;
mod session;
mod sql;
mod stamp;
mod store;
mod supervisor;
mod users;

pub use error::EngineError;
pub use ffi::leave;
pub use library::find_library;
pub use options::{Limits, Options};
pub use sandbox::{Confinement, confine};
pub use server::serve;
pub use supervisor::{SpawnOptions, Supervisor};
pub use users::{Password, Users};
