//! A training, for people.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::models::ModelView;

/// The training that goes on, or the newest.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(super) struct TrainingState {
    /// It; null where there was none since the start of the service.
    pub(super) training: Option<Training>,
}

/// A training of a model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Training {
    /// The name of the version that it makes.
    pub(super) version: String,
    /// Where examples come from: `stored` or `simulator`.
    pub(super) source: &'static str,
    /// Who began it.
    pub(super) started_by: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub(super) started_at: Timestamp,
    /// When it ended; null while it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) finished_at: Option<Timestamp>,
    /// How far it has come.
    pub(super) state: TrainingStage,
    /// How many examples there are; null before they are collected.
    pub(super) examples: Option<u64>,
    /// Passes over the examples, at most.
    pub(super) epochs: u32,
    /// Mean absolute error in points on examples that are not trained on, after each pass.
    pub(super) validation_mae: Vec<f64>,
    /// Why it failed, in words; null otherwise.
    pub(super) reason: Option<String>,
    /// What it made; null before it has succeeded.
    pub(super) result: Option<ModelView>,
}

/// How far a training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TrainingStage {
    /// Examples are collected.
    Collecting,
    /// It trains.
    Training,
    /// The version is there.
    Finished,
    /// It failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}
