//! Why a model file is refused, and why an input is.
//!
//! Every refusal of a file names the tensor or entry at fault and what was expected in its place.

use std::{fmt, io, path::PathBuf};

use crate::{OnnxError, SidecarError};

/// A shape as messages show it; a letter stands for a size that another tensor decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(pub Vec<Extent>);

/// One dimension of an expected shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Exactly this many.
    Exactly(usize),
    /// Any number from one up: a hidden width.
    Any,
}

impl Shape {
    pub(crate) fn exactly(extents: &[usize]) -> Self {
        Self(extents.iter().copied().map(Extent::Exactly).collect())
    }

    pub(crate) fn matches(&self, found: &[usize]) -> bool {
        self.0.len() == found.len()
            && self.0.iter().zip(found).all(|(extent, &size)| match extent {
                Extent::Exactly(expected) => *expected == size,
                Extent::Any => size > 0,
            })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (place, extent) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match extent {
                Extent::Exactly(size) => write!(f, "{comma}{size}")?,
                Extent::Any => write!(f, "{comma}hidden")?,
            }
        }
        f.write_str("]")
    }
}

/// A model file is refused. The model that was serving before stays.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the model {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file changed between two looks at it.
    #[error("the model file changed while it was read; write it beside and rename it")]
    Changed,
    /// The file is larger than any model of this kind.
    #[error("the model file has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size, or what its entries say they unpack to.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Another kind of file.
    #[error("this is {found}, not a .pth file: save it with torch.save(model.state_dict(), PATH)")]
    NotPth {
        /// What it looks like.
        found: &'static str,
    },
    /// A `TorchScript` archive.
    #[error(
        "this is TorchScript (torch.jit.save); save the weights instead: torch.save(model.state_dict(), PATH)"
    )]
    TorchScript,
    /// The container is damaged or not as `torch.save` writes it.
    #[error("the .pth container is damaged: {0}")]
    Container(String),
    /// The pickle is larger than any model of this kind needs.
    #[error("the pickle has more than {limit} bytes; a model of this kind needs fewer than 10000")]
    PickleTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The pickle names something that only an attack would.
    #[error(
        "the pickle refers to {0}, which no model needs: the file is hostile, do not open it with torch.load either"
    )]
    Hostile(String),
    /// The reader of `.pth` files refused it.
    #[error("the .pth file cannot be read: {0}")]
    Reader(String),
    /// A tensor's bytes cannot be read.
    #[error("the bytes of tensor '{tensor}' cannot be read")]
    Bytes {
        /// Which tensor.
        tensor: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No tensor `feature_mean` anywhere.
    #[error("the file has no tensor 'feature_mean'; it holds {found}")]
    NoModel {
        /// The first names in it.
        found: String,
    },
    /// More than one model in the file.
    #[error("the file holds several models: {0}; save only one of them")]
    SeveralModels(String),
    /// A tensor is absent.
    #[error("tensor '{tensor}' is missing, expected with shape {expected}")]
    Missing {
        /// Which tensor.
        tensor: String,
        /// Its shape.
        expected: Shape,
    },
    /// Something that the architecture does not have.
    #[error(
        "unexpected entry '{entry}' ({kind}); expected only feature_mean, feature_std, backbone.0.*, backbone.2.*, …, mean_head.*, logvar_head.*"
    )]
    Unexpected {
        /// Its name.
        entry: String,
        /// Its Python type.
        kind: String,
    },
    /// A tensor has another shape.
    #[error("tensor '{tensor}' has shape {found:?}, expected {expected}")]
    WrongShape {
        /// Which tensor.
        tensor: String,
        /// What it has.
        found: Vec<usize>,
        /// What fits the others.
        expected: Shape,
    },
    /// A tensor has another element type.
    #[error("tensor '{tensor}' is {found}, expected float32 or float64: save model.float()")]
    WrongType {
        /// Which tensor.
        tensor: String,
        /// Its element type.
        found: String,
    },
    /// A weight is NaN or infinite.
    #[error("tensor '{tensor}' has {value} at index {index}, expected finite numbers")]
    NotFinite {
        /// Which tensor.
        tensor: String,
        /// Which element, in row-major order.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// A deviation to divide by is zero or negative.
    #[error("tensor 'feature_std' has {value} at index {index}, expected more than 0")]
    NotPositive {
        /// Which input.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// A `.pth` model on a GPU.
    #[error(
        "model.device is cuda, but a .pth model runs on the CPU: set model.device: cpu, or export the model with \
         torch.onnx.export(model, torch.zeros(2, 50), 'm.onnx', input_names=['features'], \
         output_names=['position', 'log_variance'], external_data=False, dynamic_shapes=…) and name the .onnx file in \
         model.path (cuda is for .onnx models)"
    )]
    CudaForPth,
    /// An `.onnx` model, or ONNX Runtime, cannot be used.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The side-car cannot be used.
    #[error(transparent)]
    Sidecar(#[from] SidecarError),
}

/// An input that no prediction can be made from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Another number of inputs than the model reads.
    #[error("row {row} has {found} numbers, the model reads {expected}")]
    Length {
        /// Which row of the batch, from 0.
        row: usize,
        /// How many it has.
        found: usize,
        /// How many it needs.
        expected: usize,
    },
    /// A number that is not finite, or not within what a 32-bit float holds.
    #[error("row {row}: number {index} is {value}, not a finite 32-bit number")]
    NotFinite {
        /// Which row of the batch, from 0.
        row: usize,
        /// Which number of the row, from 0.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// ONNX Runtime failed while it computed.
    #[error("the model does not compute: {0}")]
    Runtime(String),
    /// The numbers are so large that the network overflows.
    #[error("row {row} is too far from anything the model knows: the result is not finite")]
    Overflow {
        /// Which row of the batch, from 0.
        row: usize,
    },
}
