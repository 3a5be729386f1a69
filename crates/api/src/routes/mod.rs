//! The resources of the API, one file each.

mod accounts;
mod check_message;
mod clips;
mod commands;
mod configuration;
mod defaults;
mod devices;
mod doctor;
mod errors;
mod events;
mod export;
mod groups;
mod health;
mod histories;
mod history;
mod levels;
mod models;
mod pairing;
mod past_events;
mod predictions;
mod quantities;
mod schedules;
mod schemas;
mod spectrum;
mod status;
mod system_metrics;
mod tokens;
mod training;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::Parts;

pub use clips::{Playable, Recordings};
pub use doctor::{Doctor, Finding, FindingState, Told};
pub use training::{TrainedModel, Trainer, TrainingExamples, TrainingOrder, TrainingStep, TrainingTold};

/// Every resource.
pub(crate) fn all() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .merge(check_message::routes())
        .merge(devices::routes())
        .merge(groups::routes())
        .merge(defaults::routes())
        .merge(events::routes())
        .merge(accounts::routes())
        .merge(tokens::routes())
        .merge(pairing::routes())
        .merge(quantities::routes())
        .merge(schedules::routes())
        .merge(schemas::routes())
        .merge(status::routes())
        .merge(health::routes())
        .merge(configuration::routes())
        .merge(doctor::routes())
        .merge(system_metrics::routes())
        .merge(past())
}

/// What was stored, and what decides.
fn past() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .merge(history::routes())
        .merge(histories::routes())
        .merge(export::routes())
        .merge(past_events::routes())
        .merge(commands::routes())
        .merge(predictions::routes())
        .merge(errors::routes())
        .merge(models::routes().merge(training::routes()).layer(models::desk()))
        .merge(clips::routes())
        .merge(spectrum::routes())
}
