//! The side-car of a model: JSON with its version, its training and its calibration.
//!
//! The side-car of `window_regressor.pth` is `window_regressor.pth.json`; that of a link lies beside its target. A
//! model works without one. If there is one, its hash must match the model's bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{OutputScale, Uncertainty};

/// The form of the side-car. Those without a number have this one; a later one, which may mean other numbers by the same
/// words, is refused.
const FORMAT: u32 = 1;

/// What is read of a side-car before the rest.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: u32,
    #[serde(default)]
    program: String,
}

/// Description of a model. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Version stated with predictions, such as `v1.0.0`.
    pub version: String,
    /// SHA-256 of the `.pth` file in hex.
    pub sha256: String,
    /// Version of the features it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features_version: Option<String>,
    /// The features it reads, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The rate to which clips are resampled, in hertz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// Source of its training data, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_data: Option<String>,
    /// Quality of its confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The scale of an `.onnx` model's outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_scale: Option<OutputScale>,
    /// The uncertainty of a model that states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// Nine deciles of each input in the training data, the reference for drift; empty if unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_deciles: Vec<Vec<f32>>,
}

/// Figures on data that the model was not trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Mean absolute error in points.
    pub mae: f64,
    /// Expected calibration error of the confidence, 0 to 1.
    pub ece: f64,
    /// Brier score of the confidence, 0 to 1.
    pub brier: f64,
    /// Area under the ROC curve of the confidence for right predictions, 0.5 to 1.
    pub auroc: f64,
    /// Share of outcomes inside the 95 % interval.
    pub coverage_95: f64,
}

/// The side-car cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// It exists but cannot be read.
    #[error("cannot read the model's side-car {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not JSON of the expected form.
    #[error("the model's side-car {path} is not as expected")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Place and cause.
        #[source]
        source: serde_json::Error,
    },
    /// A newer version wrote it.
    #[error(
        "the model's side-car {path} was written by {} (format {found}), and this is Casement {}, which knows format {FORMAT}; nothing was changed: use the newer version, or add the model again with this one",
        if program.is_empty() { "a newer Casement".to_owned() } else { format!("Casement {program}") },
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The version that wrote it; empty where it does not say.
        program: String,
    },
    /// It describes another file.
    #[error("the model's side-car is for another file: it names SHA-256 {expected}, the model has {found}")]
    OtherFile {
        /// Hash in the side-car.
        expected: String,
        /// Hash of the file.
        found: String,
    },
}

/// Returns the path of the side-car of `model`: the same path with `.json` appended.
pub fn sidecar_path(model: &Path) -> PathBuf {
    let mut path = model.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

impl Sidecar {
    /// Creates a side-car with nothing but the hash.
    pub(crate) fn bare(sha256: &str) -> Self {
        Self {
            version: String::new(),
            sha256: sha256.to_owned(),
            features_version: None,
            features: Vec::new(),
            sample_rate: None,
            training_data: None,
            calibration: None,
            output_scale: None,
            uncertainty: None,
            input_deciles: Vec::new(),
        }
    }

    /// Reads the side-car of the file `model`, whose bytes have the hash `sha256`; `None` if there is none.
    pub(crate) fn beside(model: &Path, sha256: &str) -> Result<Option<Self>, SidecarError> {
        let path = sidecar_path(model);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SidecarError::Read { path, source }),
        };
        Self::parse(&path, &text, sha256).map(Some)
    }

    /// Parses the text of a side-car for a model with the hash `sha256`. Errors name it `path`.
    pub(crate) fn parse(path: &Path, text: &[u8], sha256: &str) -> Result<Self, SidecarError> {
        if let Ok(head) = serde_json::from_slice::<Head>(text)
            && head.format > FORMAT
        {
            return Err(SidecarError::Newer {
                path: path.to_owned(),
                found: head.format,
                program: head.program,
            });
        }
        let sidecar: Self = serde_json::from_slice(text).map_err(|source| SidecarError::Syntax {
            path: path.to_owned(),
            source,
        })?;
        if !sidecar.sha256.eq_ignore_ascii_case(sha256) {
            return Err(SidecarError::OtherFile {
                expected: sidecar.sha256,
                found: sha256.to_owned(),
            });
        }
        Ok(sidecar)
    }
}
