//! Why training, evaluation or plotting failed.

use std::{io, path::PathBuf};

/// Training, evaluation or plotting failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file cannot be read or written.
    #[error("cannot use the file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of JSON lines is not an example.
    #[error("line {line} is not an example: {reason}")]
    Syntax {
        /// Number of the line, counted from 1.
        line: usize,
        /// Place and cause in words.
        reason: String,
    },
    /// A number of an example is out of range.
    #[error("example {number} ({device_id}): {reason}")]
    Impossible {
        /// Number of the example, counted from 1.
        number: usize,
        /// The device.
        device_id: String,
        /// Which number, and its range.
        reason: String,
    },
    /// There are too few examples to train or evaluate with.
    #[error("too few examples: {found}, at least {needed} are needed")]
    TooFew {
        /// Number of examples.
        found: usize,
        /// Smallest number of examples.
        needed: usize,
    },
    /// There are too few examples to measure a model's uncertainty.
    #[error(transparent)]
    Uncertainty(#[from] model::TooFewExamples),
    /// All labels are equal, so there is nothing to learn.
    #[error("every example has the same position, {position}: there is nothing to learn")]
    ConstantLabels {
        /// The position.
        position: f64,
    },
    /// The examples cannot be split into parts that all have some.
    #[error("the examples of {devices} devices cannot be split: the {part} part would be empty")]
    Split {
        /// Number of devices.
        devices: usize,
        /// The empty part.
        part: &'static str,
    },
    /// The loss became infinite or not a number.
    #[error("the training diverged in epoch {epoch}; a smaller learning rate may help")]
    Diverged {
        /// Number of the epoch, counted from 1.
        epoch: usize,
    },
    /// An option is invalid.
    #[error("{0}")]
    Options(&'static str),
    /// The written model does not load, which is a bug.
    #[error("the model that was written does not load")]
    Written(#[source] model::LoadError),
    /// A model cannot read an example.
    #[error("the model cannot read an example")]
    Input(#[from] model::InputError),
    /// A plot cannot be drawn or written.
    #[error("cannot draw {path}: {reason}")]
    Plot {
        /// Path of the plot.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
