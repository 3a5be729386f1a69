//! What models predicted for a window: the one that serves, a candidate in its shadow, and what was held because nobody was
//! sure enough.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use domain::{Contributions, DeviceId, Timestamp};
use monitoring::{Problem, extract::Path};
use serde::{Deserialize, Serialize};
use store::ListedPrediction;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Parts,
    past::{Asked, Narrowing, Paging, hundredths, of_known, word},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Only {
    /// Only predictions of this version of the model.
    version: Option<String>,
}

impl Narrowing for Only {
    const NAMES: &'static [&'static str] = &["version"];
}

/// A prediction for a window.
#[derive(Debug, Serialize, ToSchema)]
struct PastPrediction {
    /// Its time.
    timestamp: Timestamp,
    /// The position, in per cent open.
    #[schema(minimum = 0, maximum = 100)]
    position: Option<f64>,
    /// How sure the model was, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    /// The version of the model.
    model_version: String,
    /// Whether it moved no window: its confidence was too low, or the law of moves kept the window.
    held: bool,
    /// The command that it was, or beside which a candidate made it; empty without one.
    command_id: String,
    /// How long it took, in milliseconds.
    inference_time_ms: Option<f64>,
    /// What moved it away from the average of the model's training, in points of the position; `null` where that is unknown.
    contributions: Option<Contributions>,
    /// The model's own confidence, 0 to 1: `confidence` before it was lowered because an input lies far from the training data;
    /// `null` where that is unknown.
    #[schema(minimum = 0, maximum = 1)]
    model_confidence: Option<f64>,
    /// How far the input lies from the training data: the largest distance of a number from its mean there, in standard deviations.
    /// Up to 5 the confidence is the model's own, from 10 on it is 0. `null` where that is unknown.
    #[schema(minimum = 0)]
    largest_z: Option<f64>,
    /// What the law of moves said: `moved`, `limited`, `override`, `interlock`, `quiet`, `too_soon`, `too_small`, `there`;
    /// `unsure` where the confidence was too low; empty for a candidate's, and for predictions of before.
    #[schema(examples("override"))]
    verdict: String,
    /// Why it is held, in words; empty for what was carried out, whose command says why.
    reason: String,
    /// The temperature that it is based on, in degrees Celsius; `null` for what was carried out, whose command has it.
    temperature: Option<f64>,
    /// The humidity that it is based on, in per cent; likewise.
    humidity: Option<f64>,
}

impl From<ListedPrediction> for PastPrediction {
    fn from(row: ListedPrediction) -> Self {
        let number = |value: f64| value.is_finite().then_some(value);
        Self {
            timestamp: Timestamp::from_millis(row.timestamp),
            position: number(row.prediction),
            confidence: number(row.confidence),
            model_version: row.model_version,
            held: row.held,
            command_id: row.command_id,
            inference_time_ms: number(row.inference_time_ms),
            contributions: Contributions::known([
                row.average,
                row.contribution_temperature,
                row.contribution_humidity,
                row.contribution_sound,
            ]),
            model_confidence: number(row.model_confidence),
            largest_z: number(hundredths(row.largest_z)),
            verdict: row.verdict,
            reason: row.reason,
            temperature: number(row.temperature),
            humidity: number(row.humidity),
        }
    }
}

/// List the predictions for a window.
///
/// The newest come first: those of the model that served, of candidates, and those that were held.
#[utoipa::path(get, path = "/devices/{device_id}/predictions", operation_id = "list_predictions", tag = "history",
    params(("device_id" = DeviceId, Path, description = "The id of the device."), Only, Paging),
    responses(
        (status = 200, description = "The predictions.", body = Vec<PastPrediction>,
            headers(("Link" = Option<String>, description = "Where older ones are: `<…>; rel=\"next\"`."))),
        (status = 404, description = "No such device was heard of.")
    ))]
async fn list(
    State(parts): State<Arc<Parts>>,
    Path(device_id): Path<DeviceId>,
    asked: Asked<Only>,
) -> Result<Response, Problem> {
    let version = word("version", asked.only.version.as_deref())?;
    let found = parts.store.predictions(&device_id, version, &asked.page).await;
    let page = of_known(&parts, &device_id, found).await?;
    let path = format!("/devices/{device_id}/predictions");
    Ok(asked.answer(&path, page, PastPrediction::from))
}
