//! What a backend needs to know, and why it cannot start.

use std::{path::PathBuf, time::Duration};

use audio::{FeatureOptions, archive::ArchiveOptions};
use domain::{ClipLimits, ClockPolicy, Settings};
use journal::JournalError;
use mqtt::Topics;
use store::{StoreError, StoreOptions};

use crate::{BatchLimits, RetentionOptions, TriggerOptions};

/// What a backend needs to know, wherever its log and its database are.
#[derive(Debug)]
pub struct BackendOptions {
    /// The topics that are ours.
    pub topics: Topics,
    /// When to ask for a position.
    pub trigger: TriggerOptions,
    /// Which features to compute, at which rate.
    pub features: FeatureOptions,
    /// Whether clips' rows have a spectrum.
    pub spectrum: bool,
    /// Where recordings are kept, where they are to be.
    pub archive: Option<ArchiveOptions>,
    /// How large a clip may be.
    pub clip_limits: ClipLimits,
    /// Which device clocks are believed.
    pub clocks: ClockPolicy,
    /// Whether the ML service heeds what requests say of windows. One that knows only the specification's fields does not: it
    /// is not asked while a person or an interlock decides.
    pub ml_understands_context: bool,
    /// How long rows are kept.
    pub retention: RetentionOptions,
    /// How large a batch may grow.
    pub batch: BatchLimits,
    /// A device is inactive when nothing was heard of it for this long.
    pub inactive_after: Duration,
    /// What is set for devices where no level of the registry says anything.
    pub windows: Settings,
    /// The most devices that are shown, registered and decided for; readings of further ones are stored.
    pub max_devices: usize,
}

impl Default for BackendOptions {
    /// The specification's topics and thresholds; five minutes of silence; 10,000 devices.
    fn default() -> Self {
        Self {
            topics: Topics::default(),
            trigger: TriggerOptions::default(),
            features: FeatureOptions::default(),
            spectrum: true,
            archive: None,
            clip_limits: ClipLimits::default(),
            clocks: ClockPolicy::default(),
            ml_understands_context: true,
            retention: RetentionOptions::default(),
            batch: BatchLimits::default(),
            inactive_after: Duration::from_mins(5),
            windows: Settings::default(),
            max_devices: TriggerOptions::default().max_devices,
        }
    }
}

/// Where a backend of one machine keeps and stores.
#[derive(Debug)]
pub struct LocalOptions {
    /// Where the journal lives and how large it may grow.
    pub journal: journal::Options,
    /// The database.
    pub store: StoreOptions,
    /// The directory of what people have set up.
    pub registry: PathBuf,
}

/// The backend cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The journal cannot be opened.
    #[error("the journal cannot be opened")]
    Journal(#[from] JournalError),
    /// The database's address or credentials are unusable.
    #[error("the ClickHouse settings cannot be used")]
    Store(#[from] StoreError),
    /// What people have set up cannot be read.
    #[error("the registry of devices cannot be opened")]
    Registry(#[from] registry::FileError),
    /// The state of windows cannot be read.
    #[error("the state of windows cannot be opened")]
    Windows(#[source] registry::FileError),
    /// The feature settings are unusable.
    #[error("the audio settings cannot be used")]
    Audio(#[from] audio::AudioError),
    /// The directory for recordings cannot be used.
    #[error("recordings cannot be kept in {path}; see audio.storage_path")]
    Archive {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
