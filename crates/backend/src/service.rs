//! The lifecycle of a backend: puts its parts together, starts its tasks and ends them in order.
//!
//! In: options, a log, a database. Out: a running [`Backend`]. The order of ending is the order of the data: doors first,
//! then the recorder, so that what was accepted is stored.

use std::{sync::Arc, time::Duration};

use audio::{Extractor, FeatureOptions, archive::Archive, archive::ArchiveOptions};
use axum::Router;
use futures_util::future::join_all;
use journal::Journal;
use monitoring::{HealthSource, Registry};
use mqtt::{ConnectionOptions, Publisher, Qos, TopicKind, Topics};
use parking_lot::Mutex;
use store::Store;
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    BackendError, BackendOptions, Devices, Door, InferenceTrigger, Ingest, LocalOptions, Metrics, Outlet,
    clips::{ClipAnalyser, Hearing, Recordings},
    clocks::Clocks,
    database::{History, Tables},
    decoder::Decoder,
    history::Past,
    http::{self, Views},
    judge,
    log::{Plans, Repeats},
    recorder::Recorder,
    refusals::RefusalBudget,
    registry::DeviceRegistry,
    requests::Requests,
    retention,
    storage::{Figures, Keeper, Storage},
    subscription::Subscription,
    system_metrics::SystemMetrics,
    vitals::{Counting, Counts, Vitals},
};

/// After giving up, the recorder ends at once.
const RECORD_END: Duration = Duration::from_millis(300);
const DOORS_END: Duration = Duration::from_millis(800);

/// Where a backend keeps and stores.
#[derive(Debug)]
pub struct Parts<L> {
    /// Keeps rows until they are stored.
    pub log: Arc<L>,
    /// Takes rows.
    pub tables: Arc<dyn Tables>,
    /// Knows what was stored.
    pub history: Arc<dyn History>,
    /// Removes what is old; without it, nothing is.
    pub storage: Option<Arc<dyn Storage>>,
}

/// A backend at work.
#[derive(Debug)]
pub struct Backend {
    ingest: Arc<Ingest>,
    log: Arc<dyn Repeats>,
    vitals: Arc<Vitals>,
    topics: Topics,
    doors: CancellationToken,
    drain: CancellationToken,
    give_up: CancellationToken,
    door_tasks: Vec<JoinHandle<()>>,
    record_tasks: Vec<JoinHandle<()>>,
    publisher: Option<Publisher>,
    prepared: watch::Receiver<bool>,
    settled: watch::Receiver<bool>,
}

impl Backend {
    /// Opens the journal of this machine and starts recording. No door is open yet.
    pub fn open(
        options: BackendOptions,
        local: LocalOptions,
        registry: &mut Registry,
    ) -> Result<Self, BackendError> {
        let store = Store::new(local.store)?;
        let journal = Journal::open(local.journal)?;
        let waiting = journal.stats().records;
        if waiting > 0 {
            info!(
                records = waiting,
                "the journal holds records of the last run; they are stored first"
            );
        }
        let parts = Parts {
            log: Arc::new(journal),
            tables: Arc::new(store.clone()),
            history: Arc::new(store.clone()),
            storage: Some(Arc::new(store)),
        };
        Self::start(options, parts, registry)
    }

    /// Starts recording from `parts.log` to `parts.tables`. No door is open yet.
    pub fn start<L: Plans + Repeats>(
        options: BackendOptions,
        parts: Parts<L>,
        registry: &mut Registry,
    ) -> Result<Self, BackendError> {
        let metrics = Arc::new(Metrics::default());
        metrics.register(registry);
        let devices = Arc::new(Devices::new(options.inactive_after, options.max_devices));
        let trigger = Arc::new(InferenceTrigger::new(options.trigger, Arc::clone(&metrics)));
        // A decision is a change from what was known before, which ClickHouse has yet to say.
        trigger.hold();
        let clocks = Arc::new(Clocks::new(options.clocks, options.max_devices));
        let (prepared_sender, prepared) = watch::channel(false);
        let (settled_sender, settled) = watch::channel(false);
        let decoder = decoder(&options)?;
        let archive = options.archive.map(open_archive).transpose()?;
        let log: Arc<dyn Repeats> = Arc::clone(&parts.log) as _;
        let vitals = Arc::new(Vitals::new(Arc::clone(&log), Arc::clone(&devices)));
        let own_registry = registry.sub_registry_with_prefix("casement_backend");
        own_registry.register_collector(vitals.collector());
        let storage_figures = Figures::registered(own_registry);
        let ingest = Arc::new(Ingest {
            decoder,
            clocks: Arc::clone(&clocks),
            past: Past {
                history: Arc::clone(&parts.history),
                settled: settled.clone(),
                failed: Mutex::default(),
            },
            started: Instant::now(),
            trigger: Arc::clone(&trigger),
            devices: Arc::clone(&devices),
            recordings: Recordings(archive.clone()),
            refusals: Mutex::new(RefusalBudget::new()),
            log: Arc::clone(&log),
            vitals: Arc::clone(&vitals),
            metrics: Arc::clone(&metrics),
        });
        let system_metrics = SystemMetrics {
            metrics: Arc::clone(&metrics),
            devices: Arc::clone(&devices),
            vitals: Arc::clone(&vitals),
            history: Arc::clone(&parts.history),
            log: Arc::clone(&log),
        };
        let judging = Arc::clone(&parts.tables);
        let keeper = parts.storage.map(|storage| Keeper {
            storage,
            options: options.retention,
            log: Arc::clone(&log),
            vitals: Arc::clone(&vitals),
            figures: storage_figures,
            prepared: prepared.clone(),
        });
        let mut backend = Self {
            ingest,
            log: Arc::clone(&log),
            vitals: Arc::clone(&vitals),
            topics: options.topics,
            doors: CancellationToken::new(),
            drain: CancellationToken::new(),
            give_up: CancellationToken::new(),
            door_tasks: vec![],
            record_tasks: vec![],
            publisher: None,
            prepared: prepared.clone(),
            settled,
        };
        let recorder = Recorder {
            plans: parts.log,
            tables: parts.tables,
            limits: options.batch,
            metrics,
            vitals: Arc::clone(&vitals),
            give_up: backend.give_up.clone(),
        };
        let registry = DeviceRegistry {
            devices,
            trigger,
            clocks,
            history: parts.history,
            log,
            vitals,
            max_devices: options.max_devices,
            prepared,
            settled: settled_sender,
        };
        backend.start_recording(recorder, registry, prepared_sender);
        let chores = [
            tokio::spawn(system_metrics.run(backend.drain.clone())),
            tokio::spawn(judge::run(judging, backend.drain.clone())),
        ];
        backend.record_tasks.extend(chores);
        let keeping = keeper.map(|keeper| tokio::spawn(keeper.run(backend.drain.clone())));
        backend.record_tasks.extend(keeping);
        if let Some(archive) = archive {
            let sweeping = retention::run(archive, backend.drain.clone());
            backend.record_tasks.push(tokio::spawn(sweeping));
        }
        Ok(backend)
    }

    /// The `accept` behind every door.
    pub fn ingest(&self) -> Arc<Ingest> {
        Arc::clone(&self.ingest)
    }

    /// The topics that are ours.
    pub(crate) const fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The latest state of all devices.
    pub fn devices(&self) -> Arc<Devices> {
        Arc::clone(&self.ingest.devices)
    }

    /// Counts what the embedded broker refuses, by reason, in the rows of `system_metrics`.
    pub fn count_refusals(&self, refusals: impl Fn() -> Counts + Send + Sync + 'static) {
        let _ = self.vitals.broker_refusals.set(Counting(Arc::new(refusals)));
    }

    /// What asks for the backend's health.
    pub fn health(&self) -> HealthSource {
        let vitals = Arc::clone(&self.vitals);
        Arc::new(move || vitals.parts())
    }

    /// The page and the API.
    pub fn routes(&self) -> Router {
        http::routes(Views {
            devices: self.devices(),
            metrics: Arc::clone(&self.ingest.metrics),
            vitals: Arc::clone(&self.vitals),
            log: Arc::clone(&self.log),
        })
    }

    /// Connects to an external broker, to receive and to publish requests. Acknowledges by hand.
    pub fn connect(&mut self, mut connection: ConnectionOptions) {
        connection.manual_acks = true;
        connection.subscriptions = TopicKind::ALL
            .into_iter()
            .filter(|kind| *kind != TopicKind::InferenceRequest)
            .map(|kind| mqtt::Subscription {
                filter: self.topics.filter(kind),
                qos: Qos::AtLeastOnce,
            })
            .collect();
        let (publisher, incoming) = mqtt::connect(connection);
        let _ = self.vitals.publisher.set(publisher.clone());
        self.open_door(Box::new(Subscription {
            incoming,
            vitals: Arc::clone(&self.vitals),
        }));
        self.send_requests(publisher.clone());
        self.publisher = Some(publisher);
    }

    /// Is told that the broker is in this process: its hook brings messages, and `outlet` takes requests.
    pub fn embed_broker(&mut self, outlet: impl Outlet) {
        self.vitals.broker.up();
        self.vitals.subscriptions.up();
        self.send_requests(outlet);
    }

    /// Opens a door until [`Backend::close_doors`].
    pub fn open_door(&mut self, door: Box<dyn Door>) {
        let running = door.run(self.ingest(), self.doors.clone());
        self.door_tasks.push(tokio::spawn(running));
    }

    /// Publishes requests through `outlet` until [`Backend::close_doors`].
    pub fn send_requests(&mut self, outlet: impl Outlet) {
        let requests = Requests {
            trigger: Arc::clone(&self.ingest.trigger),
            topics: self.topics.clone(),
            outlet,
            metrics: Arc::clone(&self.ingest.metrics),
        };
        let doors = self.doors.clone();
        self.door_tasks.push(tokio::spawn(async move {
            doors.run_until_cancelled(requests.run()).await;
        }));
    }

    /// Returns when ClickHouse answers, has the schema and said what was known before. Accepting does not wait for it;
    /// deciding waits for a few seconds at most.
    pub async fn ready(&self) {
        let _ = self.prepared.clone().wait_for(|prepared| *prepared).await;
        let _ = self.settled.clone().wait_for(|settled| *settled).await;
    }

    /// Takes no more messages; those already received are finished. The embedded broker's hook still works.
    pub async fn close_doors(&mut self) {
        self.doors.cancel();
        let tasks = std::mem::take(&mut self.door_tasks);
        if tokio::time::timeout(DOORS_END, join_all(tasks)).await.is_err() {
            warn!("a connection did not end in time");
        }
        if let Some(publisher) = self.publisher.take() {
            let _ = tokio::time::timeout(DOORS_END, publisher.disconnect()).await;
        }
    }

    /// Closes the doors and stores what was accepted, for at most `deadline`; the rest waits in the log.
    /// Returns the number of records left there.
    pub async fn stop(mut self, deadline: Duration) -> u64 {
        let give_up = self.give_up.clone();
        let timer = tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            give_up.cancel();
        });
        self.close_doors().await;
        self.drain.cancel();
        if tokio::time::timeout(deadline + RECORD_END, join_all(self.record_tasks))
            .await
            .is_err()
        {
            warn!("the recorder did not end in time; what it holds is in the journal");
        }
        timer.abort();
        self.log.backlog().records
    }

    fn start_recording<L: Plans>(
        &mut self,
        recorder: Recorder<L>,
        registry: DeviceRegistry,
        prepared: watch::Sender<bool>,
    ) {
        let (drain, give_up) = (self.drain.clone(), self.give_up.clone());
        let registry = tokio::spawn(registry.run(drain.clone()));
        self.record_tasks.push(tokio::spawn(async move {
            if give_up.run_until_cancelled(recorder.prepare()).await.is_none() {
                return;
            }
            let _ = prepared.send(true);
            // The registry's last rows are kept before the drain ends.
            let recording = CancellationToken::new();
            let recorder = tokio::spawn(recorder.run(recording.clone()));
            drain.cancelled().await;
            let _ = registry.await;
            recording.cancel();
            let _ = recorder.await;
        }));
    }
}

fn extractor(features: FeatureOptions) -> Result<Extractor, BackendError> {
    let extractor = Extractor::new(features)?;
    if extractor.version() != domain::FEATURES_VERSION {
        info!(
            features = extractor.version(),
            "audio features are not those of the default settings; models trained on the default do not fit them"
        );
    }
    Ok(extractor)
}

fn decoder(options: &BackendOptions) -> Result<Decoder, BackendError> {
    Ok(Decoder {
        topics: options.topics.clone(),
        clip_limits: options.clip_limits,
        analyser: ClipAnalyser::new(Hearing {
            extractor: extractor(options.features.clone())?,
            limits: options.clip_limits,
            spectrum: options.spectrum,
            keeps_recordings: options.archive.is_some(),
        }),
    })
}

fn open_archive(options: ArchiveOptions) -> Result<Arc<Archive>, BackendError> {
    let path = options.path.clone();
    let archive = Archive::open(options).map_err(|source| BackendError::Archive { path, source })?;
    Ok(Arc::new(archive))
}
