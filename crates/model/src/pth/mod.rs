//! `.pth` files as PyTorch writes and reads them.
//!
//! In: the bytes of a zip container (state dict, checkpoint, whole module) or of the older stream of pickles. Out:
//! named tensors, and the layers that a whole module states; and the reverse. Sizes are checked before anything is parsed, and nothing in a file is ever run.

mod container;
mod cursor;
mod names;
mod objects;
mod pickle;
mod read;
mod stack;
mod unpickle;
mod write;

#[cfg(test)]
mod module_tests;
#[cfg(test)]
mod tests;

pub(crate) use container::check_size;
pub(crate) use objects::{Id, Object, Objects, Place};
pub(crate) use read::{Contents, read_bytes, read_file, read_limited};
pub use write::write;

/// A tensor with its name in the state dict.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name, such as `backbone.0.weight`.
    pub name: String,
    /// Shape, outermost dimension first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements in row-major order, as many as the shape states.
    pub values: Vec<f32>,
}
