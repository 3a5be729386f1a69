//! Training of calibrated models from labelled examples, and evaluation of models against outcomes.
//!
//! In: [`Example`]s from any source. Out: the bytes of a `.pth`, its side-car, a [`Report`], PNGs. The same seed and
//! examples produce the same bytes. It knows no database, no simulator and no terminal, and never touches a model that
//! serves.

mod baselines;
mod calibration;
mod drift;
mod error;
mod evaluation;
mod example;
mod export;
mod fit;
mod jsonl;
mod metrics;
mod normalisation;
mod options;
mod part;
mod plots;
mod regressor;
mod report;
mod split;
mod train;
mod uncertainty;

pub use baselines::Baselines;
pub use calibration::Curve;
pub use drift::{InputDrift, Reference};
pub use error::TrainingError;
pub use evaluation::{Evaluation, Week, evaluate};
pub use example::Example;
pub use fit::Epoch;
pub use jsonl::{read_jsonl, write_jsonl};
pub use metrics::{Bin, Coverage, ErrorMetrics, Metrics};
pub use options::TrainingOptions;
pub use plots::{plot_evaluation, plot_report};
pub use report::{Bar, Report, Sizes};
pub use split::{Split, split};
pub use train::{Trained, train};
pub use uncertainty::{Measured, measure};
