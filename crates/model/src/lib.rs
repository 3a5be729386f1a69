//! Models that predict a window position and its confidence from climate and clip features: loading of `.pth` and
//! `.onnx` files, prediction, versions.
//!
//! In: model files that PyTorch wrote, 50 numbers for each prediction. Out: position, log variance, confidence. Code in
//! a file is never run, and no file is used unless all that it states is understood.

mod architecture;
mod built_in;
mod confidence;
mod error;
mod explanation;
mod input;
mod json;
mod model;
mod network;
mod onnx;
mod options;
mod predict;
pub mod pth;
mod registry;
mod scale;
mod sidecar;
mod uncertainty;

pub use confidence::{GUARD_FULL_Z, GUARD_ZERO_Z, TOLERANCE_POINTS, confidence, guard};
pub use error::{InputError, LoadError};
pub use explanation::Explanation;
pub use input::INPUTS;
pub use json::explain_json;
pub use model::{Model, UNVERSIONED};
pub use onnx::OnnxError;
pub use options::{Device, LoadOptions, UnknownDevice};
pub use predict::{
    LOG_VARIANCE, PredictRequest, PredictResponse, Prediction, answer, answer_with_reasons, input,
};
pub use registry::{Details, Registry, RegistryError, Version, shadow_path};
pub use scale::{OutputScale, UnknownScale};
pub use sidecar::{Calibration, Sidecar, SidecarError, sidecar_path};
pub use uncertainty::{ErrorRange, TooFewExamples, Uncertainty};
