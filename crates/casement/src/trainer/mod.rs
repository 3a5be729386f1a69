//! A model trained beside a running service: in a process of its own, so that neither its memory nor its threads are the
//! service's.
//!
//! In: an order of the API. Out: the model's bytes, or why there is none. The service writes the order to the process's standard
//! input, with what it needs to reach ClickHouse, and reads a line of JSON for each step. No file is written. The process ends
//! when its input does: with the service, or when the training is cancelled.

mod child;
mod humility;
mod messages;
mod parent;

pub(crate) use child::run;
pub(crate) use parent::ChildTrainer;
