//! Commands that a window was given, whoever gave them.
//!
//! What became of each is another table's, and asked for once a page.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::Response};
use domain::{Contributions, DeviceId, Timestamp};
use monitoring::{Problem, extract::Path};
use serde::Serialize;
use store::ListedCommand;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Asked, Paging, hundredths, of_known, unanswered},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A command to a window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Command)]
struct CommandView {
    /// The time of the decision.
    timestamp: Timestamp,
    /// Its id; empty if the sender gave none.
    command_id: String,
    /// The position, in per cent open.
    #[schema(minimum = 0, maximum = 100)]
    position: Option<f64>,
    /// How sure the sender was, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    /// `model`, `person`, `schedule` or `interlock`; empty if the sender did not say.
    #[schema(examples("model"))]
    origin: String,
    /// The version of the model that decided; empty if none did.
    model_version: String,
    /// Why; empty if the sender gave no reason.
    reason: String,
    /// How far it has come: `sent`, `received`, `reached`, `failed` or `expired`.
    #[schema(examples("reached"))]
    state: String,
    /// More about that, in words; empty where there is nothing to add.
    state_detail: String,
    /// What moved the prediction away from the average of the model's training, in points of the position; `null` where no model
    /// of Casement decided.
    contributions: Option<Contributions>,
    /// The model's own confidence, 0 to 1: `confidence` before it was lowered because an input lies far from the training data;
    /// `null` where that is unknown.
    #[schema(minimum = 0, maximum = 1)]
    model_confidence: Option<f64>,
    /// How far the input lies from the training data: the largest distance of a number from its mean there, in standard deviations.
    /// Up to 5 the confidence is the model's own, from 10 on it is 0. `null` where that is unknown.
    #[schema(minimum = 0)]
    largest_z: Option<f64>,
    /// What the law of moves said: `moved`, or `limited` where the model wanted more or less; empty for commands of before.
    #[schema(examples("moved"))]
    verdict: String,
    /// Which interlock, such as `rain`, or which schedule, by its name; `null` where neither moved the window, and for commands of
    /// before.
    #[schema(examples("rain"))]
    cause: Option<String>,
    /// The temperature that it is based on, in degrees Celsius.
    temperature: Option<f64>,
    /// The humidity that it is based on, in per cent.
    humidity: Option<f64>,
}

impl From<ListedCommand> for CommandView {
    fn from(row: ListedCommand) -> Self {
        let number = |value: f64| value.is_finite().then_some(value);
        Self {
            timestamp: Timestamp::from_millis(row.timestamp),
            command_id: row.command_id,
            position: number(row.position),
            confidence: number(row.confidence),
            origin: row.origin,
            model_version: row.model_version,
            reason: row.reason,
            state: "sent".to_owned(),
            state_detail: String::new(),
            contributions: Contributions::known([
                row.average,
                row.contribution_temperature,
                row.contribution_humidity,
                row.contribution_sound,
            ]),
            model_confidence: number(row.model_confidence),
            largest_z: number(hundredths(row.largest_z)),
            verdict: row.verdict,
            cause: Some(row.cause).filter(|cause| !cause.is_empty()),
            temperature: number(row.temperature),
            humidity: number(row.humidity),
        }
    }
}

/// List the commands to a window.
///
/// The newest come first. Commands that come meanwhile move no page.
#[utoipa::path(get, path = "/devices/{device_id}/commands", operation_id = "list_commands", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Paging),
    responses(
        (status = 200, description = "The commands.", body = Vec<CommandView>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`."))),
        (status = 404, description = "No such device was heard of.")
    ))]
async fn list(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    asked: Asked,
) -> Result<Response, Problem> {
    let found = parts.store.commands(&device_id, &asked.page).await;
    let page = of_known(&parts, &device_id, found).await?;
    let ids: Vec<&str> = page.rows.iter().map(|row| row.command_id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    let states = parts
        .store
        .command_states(&device_id, &ids)
        .await
        .map_err(unanswered(&parts))?;
    // The newest come last, and count.
    let states: HashMap<String, (String, String)> = states
        .into_iter()
        .map(|row| (row.command_id, (row.state, row.detail)))
        .collect();
    let path = format!("/devices/{device_id}/commands");
    Ok(asked.answer(&path, page, |row| {
        let known = states.get(&row.command_id).cloned();
        let mut view = CommandView::from(row);
        if let Some((state, detail)) = known {
            (view.state, view.state_detail) = (state, detail);
        }
        view
    }))
}
