//! The running service: one task receives, a few threads decide, the connection's own task sends.
//!
//! In: options. Out: a command for each request that is not refused, not late and not overtaken. The receiving task
//! never computes; whatever a clip does to a worker, the next request is served.

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use audio::{Extractor, FeatureOptions, archive::Archive};
use bytes::Bytes;
use domain::{DeviceId, FeatureName, Refusal, RefusalReason, RequestAudio, Timestamp, WindowContext};
use monitoring::{HealthSource, Registry};
use mqtt::{Delivery, Event, Incoming, Publisher, Qos, Subscription, TopicKind, Topics};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{
    Answer, Decider, MlError, MlOptions, ModelSlot,
    budget::LogBudget,
    floor::Floor,
    law,
    metrics::{DropReason, Metrics},
    models::{ModelSource, ShadowSlot, follow, follow_shadow},
    queue::{Displaced, JobQueue},
    reason,
    shadow::{Shadow, ShadowJob},
    vitals::Vitals,
};

const SWEEP_EVERY: Duration = Duration::from_mins(1);

struct Job {
    payload: Bytes,
    received: Instant,
}

/// The service, ready to run: model loaded, nothing connected.
#[derive(Debug)]
pub struct Ml {
    options: MlOptions,
    archive: Option<Arc<Archive>>,
    decider: Decider,
    source: ModelSource,
    candidate: ModelSource,
    metrics: Arc<Metrics>,
    vitals: Arc<Vitals>,
}

/// What the workers share.
struct Shared {
    queue: JobQueue<Job>,
    decider: Decider,
    topics: Topics,
    publisher: Publisher,
    metrics: Arc<Metrics>,
    vitals: Arc<Vitals>,
    archive: Option<Arc<Archive>>,
    refusals_logged: LogBudget,
    shadow: Shadow,
    floor: Floor,
}

impl Ml {
    /// Loads the model and prepares everything else that can fail. Metrics are registered under `casement_ml`.
    pub fn open(mut options: MlOptions, registry: &mut Registry) -> Result<Self, MlError> {
        // Whatever else the rows carry, a decision needs only what the models read.
        options.features.names = FeatureName::SPECIFIED.to_vec();
        options.features.frames = false;
        if options.features.n_mfcc != FeatureOptions::default().n_mfcc {
            return Err(MlError::Coefficients(options.features.n_mfcc));
        }
        let (source, candidate) = (ModelSource::new(&options), ModelSource::shadow(&options));
        let decider = Decider {
            models: Arc::new(ModelSlot::new(source.load()?)),
            extractor: Extractor::new(options.features.clone())?,
            sample_rate: options.features.rate,
            clip_limits: options.clip_limits,
            command_ttl: options.command_ttl,
        };
        let archive = options.store_raw.take().map(|kept| {
            let path = kept.path.clone();
            let opened = Archive::open(kept);
            opened.map_err(|source| MlError::RawDirectory { path, source })
        });
        let archive = archive.transpose()?.map(Arc::new);
        let (metrics, vitals) = (Arc::new(Metrics::default()), Arc::new(Vitals::default()));
        let registry = registry.sub_registry_with_prefix("casement_ml");
        metrics.register(registry);
        registry.register_collector(vitals.collector());
        Ok(Self {
            options,
            archive,
            decider,
            source,
            candidate,
            metrics,
            vitals,
        })
    }

    /// What asks for the service's health.
    pub fn health(&self) -> HealthSource {
        let vitals = Arc::clone(&self.vitals);
        Arc::new(move || vitals.parts())
    }

    /// The model that serves, for whoever replaces it.
    pub fn models(&self) -> Arc<ModelSlot> {
        Arc::clone(&self.decider.models)
    }

    /// Connects and serves until `shutdown`; `ready` is told when the broker granted the subscription.
    pub async fn run(self, shutdown: CancellationToken, ready: oneshot::Sender<()>) -> Result<(), MlError> {
        let Self {
            options,
            archive,
            decider,
            source,
            candidate,
            metrics,
            vitals,
        } = self;
        let models = Arc::clone(&decider.models);
        let mut connection = options.connection;
        connection.subscriptions.push(Subscription::new(
            options.topics.filter(TopicKind::InferenceRequest),
        ));
        let (publisher, incoming) = mqtt::connect(connection);
        let _ = vitals.publisher.set(publisher.clone());
        let candidates = Arc::new(ShadowSlot::default());
        let (shadow, shadowing) = Shadow::start(
            Arc::clone(&candidates),
            options.topics.clone(),
            publisher.clone(),
            Arc::clone(&metrics),
        )
        .map_err(MlError::Thread)?;
        let shared = Arc::new(Shared {
            queue: JobQueue::new(options.max_waiting),
            decider,
            topics: options.topics,
            publisher: publisher.clone(),
            metrics: Arc::clone(&metrics),
            vitals: Arc::clone(&vitals),
            archive: archive.clone(),
            refusals_logged: LogBudget::default(),
            shadow,
            floor: Floor(options.min_confidence),
        });
        let model = models.current();
        info!(
            model = model.version(),
            file = model.origin(),
            "the model is loaded"
        );
        let mut threads = start_workers(&shared)?;
        threads.push(shadowing);
        let following = tokio::spawn(follow(
            source,
            models,
            Arc::clone(&metrics),
            vitals,
            shutdown.clone(),
        ));
        let following_shadow = tokio::spawn(follow_shadow(candidate, candidates, metrics, shutdown.clone()));
        let sweeping = archive.map(|archive| tokio::spawn(sweep(archive)));
        let ended = shutdown
            .run_until_cancelled(receive(&shared, incoming, ready))
            .await;
        shared.queue.close();
        shared.shadow.close();
        following.abort();
        following_shadow.abort();
        sweeping.inspect(tokio::task::JoinHandle::abort);
        let _ =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())))
                .await;
        publisher.disconnect().await;
        if ended.is_some() {
            Err(MlError::Closed)
        } else {
            Ok(())
        }
    }
}

/// Hands every request to the workers. Returns only when the connection is closed for good.
async fn receive(shared: &Shared, mut incoming: Incoming, ready: oneshot::Sender<()>) {
    let mut ready = Some(ready);
    while let Some(event) = incoming.recv().await {
        match event {
            Event::Connected { .. } => {}
            Event::Subscribed => {
                shared.vitals.broker.up();
                info!("listening for requests");
                // Nobody needs to wait for it.
                let _ = ready.take().map(|ready| ready.send(()));
            }
            Event::SubscriptionRefused { filters } => {
                let reason = format!("it refuses the subscription to {}", filters.join(", "));
                shared.vitals.broker.down(reason);
                error!(
                    ?filters,
                    "the broker refuses the subscription: check the account's rights"
                );
            }
            Event::Disconnected { reason } => {
                warn!(reason, "the broker is away; trying again");
                shared.vitals.broker.down(reason);
            }
            Event::Message(delivery) => shared.accept(delivery),
        }
    }
}

fn start_workers(shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>, MlError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let start = |number: usize| {
        let own = Arc::clone(shared);
        std::thread::Builder::new()
            .name(format!("ml-worker-{number}"))
            .spawn(move || own.work())
    };
    let started: Result<_, _> = (0..cores).map(start).collect();
    started.map_err(|error| {
        shared.queue.close();
        MlError::Thread(error)
    })
}

impl Shared {
    fn accept(&self, delivery: Delivery) {
        let pattern = self.topics.pattern(TopicKind::InferenceRequest);
        let device_id = match pattern.match_topic(&delivery.topic) {
            Some(Ok(device_id)) => device_id,
            Some(Err(refusal)) => return self.refuse(&delivery.topic, &refusal),
            None => {
                let refusal = Refusal::new(RefusalReason::BadTopic, "no request has a topic of this shape");
                return self.refuse(&delivery.topic, &refusal);
            }
        };
        self.metrics.requested();
        if delivery.retain {
            // Nobody retains requests on purpose; this one is from before we came.
            return self.metrics.dropped(DropReason::Retained);
        }
        let job = Job {
            payload: delivery.payload,
            received: Instant::now(),
        };
        match self.queue.offer(device_id, job) {
            Displaced::Nobody => {}
            Displaced::Superseded(_) => self.metrics.dropped(DropReason::Superseded),
            Displaced::Oldest(_) => self.metrics.dropped(DropReason::QueueFull),
        }
    }

    fn work(&self) {
        while let Some((device_id, job)) = self.queue.take() {
            // A bug that one clip lays bare must not end the service for all.
            let served = monitoring::contain(|| self.serve(&device_id, &job));
            if served.is_err() {
                self.metrics.refused(RefusalReason::BadAudio);
                error!(%device_id, "deciding panicked on this request; it is refused");
            }
            self.queue.done(&device_id);
        }
    }

    fn serve(&self, device_id: &DeviceId, job: &Job) {
        let request = match mqtt::decode_request(device_id.clone(), &job.payload) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(device_id.as_str(), &refusal),
        };
        let now = now();
        if request.expires_at.is_some_and(|expiry| expiry < now) {
            return self.metrics.dropped(DropReason::Expired);
        }
        match self.decider.answer(&request, now, job.received) {
            Ok(mut answer) => {
                let recording = answer.recording.take();
                self.send(answer, request.window.as_deref(), job.received);
                // Only now: the window does not wait for the disk.
                if let Some(audio) = &request.audio {
                    self.keep(audio, recording, device_id);
                }
            }
            Err(refusal) => self.refuse(device_id.as_str(), &refusal),
        }
    }

    fn send(&self, answer: Answer, window: Option<&WindowContext>, received: Instant) {
        let Answer {
            mut action,
            source,
            recording: _,
            inputs,
        } = answer;
        let held = self.floor.held(&action).or_else(|| {
            let at = action.timestamp;
            window.and_then(|window| law::held(&mut action, window, at))
        });
        if held.is_none() {
            let basis = action.reason.take().unwrap_or_default();
            action.reason = Some(reason::told(&basis, window, action.position, action.wish));
        }
        let (kind, payload) = match &held {
            None => (TopicKind::WindowControl, mqtt::encode_control(&action)),
            Some(decision) => (TopicKind::Prediction, mqtt::encode_held(decision)),
        };
        let topic = self.topics.topic_for(kind, &action.device_id);
        // While the broker is away the command would wait for it and arrive stale.
        let sent = self.publisher.is_connected()
            && match self
                .publisher
                .try_publish(topic, payload, Qos::AtLeastOnce, false)
            {
                Ok(()) => true,
                Err(error) => {
                    warn!(device_id = %action.device_id, %error, "the command is not sent");
                    false
                }
            };
        if sent {
            self.metrics.decided(action.confidence.probability());
        }
        let commanded = sent && held.is_none();
        if commanded {
            self.metrics.answered(source, received.elapsed().as_secs_f64());
            debug!(device_id = %action.device_id, position = action.position.percent(), "commanded");
        } else if sent {
            self.metrics.held();
            debug!(device_id = %action.device_id, position = action.position.percent(), "held");
        } else {
            self.metrics.dropped(DropReason::Unsent);
        }
        // Only now: the candidate must not delay the window, and what moved nothing has nothing to be compared with.
        if commanded {
            self.shadow.offer(|| ShadowJob::beside(&action, inputs.as_ref()));
        }
    }

    /// Keeps the recording under the hash of its bytes, where recordings are kept.
    fn keep(&self, audio: &RequestAudio, recording: Option<Vec<u8>>, device_id: &DeviceId) {
        let Some(archive) = &self.archive else { return };
        let most = self.decider.clip_limits.max_bytes;
        let decoded = recording.map_or_else(|| mqtt::decode_audio_data(&audio.data_base64, most), Ok);
        // What is no recording is not kept, even if its features came along.
        let kept = decoded.and_then(|recording| {
            let format = audio::recognise(&recording, audio.format).map_err(|error| error.refusal())?;
            Ok((recording, format))
        });
        let (recording, format) = match kept {
            Ok(kept) => kept,
            Err(refusal) => return self.refuse(device_id.as_str(), &refusal),
        };
        let kept = archive.keep(&audio::hash(&recording), format, &recording);
        self.metrics.recording_stored(kept.is_ok());
        if let Err(error) = kept {
            warn!(%device_id, %error, "the recording cannot be kept");
        }
    }

    fn refuse(&self, whose: &str, refusal: &Refusal) {
        self.metrics.refused(refusal.reason);
        if self.refusals_logged.allows(Instant::now()) {
            let whose: String = whose.chars().take(80).collect();
            info!(
                whose,
                reason = refusal.reason.as_str(),
                detail = refusal.detail,
                "request refused"
            );
        }
    }
}

/// Removes old recordings also while no requests come.
async fn sweep(archive: Arc<Archive>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        let archive = Arc::clone(&archive);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || archive.sweep()).await {
            warn!(%error, "old recordings cannot be removed; see audio.storage_path");
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
