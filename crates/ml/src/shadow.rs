//! The candidate's predictions: beside the model that serves, on the same inputs, moving nothing.
//!
//! In: what a command was based on, after the command was sent. Out: predictions on a topic of their own. One thread with
//! a short queue: where it cannot keep up, predictions are dropped and counted, and windows do not wait.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Instant,
};

use domain::{DeviceId, MODEL_AUDIO_INPUTS, ShadowPrediction, Timestamp, WindowAction};
use model::Model;
use mqtt::{Publisher, Qos, TopicKind, Topics};
use parking_lot::Mutex;
use tracing::{debug, error};

use crate::{
    decider::{checked, contributions, guard},
    metrics::Metrics,
    models::ShadowSlot,
};

/// How many predictions may wait.
const QUEUE: usize = 64;

/// What a command was based on.
#[derive(Debug)]
pub(crate) struct ShadowJob {
    device_id: DeviceId,
    timestamp: Timestamp,
    temperature: f64,
    humidity: f64,
    inputs: Option<[f64; MODEL_AUDIO_INPUTS]>,
    command_id: Option<String>,
    serving: Option<String>,
}

impl ShadowJob {
    /// The basis of `action`, whose clip gave `inputs`.
    pub(crate) fn beside(action: &WindowAction, inputs: Option<&[f64; MODEL_AUDIO_INPUTS]>) -> Self {
        Self {
            device_id: action.device_id.clone(),
            timestamp: action.timestamp,
            temperature: action.temperature,
            humidity: action.humidity,
            inputs: inputs.copied(),
            command_id: action.command_id.clone(),
            serving: action.origin.model_version().map(str::to_owned),
        }
    }

    /// What `candidate` says; `None` where that is no position.
    fn predict(self, candidate: &Model) -> Option<ShadowPrediction> {
        let started = Instant::now();
        let input = model::input(self.temperature, self.humidity, self.inputs.as_ref(), candidate);
        let prediction = candidate.predict(&input).ok()?;
        let (position, confidence) = checked(&prediction).ok()?;
        let inference_time_ms = started.elapsed().as_secs_f64() * 1e3;
        Some(ShadowPrediction {
            device_id: self.device_id,
            timestamp: self.timestamp,
            position,
            confidence,
            model_version: candidate.version().to_owned(),
            inference_time_ms: Some(inference_time_ms),
            command_id: self.command_id,
            contributions: contributions(candidate, &input),
            guard: guard(&prediction),
        })
    }
}

/// The way to the candidate's thread.
pub(crate) struct Shadow {
    slot: Arc<ShadowSlot>,
    queue: Mutex<Option<SyncSender<ShadowJob>>>,
    metrics: Arc<Metrics>,
}

impl Shadow {
    /// Starts the thread; it ends after [`Self::close`].
    pub(crate) fn start(
        slot: Arc<ShadowSlot>,
        topics: Topics,
        publisher: Publisher,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE);
        let outlet = Outlet {
            slot: Arc::clone(&slot),
            topics,
            publisher,
            metrics: Arc::clone(&metrics),
        };
        let thread = std::thread::Builder::new()
            .name("ml-shadow".into())
            .spawn(move || outlet.work(&receiver))?;
        let shadow = Self {
            slot,
            queue: Mutex::new(Some(sender)),
            metrics,
        };
        Ok((shadow, thread))
    }

    /// Leaves a job for the candidate, where there is one and it has room. Never waits.
    pub(crate) fn offer(&self, job: impl FnOnce() -> ShadowJob) {
        if self.slot.current().is_none() {
            return;
        }
        let Some(queue) = self.queue.lock().clone() else {
            return;
        };
        if let Err(TrySendError::Full(_)) = queue.try_send(job()) {
            self.metrics.shadow_predicted(false);
        }
    }

    /// No more jobs: the thread ends when it has done those that wait.
    pub(crate) fn close(&self) {
        self.queue.lock().take();
    }
}

struct Outlet {
    slot: Arc<ShadowSlot>,
    topics: Topics,
    publisher: Publisher,
    metrics: Arc<Metrics>,
}

impl Outlet {
    fn work(&self, queue: &Receiver<ShadowJob>) {
        while let Ok(job) = queue.recv() {
            // The same version twice would say nothing, and count double.
            let Some(candidate) = self
                .slot
                .current()
                .filter(|candidate| job.serving.as_deref() != Some(candidate.version()))
            else {
                continue;
            };
            let predicted = monitoring::contain(|| job.predict(&candidate));
            if predicted.is_err() {
                error!(
                    version = candidate.version(),
                    "the candidate panicked; its prediction is dropped"
                );
            }
            let sent = predicted
                .ok()
                .flatten()
                .is_some_and(|prediction| self.send(&prediction));
            self.metrics.shadow_predicted(sent);
        }
    }

    fn send(&self, prediction: &ShadowPrediction) -> bool {
        let topic = self
            .topics
            .topic_for(TopicKind::ShadowPrediction, &prediction.device_id);
        let sent = self.publisher.is_connected()
            && self
                .publisher
                .try_publish(topic, mqtt::encode_shadow(prediction), Qos::AtLeastOnce, false)
                .is_ok();
        debug!(device_id = %prediction.device_id, sent, "the candidate predicted");
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> Model {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../model/tests/goldens/regressor_h32.pth"
        );
        Model::load(std::path::Path::new(path)).unwrap()
    }

    fn job() -> ShadowJob {
        ShadowJob {
            device_id: DeviceId::parse("d").unwrap(),
            timestamp: Timestamp::from_millis(1),
            temperature: 21.0,
            humidity: 50.0,
            inputs: None,
            command_id: Some("c".into()),
            serving: Some("v1".into()),
        }
    }

    #[test]
    fn a_candidate_that_cannot_keep_up_makes_nobody_wait() {
        let (sender, receiver) = sync_channel(QUEUE);
        let (mut registry, metrics) = (monitoring::Registry::default(), Metrics::default());
        metrics.register(&mut registry);
        let shadow = Shadow {
            slot: Arc::default(),
            queue: Mutex::new(Some(sender)),
            metrics: Arc::new(metrics),
        };
        shadow.offer(|| unreachable!("nobody prepares a job without a candidate"));
        shadow.slot.set(Some(golden()));
        (0..QUEUE + 5).for_each(|_| shadow.offer(job));
        let counters = monitoring::Monitor::new(registry, vec![]).text();
        assert!(counters.contains("shadow_dropped_total 5\n"), "{counters}");
        shadow.close();
        shadow.offer(|| unreachable!("nobody prepares a job after the end"));
        assert_eq!(receiver.iter().count(), QUEUE);
    }

    #[test]
    fn a_candidate_says_what_it_would_say_alone() {
        let candidate = golden().with_default_version("v2");
        let alone = candidate
            .predict(&model::input(21.0, 50.0, None, &candidate))
            .unwrap();
        let beside = job().predict(&candidate).unwrap();
        assert_eq!(beside.position.percent().to_bits(), alone.position.to_bits());
        assert_eq!(
            (beside.model_version.as_str(), beside.command_id.as_deref()),
            ("v2", Some("c"))
        );
        let guard = beside.guard.expect("it is stated");
        assert_eq!(
            guard.model_confidence.probability().to_bits(),
            alone.model_confidence.to_bits()
        );
        assert!((guard.largest_z - alone.largest_z).abs() <= 0.005, "{guard:?}");
    }
}
