//! The backend: every reading is kept, every significant change becomes a request, every command is logged.
//!
//! In: messages through a [`Door`], or by the embedded broker's hook. Out: durable records, rows in ClickHouse, inference
//! requests, and views for page and API. It never predicts and never moves a window itself.
//!
//! A message goes `door` → `ingest` → `decoder` → `trigger` and `devices` → `rows` → `log`, and is acknowledged; from
//! there `recorder` → `database`.

mod claims;
mod clips;
mod clock;
mod clocks;
mod connections;
mod database;
mod decoder;
mod devices;
mod diagnosis;
mod door;
mod doors;
mod doubt;
mod feed;
mod following;
mod history;
mod home_assistant;
mod ingest;
mod inspection;
mod interpreted;
mod judge;
mod keeping;
mod keys;
mod local;
mod log;
mod mean;
mod message;
mod messenger;
mod metrics;
mod observing;
mod opening;
mod options;
mod persisting;
mod recorder;
mod refusals;
mod registry;
mod requests;
mod retention;
mod rows;
mod rules;
mod service;
mod setups;
mod standstill;
mod storage;
mod subscription;
mod system_metrics;
mod told;
mod trigger;
mod views;
mod vitals;
mod windows;

pub use database::{History, Tables};
pub use devices::{
    Delivery, DeviceView, Devices, Health, Latest, LatestClip, LatestCommand, LatestHeld, LatestSuspect,
    LatestTelemetry, Presence, Problem, ProblemKind, SettingsState, Withheld, WrongClock,
};
pub use door::Door;
pub use feed::{Feed, Happening, Numbered, Since};
pub use home_assistant::HomeAssistantOptions;
pub use ingest::Ingest;
pub use inspection::{Inspection, Inspector, TimeSeen, ValueSeen, Verdict};
pub use interpreted::Interpreted;
pub use log::{
    Appended, Backlog, EventRows, LogError, Plan, PlanLimits, Plans, Record, RepeatKey, Repeats, Split,
    Unreadable,
};
pub use message::{Acceptance, AuditEvent, DoorEvent, Message, Passage};
pub use metrics::{Metrics, Summary};
pub use options::{BackendError, BackendOptions, LocalOptions};
pub use recorder::BatchLimits;
pub use requests::Outlet;
pub use rules::{Rules, ScheduleView};
pub use service::{Backend, Parts};
pub use standstill::{Standstill, Standstills};
pub use storage::{RetentionOptions, Storage};
pub use trigger::{InferenceTrigger, LastRequest, RecentClip, TriggerOptions};
pub use views::{Status, Views};
pub use vitals::Counts;
pub use windows::{
    CommandState, CommandView, ControlView, InterlockView, LimitsView, MotionView, OverrideView, VerdictView,
    WindowError, Windows, WindowsFile,
};
