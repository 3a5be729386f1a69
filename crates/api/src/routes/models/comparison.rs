//! Two versions compared by what they predicted for the same commands. It needs ClickHouse, and no file.

use std::sync::Arc;

use axum::extract::State;
use monitoring::{
    Problem,
    extract::{Query, invalid},
};
use serde::Deserialize;
use store::{Comparison, ComparisonQuery};
use utoipa::IntoParams;

use crate::{
    Parts,
    past::{DAY_MS, span, unanswered, word},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// One version, usually the one that serves.
    #[param(example = "v1.1.0")]
    a: String,
    /// The other, usually the candidate.
    #[param(example = "v1.2.0")]
    b: String,
    /// Only predictions from then on: RFC 3339, or as far back as `-24h` or `-7d`. Left out: a week before the end.
    #[param(example = "-7d")]
    from: Option<String>,
    /// Only predictions until then, likewise; left out: now.
    to: Option<String>,
}

/// Compare two models.
///
/// By the commands for which both made a prediction: how often they agree, how they differ, and, where somebody corrected a
/// command, how far each was off. A version comes to such predictions in the shadow of the other.
#[utoipa::path(get, path = "/models/compare", operation_id = "compare_models", tag = "models", params(Asked),
    responses(
        (status = 200, description = "The comparison. Without common commands, means are null.", body = Comparison),
        (status = 503, description = "ClickHouse is away, or too slow for this period.")
    ))]
pub(super) async fn compare(
    State(parts): State<Arc<Parts>>,
    Query(asked): Query<Asked>,
) -> Result<axum::Json<Comparison>, Problem> {
    for (name, text) in [("a", &asked.a), ("b", &asked.b)] {
        word(name, Some(text))?;
    }
    if asked.a == asked.b {
        return Err(invalid("b", "is the same version as a"));
    }
    let period = span(asked.from.as_deref(), asked.to.as_deref(), Some(7 * DAY_MS))?.0;
    let query = ComparisonQuery {
        a: asked.a,
        b: asked.b,
        since: period.since,
        until: Some(period.until),
        tolerance: model::TOLERANCE_POINTS,
    };
    parts
        .store
        .comparison(&query)
        .await
        .map(axum::Json)
        .map_err(unanswered(&parts))
}
