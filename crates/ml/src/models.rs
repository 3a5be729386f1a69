//! The model that serves, and its replacement while it serves; likewise the candidate in its shadow.
//!
//! In: the paths of model files. Out: the present models. The files are looked at twice a second: unlike a message it
//! reaches a service that was away, and unlike the kernel's notices it also works on network file systems and in
//! containers' volumes. A refused file changes nothing but a counter and the log.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use model::{LoadOptions, Model, sidecar_path};
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use monitoring::with_causes;

use crate::{MlError, MlOptions, metrics::Metrics, vitals::Vitals};

/// The specification's rate.
const TRAINED_RATE: u32 = 16_000;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Holds the present model; readers keep the one they took.
#[derive(Debug)]
pub struct ModelSlot(RwLock<Arc<Model>>);

impl ModelSlot {
    /// A slot that serves `model`.
    pub fn new(model: Model) -> Self {
        Self(RwLock::new(Arc::new(model)))
    }

    /// The present model.
    pub fn current(&self) -> Arc<Model> {
        Arc::clone(&self.0.read())
    }

    /// Another model from now on; gives the old one.
    pub fn swap(&self, model: Model) -> Arc<Model> {
        std::mem::replace(&mut *self.0.write(), Arc::new(model))
    }
}

/// Holds the candidate, where there is one.
#[derive(Debug, Default)]
pub(crate) struct ShadowSlot(RwLock<Option<Arc<Model>>>);

impl ShadowSlot {
    /// The present candidate.
    pub(crate) fn current(&self) -> Option<Arc<Model>> {
        self.0.read().clone()
    }

    pub(crate) fn set(&self, model: Option<Model>) {
        *self.0.write() = model.map(Arc::new);
    }
}

type Stamp = (PathBuf, (SystemTime, u64), Option<(SystemTime, u64)>);

/// What a model must agree with.
#[derive(Debug, Clone)]
pub(crate) struct ModelSource {
    path: PathBuf,
    default_version: String,
    options: LoadOptions,
    sample_rate: Option<u32>,
    features_version: String,
}

impl ModelSource {
    pub(crate) fn new(options: &MlOptions) -> Self {
        Self {
            path: options.model_path.clone(),
            default_version: options.model_version.clone(),
            options: options.load.clone(),
            sample_rate: options.features.rate,
            features_version: options.features.version(),
        }
    }

    /// Where the candidate comes from. One without a side-car is named `shadow`.
    pub(crate) fn shadow(options: &MlOptions) -> Self {
        let path = options.shadow.clone();
        Self {
            path: path.unwrap_or_else(|| model::shadow_path(&options.model_path)),
            default_version: "shadow".into(),
            ..Self::new(options)
        }
    }

    /// Loads the file as it is now.
    pub(crate) fn load(&self) -> Result<Model, MlError> {
        let model = Model::load_with(&self.path, &self.options)
            .map_err(|source| MlError::Model {
                path: self.path.clone(),
                source,
            })?
            .with_default_version(&self.default_version);
        let sidecar = model.sidecar();
        if let (Some(model), Some(configured)) = (sidecar.and_then(|s| s.sample_rate), self.sample_rate)
            && model != configured
        {
            return Err(MlError::SampleRate { model, configured });
        }
        if sidecar.is_none_or(|sidecar| sidecar.sample_rate.is_none())
            && let Some(rate) = self.sample_rate.filter(|rate| *rate != TRAINED_RATE)
        {
            warn!(
                rate,
                "the model does not say at which rate it was trained, usually 16000 Hz; audio.sample_rate differs"
            );
        }
        // A model that does not say was trained on what is computed by default.
        let trained_on = sidecar
            .and_then(|sidecar| sidecar.features_version.as_deref())
            .unwrap_or(domain::FEATURES_VERSION);
        if trained_on != self.features_version {
            return Err(MlError::FeaturesVersion {
                model: trained_on.to_owned(),
                ours: self.features_version.clone(),
            });
        }
        Ok(model)
    }

    /// Which files model and side-car are, when they were last written, and how large they are. `None` while there is
    /// no model: it is being replaced.
    fn stamp(&self) -> Option<Stamp> {
        let path = self.path.canonicalize().ok()?;
        let [model, sidecar] = [path.clone(), sidecar_path(&path)].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        });
        Some((path, model?, sidecar))
    }
}

/// Loads the model that the options name.
pub fn load(options: &MlOptions) -> Result<Model, MlError> {
    ModelSource::new(options).load()
}

/// Loads on a blocking thread. `None` where the file made the loader panic, or the runtime ends: the old model stays.
async fn load_aside(source: ModelSource) -> Option<Result<Model, MlError>> {
    let loading = tokio::task::spawn_blocking(move || monitoring::contain(|| source.load()));
    let loaded = loading.await.ok()?;
    loaded
        .inspect_err(|_| tracing::error!("the new model file made the loader panic; it is refused"))
        .ok()
}

/// Returns whether both are the same file with the same side-car, which may have another version or a confidence that
/// was measured anew.
fn is_same(a: &Model, b: &Model) -> bool {
    (a.sha256(), a.version(), a.sidecar()) == (b.sha256(), b.version(), b.sidecar())
}

/// Follows the file until `shutdown`.
pub(crate) async fn follow(
    source: ModelSource,
    slot: Arc<ModelSlot>,
    metrics: Arc<Metrics>,
    vitals: Arc<Vitals>,
    shutdown: CancellationToken,
) {
    let mut seen = source.stamp();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let stamp = source.stamp();
        if stamp == seen {
            continue;
        }
        seen.clone_from(&stamp);
        if stamp.is_none() {
            // The model in memory goes on; a file that was refused is no fault any more.
            vitals.model.up();
            continue;
        }
        let from = source.clone();
        let Some(loaded) = load_aside(from).await else {
            continue;
        };
        match loaded {
            // The side-car may have been touched without a change.
            Ok(model) if is_same(&model, &slot.current()) => {
                vitals.model.up();
            }
            Ok(model) => {
                let version = model.version().to_owned();
                let old = slot.swap(model);
                metrics.model_swapped();
                vitals.model.up();
                info!(
                    version,
                    replaced = old.version(),
                    "another model serves from now on"
                );
            }
            Err(error) => {
                metrics.model_refused();
                let reason = with_causes(&error);
                let serving = slot.current().version().to_owned();
                warn!(serving, "the new model file is refused: {reason}");
                vitals.model.down(format!(
                    "the new model file is refused, {serving} still serves: {reason}"
                ));
            }
        }
    }
}

/// Follows the candidate until `shutdown`: it comes, changes and goes while the service runs.
pub(crate) async fn follow_shadow(
    source: ModelSource,
    slot: Arc<ShadowSlot>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut seen = None;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let stamp = source.stamp();
        if stamp == seen {
            continue;
        }
        seen.clone_from(&stamp);
        if stamp.is_none() {
            slot.set(None);
            metrics.shadowing(false);
            info!("no candidate predicts any more");
            continue;
        }
        let from = source.clone();
        let Some(loaded) = load_aside(from).await else {
            continue;
        };
        metrics.shadowing(loaded.is_ok());
        match loaded {
            Ok(model) => {
                info!(version = model.version(), "a candidate predicts beside the model");
                slot.set(Some(model));
            }
            Err(error) => {
                slot.set(None);
                metrics.model_refused();
                warn!("the candidate is refused: {}", with_causes(&error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Uncertainty;

    use super::*;

    #[test]
    fn a_confidence_measured_anew_makes_another_model() {
        let model = Model::built_in().unwrap();
        assert!(is_same(&model, &model.clone()));
        let measured = |right: f64| {
            let uncertainty = Uncertainty::measure("tests", &[(50.0, right); 20]).unwrap();
            model.clone().with_uncertainty(uncertainty)
        };
        assert!(is_same(&measured(50.0), &measured(50.0)));
        assert!(!is_same(&measured(50.0), &measured(90.0)));
        assert!(!is_same(&measured(50.0), &model));
    }
}
