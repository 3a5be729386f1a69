//! Why an `.onnx` model cannot be used.

use std::{error::Error, path::PathBuf};

type Cause = Box<dyn Error + Send + Sync>;

/// An `.onnx` file, or ONNX Runtime itself, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// There is no ONNX Runtime on this machine.
    #[error(
        "ONNX Runtime is not found (looked for {searched}): install it with `pip install onnxruntime`, or name its \
         library in model.onnx_runtime or in ORT_DYLIB_PATH"
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
    #[error("tensor '{tensor}' lies in another file: export with torch.onnx.export(…, external_data=False)")]
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
         (torch.onnx.export(…, input_names=['features']))"
    )]
    Inputs {
        /// What the model has.
        found: String,
    },
    /// The outputs are not the expected two.
    #[error(
        "the model has the outputs {found}; expected two: position and log_variance, each float32 [batch] or \
         [batch, 1] (torch.onnx.export(…, output_names=['position', 'log_variance']))"
    )]
    Outputs {
        /// What the model has.
        found: String,
    },
    /// ONNX Runtime rejects the model.
    #[error("ONNX Runtime refuses the model")]
    Session(#[source] Cause),
    /// The library or the machine has no CUDA.
    #[error(
        "model.device is cuda, but ONNX Runtime has no CUDA here: install onnxruntime-gpu with its CUDA and cuDNN \
         libraries, or set model.device: cpu"
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
