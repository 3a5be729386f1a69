//! From climate and clip features to a window position and how sure it is: loading `.pth` files, on request
//! `.onnx` files, and predicting.
//!
//! In: model files that PyTorch wrote, 50 numbers a prediction. Out: position, log variance, confidence. A file's code
//! is never run, and no file is used unless every tensor is exactly what the architecture asks for.

mod architecture;
mod built_in;
mod confidence;
mod error;
mod input;
mod model;
mod network;
mod onnx;
mod options;
mod predict;
pub mod pth;
mod registry;
mod sidecar;

pub use confidence::{GUARD_FULL_Z, GUARD_ZERO_Z, TOLERANCE_POINTS, confidence, guard};
pub use error::{InputError, LoadError};
pub use input::INPUTS;
pub use model::{Model, UNVERSIONED};
pub use onnx::OnnxError;
pub use options::{Device, LoadOptions, UnknownDevice};
pub use predict::{PredictRequest, PredictResponse, Prediction, answer, input};
pub use registry::{Registry, RegistryError, Version, shadow_path};
pub use sidecar::{Calibration, Sidecar, SidecarError, sidecar_path};
