//! `.onnx` models by ONNX Runtime, which is loaded at run time.
//!
//! In: a file with one input `features` and the outputs `position` and, if it is known, `log_variance`. Out: those
//! numbers for each row. The file is checked before ONNX Runtime reads it. Weights are never read from other files.

mod error;
mod graph;
mod library;
mod session;
mod wire;

pub use error::OnnxError;
pub(crate) use session::{Answer, OnnxNetwork};

/// Every exporter writes the version of the format first: field 1, a varint.
const FIRST_BYTE: u8 = 0x08;

/// Returns whether a file that begins with `bytes` is ONNX. No `.pth` file begins like this.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    bytes.first() == Some(&FIRST_BYTE)
}
