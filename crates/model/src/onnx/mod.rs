//! `.onnx` models through ONNX Runtime, which is found at run time.
//!
//! In: a file with one input `features` and the outputs `position` and `log_variance`. Out: those two numbers for each
//! row. What the file says is checked before ONNX Runtime sees it; weights are never read from other files.

mod error;
mod graph;
mod library;
mod session;
mod wire;

pub use error::OnnxError;
pub(crate) use session::OnnxNetwork;

/// Every exporter writes the version of the format first: field 1, a varint.
const FIRST_BYTE: u8 = 0x08;

/// Whether a file that begins with `bytes` can only be ONNX; no `.pth` begins like this.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    bytes.first() == Some(&FIRST_BYTE)
}
