//! Why a model file or an input is refused.
//!
//! Every refusal of a file names the tensor or entry at fault and the expected one.

use std::{fmt, io, path::PathBuf};

use crate::{OnnxError, SidecarError};

/// An expected shape, as messages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape(pub Vec<Extent>);

/// One dimension of an expected shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Exactly this many.
    Exactly(usize),
    /// Any number above zero: a hidden width.
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

/// The ways in for a model whose computation is not in its file.
const WAYS: &str = "three ways in: the documented layout (training/train_in_pytorch.py makes it); a whole module of \
                    torch's own layers in that layout (torch.save(model, PATH)); or ONNX, for any model \
                    (training/export_onnx.py)";

/// A model file is refused. The serving model stays.
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
    /// The file changed while it was read.
    #[error("the model file changed while it was read; write it beside and rename it")]
    Changed,
    /// The file is larger than any model of this kind.
    #[error("the model has {bytes} bytes, and the limit is {limit}; a model of this kind needs far fewer")]
    TooLarge {
        /// Its size, or the stated unpacked size of its entries.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is of another kind.
    #[error("this is {found}, not a .pth file: save it with torch.save(model.state_dict(), PATH)")]
    NotPth {
        /// The kind of file it appears to be.
        found: &'static str,
    },
    /// The file is a `TorchScript` archive.
    #[error(
        "this is TorchScript (torch.jit.save); make an .onnx file of it with training/export_onnx.py, or save the \
         weights: torch.save(model.state_dict(), PATH)"
    )]
    TorchScript,
    /// The container is damaged or not as `torch.save` writes it.
    #[error("the .pth container is damaged: {0}")]
    Container(String),
    /// The pickle is larger than any model of this kind needs.
    #[error(
        "the pickle has more than {limit} bytes, which are enough for 150 layers; save the weights alone \
         (torch.save(model.state_dict(), PATH)), or make an .onnx file with training/export_onnx.py"
    )]
    PickleTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The pickle names something that only an attack needs.
    #[error(
        "the pickle refers to {0}, which no model needs: the file is hostile, do not open it with torch.load either{own}",
        own = own_function(.0)
    )]
    Hostile(String),
    /// The reader of `.pth` files refused it.
    #[error("the .pth file cannot be read: {0}")]
    Reader(String),
    /// A tensor's bytes cannot be read.
    #[error("the bytes of tensor '{tensor}' cannot be read")]
    Bytes {
        /// Name of the tensor.
        tensor: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file has no tensor `feature_mean`.
    #[error(
        "the file has no tensor 'feature_mean'; it holds {found}, and how they are computed is not in the file; {WAYS}"
    )]
    NoModel {
        /// The first names in it.
        found: String,
    },
    /// The file is a whole module without a tensor `feature_mean`.
    #[error(
        "the file is a whole module of the class {class} without a tensor 'feature_mean'; it holds {found}; {WAYS}"
    )]
    OtherModule {
        /// Its class.
        class: String,
        /// The first names in it.
        found: String,
    },
    /// A module is of a class whose code only its author has.
    #[error(
        "the file states {class}{}, a class of its author's own, whose forward is not in the file; {WAYS}",
        at(place)
    )]
    OwnClass {
        /// The class.
        class: String,
        /// Where it stands; empty for the whole model.
        place: String,
    },
    /// A layer of PyTorch's is not computed here.
    #[error("the file states {layer} at `{place}`, which Casement does not compute; {WAYS}")]
    UnknownLayer {
        /// The layer.
        layer: String,
        /// Its name.
        place: String,
    },
    /// A part could be computed in several ways.
    #[error("what `{place}` computes cannot be known: {reason}; {WAYS}")]
    Undecided {
        /// Its name.
        place: String,
        /// Why.
        reason: String,
    },
    /// The file holds more than one model.
    #[error("the file holds several models: {0}; save only one of them")]
    SeveralModels(String),
    /// A tensor is absent.
    #[error("tensor '{tensor}' is missing, expected with shape {expected}")]
    Missing {
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        expected: Shape,
    },
    /// An entry is not part of the architecture.
    #[error(
        "unexpected entry '{entry}' ({kind}); expected only feature_mean, feature_std, backbone.0.*, backbone.2.*, …, \
         mean_head.*, logvar_head.*"
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
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits the other tensors.
        expected: Shape,
    },
    /// A tensor has another element type.
    #[error("tensor '{tensor}' is {found}, expected float32 or float64: save model.float()")]
    WrongType {
        /// Name of the tensor.
        tensor: String,
        /// Its element type.
        found: String,
    },
    /// A weight is NaN or infinite.
    #[error("tensor '{tensor}' has {value} at index {index}, expected finite numbers")]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// Index of the element, in row-major order.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// A deviation is zero or negative.
    #[error("tensor 'feature_std' has {value} at index {index}, expected more than 0")]
    NotPositive {
        /// Index of the input.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// A `.pth` model cannot run on a GPU.
    #[error(
        "model.device is cuda, but a .pth model runs on the CPU: set model.device: cpu, or make an .onnx file with \
         training/export_onnx.py and name it in model.path (cuda is for .onnx models)"
    )]
    CudaForPth,
    /// An `.onnx` model, or ONNX Runtime, cannot be used.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The side-car cannot be used.
    #[error(transparent)]
    Sidecar(#[from] SidecarError),
}

/// Returns a name from a file as messages show it: short, and without what would change a terminal.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = name.chars().take(LONGEST).map(plain).collect();
    if name.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Returns the one harmless reason for a name that attacks use.
fn own_function(global: &str) -> &'static str {
    if global.ends_with(".getattr") {
        "; or, if it is your own, its class keeps a function such as torch.tanh as an attribute: use torch.nn.Tanh()"
    } else {
        ""
    }
}

fn at(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!(" at `{place}`")
    }
}

/// An input that cannot be used for a prediction.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The row has the wrong number of inputs.
    #[error("row {row} has {found} numbers, the model reads {expected}")]
    Length {
        /// Index of the row in the batch, from 0.
        row: usize,
        /// Number of inputs it has.
        found: usize,
        /// Number of inputs it needs.
        expected: usize,
    },
    /// A number is not finite, or exceeds the range of a 32-bit float.
    #[error("row {row}: number {index} is {value}, not a finite 32-bit number")]
    NotFinite {
        /// Index of the row in the batch, from 0.
        row: usize,
        /// Index of the number in the row, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// ONNX Runtime failed to compute.
    #[error("the model does not compute: {0}")]
    Runtime(String),
    /// The numbers are so large that the network overflows.
    #[error("row {row} is too far from anything the model knows: the result is not finite")]
    Overflow {
        /// Index of the row in the batch, from 0.
        row: usize,
    },
}
