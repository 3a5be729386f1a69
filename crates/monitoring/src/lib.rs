//! What every role says about itself: metrics, health, and the HTTP listener that answers for both.
//!
//! In: one [`Registry`] that each service registers its metrics in, and a [`HealthSource`] from each. Out: `/metrics`,
//! `/health` (`/healthz`), `/ready` (`/readyz`). It knows no service and asks nothing that can wait.

mod causes;
mod collect;
mod descriptors;
pub mod extract;
mod headers;
mod health;
mod http;
mod link;
mod listener;
mod panics;
pub mod problem;
mod requests;
mod site;
pub mod words;

pub use causes::with_causes;
pub use collect::{Sample, collector};
pub use descriptors::raise_descriptor_limit;
pub use health::{Health, HealthSource, Part, State};
pub use http::Monitor;
pub use link::Link;
pub use listener::{Arrival, Closing, HttpAddress, HttpError, HttpLimits, HttpListener, remedy};
pub use panics::{Panicked, answer_panics, contain, contain_async, is_contained};
pub use problem::{Problem, ProblemBody, ProblemKind, WrongValue};
pub use prometheus_client::registry::Registry;
pub use site::{is_own_host, is_own_site};
