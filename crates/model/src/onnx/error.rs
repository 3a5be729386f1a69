//! Why an `.onnx` model cannot be used.

use std::{error::Error, path::PathBuf};

use crate::{OutputScale, UnknownScale};

type Cause = Box<dyn Error + Send + Sync>;

/// An `.onnx` file, or ONNX Runtime itself, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// There is no ONNX Runtime on this machine.
    #[error(
        "ONNX Runtime is not found (looked for {searched}): install it with `pip install onnxruntime`, in an \
         environment of its own where pip asks for one (python3 -m venv DIR), and name that environment or its library \
         in model.onnx_runtime or in ORT_DYLIB_PATH"
    )]
    NoLibrary {
        /// The places that were searched.
        searched: String,
    },
    /// ONNX Runtime exists but cannot be loaded.
    #[error("ONNX Runtime cannot be loaded from {path}: a libonnxruntime of version 1.17 or later is needed")]
    Library {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The bytes are not an ONNX model.
    #[error("the .onnx file is damaged: {0}")]
    Damaged(&'static str),
    /// The weights are in another file.
    #[error(
        "tensor '{tensor}' lies in another file: export with training/export_onnx.py, or with external_data=False"
    )]
    External {
        /// Which tensor.
        tensor: String,
    },
    /// The graph has an operator that could run for ever or fill the memory.
    #[error("operator '{operator}' is refused: it can claim any time or memory, and no regressor needs it")]
    Operator {
        /// Which operator.
        operator: String,
    },
    /// The inputs are not the expected one.
    #[error(
        "the model has the inputs {found}; expected one: features float32 [batch, 50] \
         (training/export_onnx.py makes it)"
    )]
    Inputs {
        /// What the model has.
        found: String,
    },
    /// The outputs are not the expected ones.
    #[error(
        "the model has the outputs {found}; expected position, and log_variance if it is known, each float32 [batch] \
         or [batch, 1] (training/export_onnx.py makes them)"
    )]
    Outputs {
        /// What the model has.
        found: String,
    },
    /// The scale of the outputs has a name that is unknown.
    #[error("the metadata casement.output_scale cannot be used")]
    Scale(#[from] UnknownScale),
    /// The scale of the outputs is declared nowhere.
    #[error(
        "neither the file nor its side-car says whether position is 0 to 1 or 0 to 100: casement models add \
         --output-scale 0-1 (or 0-100)"
    )]
    NoScale,
    /// The scale of the outputs is declared twice, differently.
    #[error("the file says that its outputs are {stated}, but {declared} was declared")]
    OtherScale {
        /// By the file.
        stated: OutputScale,
        /// By the flag or the side-car.
        declared: OutputScale,
    },
    /// ONNX Runtime rejects the model.
    #[error("ONNX Runtime refuses the model")]
    Session(#[source] Cause),
    /// The library or the machine has no CUDA.
    #[error(
        "model.device is cuda, but ONNX Runtime has no CUDA here: install onnxruntime-gpu with its CUDA and cuDNN \
         libraries (docs/models.md names the packages), or set model.device: cpu"
    )]
    Cuda(#[source] Cause),
    /// Its outputs cannot be a position and a log variance.
    #[error("for the means of its training data the model answers {answer}; expected {expected}")]
    Answer {
        /// The outputs.
        answer: String,
        /// The expected outputs.
        expected: &'static str,
    },
}
