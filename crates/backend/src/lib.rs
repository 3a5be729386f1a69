//! The backend: every reading is kept, every significant change becomes a request, every command is logged.
//!
//! In: messages through a [`Door`], or by the embedded broker's hook. Out: durable records, rows in ClickHouse, inference
//! requests, the page and the API. It never predicts and never moves a window itself.
//!
//! A message goes `door` → `ingest` → `decoder` → `trigger` and `devices` → `rows` → `log`, and is acknowledged; from
//! there `recorder` → `database`.

mod claims;
mod clips;
mod clock;
mod clocks;
mod database;
mod decoder;
mod devices;
mod diagnosis;
mod door;
mod doubt;
mod history;
mod http;
mod ingest;
mod judge;
mod keys;
mod local;
mod log;
mod mean;
mod message;
mod metrics;
mod options;
mod recorder;
mod refusals;
mod registry;
mod requests;
mod retention;
mod rows;
mod service;
mod storage;
mod subscription;
mod system_metrics;
mod told;
mod trigger;
mod vitals;

pub use database::{History, Tables};
pub use devices::{
    DeviceView, Devices, Latest, LatestClip, LatestCommand, LatestHeld, LatestSuspect, WrongClock,
};
pub use door::Door;
pub use ingest::{Ingest, Interpreted};
pub use log::{
    Appended, Backlog, EventRows, LogError, Plan, PlanLimits, Plans, Record, RepeatKey, Repeats, Split,
    Unreadable,
};
pub use message::{Acceptance, AuditEvent, DoorEvent, Message, Passage};
pub use metrics::{Metrics, Summary};
pub use options::{BackendError, BackendOptions, LocalOptions};
pub use recorder::BatchLimits;
pub use requests::Outlet;
pub use service::{Backend, Parts};
pub use storage::{RetentionOptions, Storage};
pub use trigger::{InferenceTrigger, LastRequest, RecentClip, TriggerOptions};
pub use vitals::Counts;
