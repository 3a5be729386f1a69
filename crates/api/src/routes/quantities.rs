//! What sensors can measure.

use std::sync::Arc;

use axum::Json;
use domain::Quantity;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Parts;

/// A quantity, for people.
#[derive(Serialize, ToSchema)]
struct QuantityView {
    quantity: Quantity,
    /// Its name.
    name: &'static str,
    /// The unit of its values.
    unit: &'static str,
    /// Decimals that are worth showing.
    decimals: u8,
    /// Whether every device is expected to have it.
    climate: bool,
}

pub(crate) fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List quantities.
///
/// What sensors can measure, with names, units and decimals for people.
#[utoipa::path(get, path = "/quantities", operation_id = "list_quantities", tag = "devices", responses(
    (status = 200, description = "The quantities.", body = Vec<QuantityView>)
))]
async fn list() -> Json<Vec<QuantityView>> {
    let view = |quantity: Quantity| QuantityView {
        quantity,
        name: quantity.name(),
        unit: quantity.unit(),
        decimals: quantity.decimals(),
        climate: Quantity::CLIMATE.contains(&quantity),
    };
    Json(Quantity::ALL.map(view).into())
}
