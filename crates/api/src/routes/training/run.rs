//! The one training: its state, its end.
//!
//! In: an order, a trainer, somebody who cancels. Out: a version, or the reason why there is none. The version is added as an
//! uploaded one is: whole or not at all.

use std::{io, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use model::RegistryError;
use monitoring::with_causes;
use parking_lot::Mutex;
use people::Caller;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    super::models::{MOST_VERSIONS, ModelView, desk::Desk},
    TrainedModel, Trainer, TrainingExamples, TrainingOrder, TrainingStep,
    view::{Training, TrainingStage, TrainingState},
};
use crate::{Models, Parts, changes};

const LOOK: Duration = Duration::from_millis(50);
const LONGEST_END: Duration = Duration::from_secs(10);
/// A training takes at most so long.
const LONGEST: Duration = Duration::from_hours(2);

/// The place where one model at a time is trained. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Workshop(Arc<Mutex<Bench>>);

#[derive(Debug, Default)]
struct Bench {
    state: TrainingState,
    /// There while a training can be cancelled.
    cancelled: Option<CancellationToken>,
}

impl Bench {
    fn is_taken(&self) -> bool {
        let training = self.state.training.as_ref();
        training.is_some_and(|training| training.finished_at.is_none())
    }
}

/// How a training ended.
pub(super) enum End {
    /// It made this version.
    Made(Box<ModelView>),
    /// It failed, for this reason.
    Failed(String),
    /// Somebody cancelled it.
    Cancelled,
}

impl Workshop {
    pub(super) fn state(&self) -> TrainingState {
        self.0.lock().state.clone()
    }

    /// Begins a training, unless one goes on.
    pub(super) fn begin(&self, order: &TrainingOrder, by: String, cancelled: CancellationToken) -> bool {
        let mut bench = self.0.lock();
        if bench.is_taken() {
            return false;
        }
        bench.cancelled = Some(cancelled);
        bench.state.training = Some(Training {
            version: order.version.clone(),
            source: match order.examples {
                TrainingExamples::Stored { .. } => "stored",
                TrainingExamples::Simulated { .. } => "simulator",
            },
            started_by: by,
            started_at: Timestamp::now(),
            finished_at: None,
            state: TrainingStage::Collecting,
            examples: None,
            epochs: order.epochs,
            validation_mae: Vec::new(),
            reason: None,
            result: None,
        });
        true
    }

    /// Cancels the training that goes on, once. Returns the name of its version.
    pub(super) fn cancel(&self) -> Option<String> {
        let mut bench = self.0.lock();
        bench.cancelled.take()?.cancel();
        let training = bench.state.training.as_mut()?;
        training.state = TrainingStage::Cancelled;
        Some(training.version.clone())
    }

    /// Waits until the process of a cancelled training has ended, ten seconds at most.
    pub(super) async fn vacated(&self) {
        let is_ending = || {
            let bench = self.0.lock();
            let training = bench.state.training.as_ref();
            bench.is_taken() && training.is_some_and(|training| training.state == TrainingStage::Cancelled)
        };
        let ended = async {
            while is_ending() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_END, ended).await;
    }

    /// From here on the training cannot be cancelled. Returns whether it was not.
    fn settle(&self) -> bool {
        self.0.lock().cancelled.take().is_some()
    }

    fn step(&self, step: &TrainingStep) {
        let mut bench = self.0.lock();
        let Some(training) = &mut bench.state.training else {
            return;
        };
        if training.state == TrainingStage::Cancelled {
            return;
        }
        match step {
            TrainingStep::Collected(examples) => {
                training.examples = Some(*examples);
                training.state = TrainingStage::Training;
            }
            TrainingStep::Epoch { validation_mae, .. } => {
                if training.validation_mae.len() < training.epochs as usize {
                    training.validation_mae.push(*validation_mae);
                }
            }
        }
    }

    fn end(&self, end: End) {
        let mut bench = self.0.lock();
        bench.cancelled = None;
        let Some(training) = &mut bench.state.training else {
            return;
        };
        training.finished_at = Some(Timestamp::now());
        training.state = match end {
            End::Made(result) => {
                training.result = Some(*result);
                TrainingStage::Finished
            }
            End::Failed(reason) => {
                training.reason = Some(reason);
                TrainingStage::Failed
            }
            End::Cancelled => TrainingStage::Cancelled,
        };
    }
}

/// Trains, and adds the version.
pub(super) async fn train(
    workshop: Workshop,
    trainer: Arc<dyn Trainer>,
    (models, desk): (Models, Desk),
    order: TrainingOrder,
    cancelled: CancellationToken,
) -> End {
    let version = order.version.clone();
    let hears = workshop.clone();
    let told = Arc::new(move |step: TrainingStep| hears.step(&step));
    let training = tokio::time::timeout(LONGEST, trainer.train(order, told));
    let ended = cancelled.run_until_cancelled(training).await;
    if !workshop.settle() {
        return End::Cancelled;
    }
    let made = match ended {
        None => return End::Cancelled,
        Some(Err(_)) => {
            return End::Failed("it took more than two hours; choose fewer examples or passes".into());
        }
        Some(Ok(Err(why))) => return End::Failed(why),
        Some(Ok(Ok(made))) => made,
    };
    let place = desk.wait().await;
    let adding = tokio::task::spawn_blocking(move || {
        let added = add(&models, &version, &made);
        drop(place);
        added
    });
    match adding.await {
        Ok(Ok(view)) => End::Made(Box::new(view)),
        Ok(Err(why)) => End::Failed(why),
        Err(_) => End::Failed("the version cannot be added; the log says why".into()),
    }
}

/// Notes how a training ends, in whatever way.
pub(super) async fn to_its_end(
    workshop: Workshop,
    training: impl Future<Output = End> + Send + 'static,
    parts: Arc<Parts>,
    caller: Caller,
) {
    // A task of its own, so that a fault in it leaves the place free.
    let ended = tokio::spawn(training).await;
    let end =
        ended.unwrap_or_else(|_| End::Failed("it ended with a fault of its own; the log says which".into()));
    match &end {
        End::Made(view) => {
            info!(version = view.version, "a model is trained");
            changes::note(&parts, &caller, "model_trained", view.version.clone());
        }
        End::Failed(why) => warn!("a training failed: {why}"),
        End::Cancelled => info!("a training is cancelled"),
    }
    workshop.end(end);
}

/// Adds the version as `casement models add` does.
fn add(models: &Models, version: &str, trained: &TrainedModel) -> Result<ModelView, String> {
    let known = models.registry.list().map_err(|error| with_causes(&error))?;
    if known.len() >= MOST_VERSIONS {
        return Err(format!(
            "meanwhile there are {MOST_VERSIONS} versions; remove one first"
        ));
    }
    let written = |error: io::Error| format!("the model cannot be written: {error}");
    let folder = tempfile::tempdir().map_err(written)?;
    let file = folder.path().join("trained.pth");
    put(&file, &trained.file).map_err(written)?;
    put(&model::sidecar_path(&file), &trained.sidecar).map_err(written)?;
    let added = models.registry.add(&file, Some(version));
    added.map(ModelView::from).map_err(|error| match &error {
        RegistryError::Taken(_) => format!("meanwhile another file has the version '{version}'"),
        _ => with_causes(&error),
    })
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;

    use super::super::TrainingTold;
    use super::*;

    /// Says one epoch, then does what it is told.
    struct Says(Option<Result<TrainedModel, String>>);

    impl Trainer for Says {
        fn train(
            &self,
            _: TrainingOrder,
            told: TrainingTold,
        ) -> BoxFuture<'static, Result<TrainedModel, String>> {
            let answer = self.0.clone();
            Box::pin(async move {
                told(TrainingStep::Collected(600));
                told(TrainingStep::Epoch {
                    number: 1,
                    validation_mae: 7.5,
                });
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            })
        }
    }

    fn order() -> TrainingOrder {
        TrainingOrder {
            version: "v7".into(),
            examples: TrainingExamples::Stored { days: 1 },
            epochs: 1,
            seed: 1,
        }
    }

    fn models(folder: &Path) -> Models {
        Models {
            registry: model::Registry::beside(&folder.join("window_regressor.pth")),
            unnamed: "v1".into(),
        }
    }

    async fn trained(answer: Option<Result<TrainedModel, String>>, cancel: bool) -> (Training, usize) {
        let folder = tempfile::tempdir().unwrap();
        let (workshop, cancelled) = (Workshop::default(), CancellationToken::new());
        assert!(workshop.begin(&order(), "ada".into(), cancelled.clone()));
        assert!(!workshop.begin(&order(), "bob".into(), CancellationToken::new()));
        if cancel {
            assert_eq!(workshop.cancel().as_deref(), Some("v7"));
            assert!(workshop.cancel().is_none(), "it is cancelled once");
            let told = workshop.state().training.unwrap();
            assert_eq!((told.state, told.finished_at), (TrainingStage::Cancelled, None));
            assert!(!workshop.begin(&order(), "bob".into(), CancellationToken::new()));
        }
        let models = models(folder.path());
        let end = train(
            workshop.clone(),
            Arc::new(Says(answer)),
            (models.clone(), Desk::default()),
            order(),
            cancelled,
        )
        .await;
        workshop.end(end);
        assert!(workshop.cancel().is_none(), "nothing goes on any more");
        (
            workshop.state().training.unwrap(),
            models.registry.list().map_or(0, |known| known.len()),
        )
    }

    fn built_in() -> TrainedModel {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/window_regressor.pth");
        TrainedModel {
            file: std::fs::read(&file).unwrap(),
            sidecar: std::fs::read(model::sidecar_path(&file)).unwrap(),
        }
    }

    #[tokio::test]
    async fn what_is_being_added_waits_for_its_place_and_is_cancelled_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (workshop, cancelled) = (Workshop::default(), CancellationToken::new());
        let (models, desk) = (models(folder.path()), Desk::default());
        assert!(workshop.begin(&order(), "ada".into(), cancelled.clone()));
        let place = desk.wait().await;
        let trainer = Arc::new(Says(Some(Ok(built_in()))));
        let training = train(
            workshop.clone(),
            trainer,
            (models.clone(), desk),
            order(),
            cancelled,
        );
        let training = tokio::spawn(training);
        while workshop.0.lock().cancelled.is_some() {
            tokio::task::yield_now().await;
        }
        assert!(workshop.cancel().is_none());
        assert_eq!(models.registry.list().map_or(0, |known| known.len()), 0);
        drop(place);
        assert!(matches!(training.await.unwrap(), End::Made(_)));
    }

    #[tokio::test]
    async fn a_trained_model_becomes_a_version_that_does_not_serve() {
        let (training, versions) = trained(Some(Ok(built_in())), false).await;
        assert_eq!((training.state, versions), (TrainingStage::Finished, 1));
        assert_eq!(
            (training.examples, training.validation_mae),
            (Some(600), vec![7.5])
        );
        let made = serde_json::to_value(training.result.unwrap()).unwrap();
        assert_eq!((&made["version"], &made["serves"]), (&"v7".into(), &false.into()));
        assert!(made["figures"]["mae"].as_f64().unwrap() > 0.0, "{made}");
    }

    #[tokio::test]
    async fn what_fails_or_is_cancelled_leaves_nothing() {
        let (training, versions) = trained(Some(Err("too few examples".into())), false).await;
        assert_eq!((training.state, versions), (TrainingStage::Failed, 0));
        assert_eq!(training.reason.as_deref(), Some("too few examples"));
        let nonsense = TrainedModel {
            file: b"no model".to_vec(),
            sidecar: b"{}".to_vec(),
        };
        let (training, versions) = trained(Some(Ok(nonsense)), false).await;
        assert_eq!((training.state, versions), (TrainingStage::Failed, 0));
        let (training, versions) = trained(None, true).await;
        assert_eq!((training.state, versions), (TrainingStage::Cancelled, 0));
    }
}
