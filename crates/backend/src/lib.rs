//! The backend: every reading is kept, every significant change becomes a request, every command is logged.
//!
//! In: messages through one of two doors (a subscription, or the embedded broker's hook). Out: durable records, rows in
//! ClickHouse, inference requests, and the page, API and metrics. It never predicts and never moves a window itself.

mod clips;
mod devices;
mod http;
mod ingest;
mod metrics;
mod recorder;
mod refusals;
mod repeats;
mod rows;
mod service;
mod site;
mod subscriber;
mod trigger;

pub use devices::{DeviceView, Devices, Latest, LatestClip, LatestCommand};
pub use http::{HttpError, HttpListener, MetricsSource};
pub use ingest::{Acceptance, Ingest, Message};
pub use metrics::{Metrics, Summary};
pub use recorder::BatchLimits;
pub use service::{Backend, BackendError, BackendOptions, Door};
pub use trigger::{HeardClip, LastRequest, TriggerBoard, TriggerOptions};
