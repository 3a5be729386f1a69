//! A model is trained by the service: from what people chose, or from simulated rooms. For admins.
//!
//! In: an order. Out: how far the training has come, and in the end a version with its figures, which serves only when somebody
//! promotes it. One at a time. What trains is the [`Trainer`]'s; what ends early leaves nothing.

mod run;
mod view;

use std::sync::Arc;

use axum::{Extension, Json, extract::State, http::StatusCode};
use futures_util::future::BoxFuture;
use monitoring::{
    Problem,
    extract::{Json as Body, invalid},
};
use people::Caller;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::models::{
    MOST_VERSIONS,
    desk::{self, Desk},
};
use crate::{
    Models, Parts,
    changes::{self, hand},
    problems::{CONFLICT, UNAVAILABLE},
};

use run::Workshop;
use view::TrainingState;

/// What is to be trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingOrder {
    /// The name of the version.
    pub version: String,
    /// Where examples come from.
    pub examples: TrainingExamples,
    /// Passes over the examples at most.
    pub epochs: u32,
    /// The same seed and examples produce the same model.
    pub seed: u64,
}

/// Where examples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingExamples {
    /// Positions that people and schedules chose in the last days.
    Stored {
        /// How many days.
        days: u32,
    },
    /// Simulated rooms, labelled by the comfort policy of the simulator.
    Simulated {
        /// How many rooms.
        rooms: u32,
        /// Days of each.
        days: u32,
    },
}

/// How far a training has come.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainingStep {
    /// So many examples are there.
    Collected(u64),
    /// A pass over the examples has ended.
    Epoch {
        /// Its number, from 1.
        number: u32,
        /// Mean absolute error on examples that are not trained on, in points.
        validation_mae: f64,
    },
}

/// A trained model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainedModel {
    /// The `.pth` file.
    pub file: Vec<u8>,
    /// Its side-car, JSON.
    pub sidecar: Vec<u8>,
}

/// Hears of every step.
pub type TrainingTold = Arc<dyn Fn(TrainingStep) + Send + Sync>;

/// Trains models.
pub trait Trainer: Send + Sync {
    /// Trains a model, beside everything else that the machine has to do. The error is for people. Dropping the future ends it.
    fn train(
        &self,
        order: TrainingOrder,
        told: TrainingTold,
    ) -> BoxFuture<'static, Result<TrainedModel, String>>;
}

/// Where examples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TrainingSource)]
enum Source {
    /// Positions that people and schedules chose, with the readings of that time.
    Stored,
    /// Simulated rooms, labelled by the comfort policy of the simulator.
    Simulator,
}

/// What is to be trained.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTraining {
    /// The name of the version: 1 to 64 letters, digits, `.`, `_` and `-`, not beginning with `.`. None may have it.
    #[schema(examples("v2.0.0"))]
    version: String,
    /// Where examples come from.
    source: Source,
    /// Stored: examples of so many days; left out: 365. Simulator: days of each room, 30 at most; left out: 4.
    #[schema(minimum = 1, maximum = 3_650)]
    days: Option<u32>,
    /// Simulator: so many rooms; left out: 400.
    #[schema(minimum = 8, maximum = 1_000)]
    rooms: Option<u32>,
    /// Passes over the examples at most; left out: 40.
    #[schema(minimum = 1, maximum = 200)]
    epochs: Option<u32>,
    /// The same seed and examples produce the same model; left out: 1.
    seed: Option<u64>,
}

impl NewTraining {
    fn order(self) -> Result<TrainingOrder, Problem> {
        let within = |name: &str, value: Option<u32>, usual: u32, least: u32, most: u32| {
            let value = value.unwrap_or(usual);
            let fits = (least..=most).contains(&value);
            fits.then_some(value)
                .ok_or_else(|| invalid(name, format!("is not within {least} to {most}")))
        };
        let examples = match self.source {
            Source::Stored if self.rooms.is_some() => {
                return Err(invalid("rooms", "is for simulated rooms alone"));
            }
            Source::Stored => TrainingExamples::Stored {
                days: within("days", self.days, 365, 1, 3_650)?,
            },
            Source::Simulator => TrainingExamples::Simulated {
                rooms: within("rooms", self.rooms, 400, 8, 1_000)?,
                days: within("days", self.days, 4, 1, 30)?,
            },
        };
        Ok(TrainingOrder {
            version: self.version,
            examples,
            epochs: within("epochs", self.epochs, 40, 1, 200)?,
            seed: self.seed.unwrap_or(1),
        })
    }
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(show, begin, cancel))
        .layer(Extension(Workshop::default()))
}

/// Show the training.
///
/// The one that goes on, or the newest since the start of the service.
#[utoipa::path(get, path = "/training", operation_id = "get_training", tag = "models", responses(
    (status = 200, description = "How far it has come.", body = TrainingState)
))]
async fn show(Extension(workshop): Extension<Workshop>) -> Json<TrainingState> {
    Json(workshop.state())
}

/// Train a model.
///
/// In a process of its own, of the lowest priority and with a bound on its memory, for two hours at most. Its result is a version
/// that does not serve: look at its figures, let it predict in the shadow, then promote it. One training at a time.
#[utoipa::path(post, path = "/training", operation_id = "train_model", tag = "models",
    request_body(content = NewTraining, example = json!({"version": "v2.0.0", "source": "simulator", "rooms": 100, "days": 2, "epochs": 10})),
    responses(
        (status = 202, description = "It has begun.", body = TrainingState),
        (status = 409, description = "Another training goes on, the version is there, or there are too many versions."),
        (status = 503, description = "Another process has the models.")
    ))]
async fn begin(
    State(parts): State<Arc<Parts>>,
    Extension(workshop): Extension<Workshop>,
    Extension(desk): Extension<Desk>,
    Extension(caller): Extension<Caller>,
    Body(asked): Body<NewTraining>,
) -> Result<(StatusCode, Json<TrainingState>), Problem> {
    let models = desk::models(&parts)?.clone();
    let trainer = parts.trainer.clone();
    let trainer = trainer.ok_or_else(|| Problem::new(&UNAVAILABLE, "this process cannot train"))?;
    let order = asked.order()?;
    let (version, looking) = (order.version.clone(), models.clone());
    let free = tokio::task::spawn_blocking(move || is_free(&looking, &version)).await;
    free.expect("looking at versions does not panic")?;
    workshop.vacated().await;
    let cancelled = CancellationToken::new();
    if !workshop.begin(&order, hand(&caller), cancelled.clone()) {
        let text = "another training goes on; wait for it, or cancel it";
        return Err(Problem::new(&CONFLICT, text));
    }
    changes::note(&parts, &caller, "training_started", order.version.clone());
    let training = run::train(workshop.clone(), trainer, (models, desk), order, cancelled);
    tokio::spawn(run::to_its_end(
        workshop.clone(),
        training,
        Arc::clone(&parts),
        caller,
    ));
    Ok((StatusCode::ACCEPTED, Json(workshop.state())))
}

/// Whether a version can have this name.
fn is_free(models: &Models, version: &str) -> Result<(), Problem> {
    match models.registry.show(version) {
        Err(model::RegistryError::Unknown { .. }) => {}
        Err(error) => return Err(desk::refused(error)),
        Ok(_) => {
            return Err(Problem::new(
                &CONFLICT,
                format!("there is a version '{version}'; choose another name"),
            ));
        }
    }
    if models.registry.list().map_err(desk::refused)?.len() >= MOST_VERSIONS {
        let text = format!("there are {MOST_VERSIONS} versions; remove one first");
        return Err(Problem::new(&CONFLICT, text));
    }
    Ok(())
}

/// Cancel the training.
///
/// It ends at once and leaves nothing. One that is trained, and whose version is being added, is not cancelled any more.
#[utoipa::path(delete, path = "/training", operation_id = "cancel_training", tag = "models", responses(
    (status = 200, description = "It is cancelled.", body = TrainingState),
    (status = 409, description = "None goes on, or its version is being added.")
))]
async fn cancel(
    State(parts): State<Arc<Parts>>,
    Extension(workshop): Extension<Workshop>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<TrainingState>, Problem> {
    let version = workshop.cancel();
    let version =
        version.ok_or_else(|| Problem::new(&CONFLICT, "no training goes on that can be cancelled"))?;
    changes::note(&parts, &caller, "training_cancelled", version);
    Ok(Json(workshop.state()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(body: serde_json::Value) -> Option<TrainingOrder> {
        serde_json::from_value::<NewTraining>(body).ok()?.order().ok()
    }

    #[test]
    fn an_order_is_bounded() {
        use serde_json::json;
        let usual = order(json!({"version": "v2", "source": "stored"})).unwrap();
        assert_eq!(usual.examples, TrainingExamples::Stored { days: 365 });
        assert_eq!((usual.epochs, usual.seed), (40, 1));
        let rooms = order(json!({"version": "v2", "source": "simulator", "rooms": 8})).unwrap();
        assert_eq!(rooms.examples, TrainingExamples::Simulated { rooms: 8, days: 4 });
        for wrong in [
            json!({"version": "v2"}),
            json!({"version": "v2", "source": "file"}),
            json!({"version": "v2", "source": "stored", "rooms": 10}),
            json!({"version": "v2", "source": "stored", "days": 0}),
            json!({"version": "v2", "source": "stored", "days": 3_651}),
            json!({"version": "v2", "source": "simulator", "days": 31}),
            json!({"version": "v2", "source": "simulator", "rooms": 7}),
            json!({"version": "v2", "source": "simulator", "rooms": 1_001}),
            json!({"version": "v2", "source": "simulator", "epochs": 0}),
            json!({"version": "v2", "source": "simulator", "epochs": 201}),
            json!({"version": "v2", "source": "simulator", "hidden": [64]}),
        ] {
            assert_eq!(order(wrong.clone()), None, "{wrong}");
        }
    }
}
