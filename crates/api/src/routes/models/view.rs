//! A version of the model, for people.

use model::{Calibration, Version};
use serde::Serialize;
use utoipa::ToSchema;

/// A version of the model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "fields of an answer, each a fact of its own"
)]
#[schema(as = Model)]
pub(in crate::routes) struct ModelView {
    /// Its name.
    #[schema(examples("v1.1.0"))]
    pub(in crate::routes) version: String,
    /// Whether it is the one that serves.
    serves: bool,
    /// Whether it is the candidate that predicts beside the one that serves.
    shadows: bool,
    /// Whether it is the one that is part of the program.
    built_in: bool,
    /// Whether `POST /api/v1/models/rollback` lets it serve again: it served before the one that serves.
    is_predecessor: bool,
    /// SHA-256 of its file; empty if that cannot be read.
    sha256: String,
    /// What the features follow that it was trained on; null if unknown.
    features_version: Option<String>,
    /// Where its training data came from; null if unknown.
    training_data: Option<String>,
    /// How good its predictions are, on examples that it was not trained on; null if unknown.
    figures: Option<Figures>,
    /// Where its confidence was measured, if it states none itself.
    confidence_measured_on: Option<String>,
    /// Why it cannot be used, if its file was damaged; null otherwise.
    problem: Option<String>,
}

/// Figures on examples that a model was not trained on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModelFigures)]
struct Figures {
    /// Mean absolute error, in points.
    mae: f64,
    /// Expected calibration error of the confidence, 0 to 1.
    ece: f64,
    /// Brier score of the confidence, 0 to 1.
    brier: f64,
    /// Area under the ROC curve of the confidence, 0.5 to 1.
    auroc: f64,
    /// Share of outcomes within the 95 % interval.
    coverage_95: f64,
}

impl From<Calibration> for Figures {
    fn from(known: Calibration) -> Self {
        let Calibration {
            mae,
            ece,
            brier,
            auroc,
            coverage_95,
        } = known;
        Self {
            mae,
            ece,
            brier,
            auroc,
            coverage_95,
        }
    }
}

impl ModelView {
    /// The version, beside the one that a rollback leads to.
    pub(super) fn beside(version: Version, predecessor: Option<&str>) -> Self {
        let mut view = Self::from(version);
        view.is_predecessor = predecessor == Some(view.version.as_str());
        view
    }
}

impl From<Version> for ModelView {
    fn from(version: Version) -> Self {
        let sidecar = version.sidecar;
        Self {
            version: version.version,
            serves: version.serves,
            shadows: version.shadows,
            built_in: version.built_in,
            is_predecessor: false,
            sha256: sidecar.sha256,
            features_version: sidecar.features_version,
            training_data: sidecar.training_data,
            figures: sidecar.calibration.map(Figures::from),
            confidence_measured_on: sidecar.uncertainty.map(|known| known.source),
            problem: version.problem,
        }
    }
}
