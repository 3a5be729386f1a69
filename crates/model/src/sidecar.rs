//! The JSON beside a `.pth` file: which version it is, what it was trained on, and how good it is.
//!
//! `window_regressor.pth` has `window_regressor.pth.json`; that of a link lies beside the file it leads to. The model
//! works without it; where it is present it must belong to exactly these bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What is known about a model. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Names the model in predictions, like `v1.0.0`.
    pub version: String,
    /// SHA-256 of the `.pth` file in hex.
    pub sha256: String,
    /// The definition of the audio numbers it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features_version: Option<String>,
    /// The features it reads, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The rate clips are brought to, in hertz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// In words, what it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_data: Option<String>,
    /// How well its confidence was calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The nine deciles of each input in the training data, to measure drift against; empty where unknown.
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
    /// Area under the ROC curve: how well confidence separates right from wrong, 0.5 to 1.
    pub auroc: f64,
    /// Share of outcomes inside the 95 % interval.
    pub coverage_95: f64,
}

/// The side-car cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// It is there but cannot be read.
    #[error("cannot read the model's side-car {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not the JSON it should be.
    #[error("the model's side-car {path} is not as expected")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// It describes other bytes.
    #[error("the model's side-car is for another file: it names SHA-256 {expected}, the model has {found}")]
    OtherFile {
        /// What the side-car says.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// Where the side-car of `model` is: the same path with `.json` appended.
pub fn sidecar_path(model: &Path) -> PathBuf {
    let mut path = model.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

impl Sidecar {
    /// One that knows only which file it belongs to.
    pub(crate) fn bare(sha256: &str) -> Self {
        Self {
            version: String::new(),
            sha256: sha256.to_owned(),
            features_version: None,
            features: Vec::new(),
            sample_rate: None,
            training_data: None,
            calibration: None,
            input_deciles: Vec::new(),
        }
    }

    /// Reads the side-car of the model at `model`, whose bytes have the hash `sha256`; `None` where there is none.
    pub(crate) fn beside(model: &Path, sha256: &str) -> Result<Option<Self>, SidecarError> {
        let path = sidecar_path(model);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SidecarError::Read { path, source }),
        };
        Self::parse(&path, &text, sha256).map(Some)
    }

    /// Reads the text of a side-car, which names itself `path` in errors, for a model with the hash `sha256`.
    pub(crate) fn parse(path: &Path, text: &[u8], sha256: &str) -> Result<Self, SidecarError> {
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
