//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, and the supervisor of the process it runs in.
//!
//! In: HTTP requests of ClickHouse clients, a data directory. Out: a ClickHouse server's answers. It runs in a
//! process of its own, so that a crash in 566 MB of C++ ends neither broker nor control. It knows no table and no
//! topic.
//!
//! A request passes `handler`, `origin`, `request` and `users`, `input` and `sql`, `access`, `admission`, then on a
//! blocking thread `execution` with `pool`, `settings` and `ffi`, and leaves through `response`. `server` starts and
//! ends the service.

mod access;
mod admission;
mod allowed;
mod blocks;
mod body;
mod compression;
mod delivery;
mod encoding;
mod error;
mod exception;
mod execution;
mod external;
#[allow(unsafe_code)]
mod ffi;
mod form;
mod format;
mod handler;
mod input;
mod kill;
mod library;
mod lock;
mod native;
mod off_worker;
mod options;
mod origin;
mod pool;
#[doc(hidden)]
pub mod raw;
mod request;
mod response;
mod running;
mod sandbox;
mod server;
mod service;
mod settings;
mod shutdown;
mod sql;
mod stamp;
mod startup;
mod statistics;
mod supervisor;
mod users;

pub use error::EngineError;
pub use ffi::leave;
pub use library::{LIBRARY_VERSION, find_library};
pub use options::{Limits, Options};
pub use sandbox::{Confinement, available_locks, confine};
pub use server::serve;
pub use shutdown::follow_parent;
pub use supervisor::{SpawnOptions, Status, Supervisor};
pub use users::{Accounts, Password, Users};
