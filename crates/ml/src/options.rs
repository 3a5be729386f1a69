//! What the service needs to know, and why it may not start.

use std::{path::PathBuf, time::Duration};

use audio::{AudioError, FeatureOptions, archive::ArchiveOptions};
use domain::{ClipLimits, Confidence};
use model::{LoadError, LoadOptions};
use mqtt::{ConnectionOptions, Topics};

/// The service's options. Start from [`MlOptions::new`] and change what differs.
#[derive(Debug)]
pub struct MlOptions {
    /// The broker; the subscription is added.
    pub connection: ConnectionOptions,
    /// Where requests come from and commands go to.
    pub topics: Topics,
    /// The `.pth` or `.onnx` file. When it is replaced, the service follows.
    pub model_path: PathBuf,
    /// What predictions are labelled with where the model's side-car does not say.
    pub model_version: String,
    /// Where predictions are computed, and by which ONNX Runtime.
    pub load: LoadOptions,
    /// A candidate that predicts beside the model and moves nothing; without it, what the registry beside the model says.
    pub shadow: Option<PathBuf>,
    /// How features are computed. Which ones does not matter here: always those that models read.
    pub features: FeatureOptions,
    /// How large a clip may be.
    pub clip_limits: ClipLimits,
    /// Where recordings are kept, where they are to be.
    pub store_raw: Option<ArchiveOptions>,
    /// How long a command is worth acting on.
    pub command_ttl: Duration,
    /// The confidence, 0 to 1, below which a decision is published for the record and not carried out.
    pub min_confidence: f64,
    /// How many devices may wait for an answer at once; the one that waited longest gives way.
    pub max_waiting: usize,
}

impl MlOptions {
    /// The defaults around the four things that have none.
    pub fn new(
        connection: ConnectionOptions,
        topics: Topics,
        model_path: impl Into<PathBuf>,
        model_version: impl Into<String>,
    ) -> Self {
        Self {
            connection,
            topics,
            model_path: model_path.into(),
            model_version: model_version.into(),
            load: LoadOptions::default(),
            shadow: None,
            features: FeatureOptions::default(),
            clip_limits: ClipLimits::default(),
            store_raw: None,
            command_ttl: Duration::from_mins(1),
            min_confidence: Confidence::DEFAULT_FLOOR,
            max_waiting: 1_000,
        }
    }
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MlError {
    /// The model file is refused.
    #[error("the model {path} cannot be used; see model.path")]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// The model was trained on another sample rate.
    #[error("the model was trained at {model} Hz, audio.sample_rate is {configured} Hz")]
    SampleRate {
        /// What the side-car says.
        model: u32,
        /// What the configuration says.
        configured: u32,
    },
    /// The model was trained on another definition of the features.
    #[error(
        "the model was trained on features '{model}', the audio settings give '{ours}': change them, or serve a model whose side-car names these features"
    )]
    FeaturesVersion {
        /// What the side-car says.
        model: String,
        /// What is computed here.
        ours: String,
    },
    /// No model reads that many coefficients.
    #[error("audio.n_mfcc is {0}, but models read 20 coefficients: set it back, or run the backend alone")]
    Coefficients(usize),
    /// The feature settings are unusable.
    #[error("the audio settings cannot be used")]
    Audio(#[from] AudioError),
    /// The directory for recordings cannot be used.
    #[error("recordings cannot be kept in {path}; see audio.storage_path")]
    RawDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("a worker thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The connection was closed under the service.
    #[error("the connection to the broker was closed")]
    Closed,
}
