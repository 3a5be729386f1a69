//! What the handlers stand on.

use std::{path::PathBuf, sync::Arc};

use accounts::Accounts;
use backend::Views;
use domain::Thresholds;
use monitoring::Monitor;
use mqtt::Topics;
use people::Audit;
use store::Store;

use crate::{Doctor, Recordings, Trainer};

/// The parts of a running service that the API shows and changes.
pub struct Parts {
    /// The backend: devices, registry, live events, counters.
    pub views: Views,
    /// Health of every part.
    pub monitor: Monitor,
    /// What was stored.
    pub store: Store,
    /// Devices, people and programs that may come in.
    pub accounts: Arc<Accounts>,
    /// Is told who changed the models.
    pub audit: Arc<dyn Audit>,
    /// Versions of the model; `None` where another process has them.
    pub models: Option<Models>,
    /// Runs the checks of `casement doctor`.
    pub doctor: Option<Arc<dyn Doctor>>,
    /// Trains models; `None` where another process has them.
    pub trainer: Option<Arc<dyn Trainer>>,
    /// The recordings of clips; `None` if none are kept.
    pub recordings: Option<Arc<dyn Recordings>>,
    /// The middle of each mel band of the clips' spectra, Hz.
    pub mel_bands_hertz: Vec<f64>,
    /// The topics of this installation.
    pub topics: Topics,
    /// Topics and payloads, as AsyncAPI 3.0.
    pub messages: serde_json::Value,
    /// The thresholds of the service's own configuration.
    pub thresholds: Thresholds,
    /// The configuration in effect, without secrets.
    pub configuration: serde_json::Value,
    /// The certificate of the authority that devices trust; `None` where Casement has none of its own.
    pub authority: Option<PathBuf>,
    /// How devices come to the embedded broker; `None` where the broker runs elsewhere.
    pub admission: Option<Admission>,
}

/// How devices come to the embedded broker.
#[derive(Clone)]
pub struct Admission {
    /// What becomes of a device without an account: `open`, `pairing` or `closed`.
    pub registration: &'static str,
    /// Where devices on the network reach it, as `mqtts://192.168.1.20:8883`; `None` where it listens on this machine alone.
    /// It is asked each time: a machine's address changes, and may come after the start.
    pub network: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

/// Versions of the model.
#[derive(Debug, Clone)]
pub struct Models {
    /// Their folder.
    pub registry: model::Registry,
    /// What the model at the configured path is called if its side-car says nothing.
    pub unnamed: String,
}
