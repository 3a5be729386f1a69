//! The process harness of tests and benches: real processes on loopback, each ended by its pid.
//!
//! In: the path of the program under test, directories, addresses. Out: running processes, their output, and answers
//! over HTTP. It depends on no crate of the workspace, so that every crate can use it.

mod address;
mod casement;
mod clickhouse;
mod deployment;
mod error;
mod fake_clock;
mod hosts;
mod mosquitto;
mod process;
mod proxy;
mod small_disk;
mod up;
pub mod usage;
mod wait;

pub use address::free_addr;
pub use casement::Casement;
pub use clickhouse::{get, sql, sql_with, wait_sql};
pub use deployment::{Deployment, DeploymentOptions, Layout};
pub use error::Error;
pub use fake_clock::FakeClock;
pub use hosts::{Host, Hosts};
pub use mosquitto::Mosquitto;
pub use process::{Process, children, has_ended, signal};
pub use proxy::{Network, Proxy};
pub use rustix::process::Signal;
pub use small_disk::SmallDisk;
pub use up::{Addresses, Up};
pub use wait::{DEADLINE, wait_until, wait_until_blocking};
