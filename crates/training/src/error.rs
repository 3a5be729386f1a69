//! Why there is no model, no evaluation or no plot.

use std::{io, path::PathBuf};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A file cannot be read or written.
    #[error("cannot use the file {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of JSON lines is not an example.
    #[error("line {line} is not an example")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A number of an example is not possible.
    #[error("example {number} ({device_id}): {reason}")]
    Impossible {
        /// Counted from 1.
        number: usize,
        /// Whose.
        device_id: String,
        /// Which number, and what is possible.
        reason: String,
    },
    /// Not enough to learn or to judge from.
    #[error("too few examples: {found}, at least {needed} are needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// Every label says the same, so there is nothing to learn.
    #[error("every example has the same position, {position}: there is nothing to learn")]
    ConstantLabels {
        /// The one position.
        position: f64,
    },
    /// The examples cannot be split so that each part has some.
    #[error("the examples of {devices} devices cannot be split: the {part} part would be empty")]
    Split {
        /// How many devices there are.
        devices: usize,
        /// Which part.
        part: &'static str,
    },
    /// The loss became infinite or not a number.
    #[error("the training diverged in epoch {epoch}; a smaller learning rate may help")]
    Diverged {
        /// Counted from 1.
        epoch: usize,
    },
    /// An option makes no sense.
    #[error("{0}")]
    Options(&'static str),
    /// The written model does not load, which is a mistake of ours.
    #[error("the model that was written does not load")]
    Written(#[source] model::LoadError),
    /// A model cannot read an example.
    #[error("the model cannot read an example")]
    Input(#[from] model::InputError),
    /// A plot cannot be drawn or written.
    #[error("cannot draw {path}: {reason}")]
    Plot {
        /// Where it should have been.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
