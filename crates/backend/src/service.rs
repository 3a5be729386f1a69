//! Puts the backend together, starts its tasks and ends them in order.
//!
//! In: options. Out: a running [`Backend`]. The order of ending is the order of the data: doors first, then the
//! recorder, so that what was accepted is stored.

use std::{path::PathBuf, sync::Arc, time::Duration};

use audio::{
    Extractor, FeatureOptions,
    archive::{Archive, ArchiveOptions},
};
use domain::{ClipLimits, ClockPolicy, DeviceId, Quantity, Reading, Timestamp};
use futures_util::future::join_all;
use journal::{Journal, JournalError};
use mqtt::{ConnectionOptions, Publisher, Qos, Subscription, TopicKind, Topics};
use parking_lot::Mutex;
use store::{Store, StoreError, StoreOptions};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    BatchLimits, Devices, Ingest, Metrics, MetricsSource, TriggerBoard, TriggerOptions,
    clips::ClipAnalyser,
    devices::own_thresholds,
    http,
    recorder::{Recorder, now, prepare},
    refusals::RefusalBudget,
    subscriber,
};

/// After giving up, the recorder ends at once.
const RECORD_END: Duration = Duration::from_millis(300);
const DOORS_END: Duration = Duration::from_millis(800);
const OFFLINE_POLL: Duration = Duration::from_millis(50);
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const REGISTRY_TICK: Duration = Duration::from_secs(1);
const REGISTRY_RELOAD: Duration = Duration::from_mins(1);
/// How far back the latest readings are looked for at a start.
const RESTORE_SPAN: Duration = Duration::from_hours(7 * 24);

/// Where messages come from.
#[derive(Debug)]
pub enum Door {
    /// An external broker: subscribe, and acknowledge by hand.
    Subscription,
    /// The embedded broker calls [`Ingest::accept`] before it acknowledges.
    Hook,
}

/// What a backend needs to know.
#[derive(Debug)]
pub struct BackendOptions {
    /// The topics that are ours.
    pub topics: Topics,
    /// Where the journal lives and how large it may grow.
    pub journal: journal::Options,
    /// The database.
    pub store: StoreOptions,
    /// When to ask for a position.
    pub trigger: TriggerOptions,
    /// Which features to compute, at which rate.
    pub features: FeatureOptions,
    /// Where recordings are kept, where they are to be.
    pub archive: Option<ArchiveOptions>,
    /// How large a clip may be.
    pub clip_limits: ClipLimits,
    /// Which device clocks are believed.
    pub clocks: ClockPolicy,
    /// How large a batch may grow.
    pub batch: BatchLimits,
    /// A device is inactive when nothing was heard of it for this long.
    pub inactive_after: Duration,
    /// The most devices that are shown, registered and decided for; readings of further ones are stored.
    pub max_devices: usize,
}

impl BackendOptions {
    /// The defaults around the four things that have none.
    pub fn new(topics: Topics, journal_path: impl Into<PathBuf>, store: StoreOptions) -> Self {
        Self {
            topics,
            journal: journal::Options::new(journal_path),
            store,
            trigger: TriggerOptions::default(),
            features: FeatureOptions::default(),
            archive: None,
            clip_limits: ClipLimits::default(),
            clocks: ClockPolicy::default(),
            batch: BatchLimits::default(),
            inactive_after: Duration::from_mins(5),
            max_devices: TriggerOptions::default().max_devices,
        }
    }
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

/// A backend at work.
#[derive(Debug)]
pub struct Backend {
    ingest: Arc<Ingest>,
    store: Store,
    doors: CancellationToken,
    drain: CancellationToken,
    give_up: CancellationToken,
    door_tasks: Vec<JoinHandle<()>>,
    record_tasks: Vec<JoinHandle<()>>,
    publisher: Option<Publisher>,
    prepared: watch::Receiver<bool>,
}

impl Backend {
    /// Opens the journal and starts recording. No door is open yet.
    pub fn open(options: BackendOptions) -> Result<Self, BackendError> {
        let metrics = Arc::new(Metrics::new());
        let devices = Arc::new(Devices::new(options.inactive_after, options.max_devices));
        let trigger = Arc::new(TriggerBoard::new(options.trigger, Arc::clone(&metrics)));
        let archive = open_archive(options.archive)?;
        let extractor = Extractor::new(options.features)?;
        if extractor.version() != domain::FEATURES_VERSION {
            info!(
                features = extractor.version(),
                "audio features are not those of the default settings; models trained on the default do not fit them"
            );
        }
        let analyser = ClipAnalyser::new(extractor, options.clip_limits, archive.clone());
        let store = Store::new(options.store)?;
        let journal = Journal::open(options.journal)?;
        let waiting = journal.stats().records;
        if waiting > 0 {
            info!(
                records = waiting,
                "the journal holds records of the last run; they are stored first"
            );
        }
        let ingest = Arc::new(Ingest {
            topics: options.topics,
            clocks: options.clocks,
            clip_limits: options.clip_limits,
            journal: journal.clone(),
            analyser,
            trigger: Arc::clone(&trigger),
            devices: Arc::clone(&devices),
            metrics: Arc::clone(&metrics),
            refusals: Mutex::new(RefusalBudget::new()),
        });
        let (doors, drain, give_up) = (
            CancellationToken::new(),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        let recorder = Recorder {
            journal,
            store: store.clone(),
            limits: options.batch,
            metrics,
            give_up: give_up.clone(),
        };
        let (prepared_sender, prepared) = watch::channel(false);
        let mut backend = Self {
            ingest,
            store,
            doors,
            drain,
            give_up,
            door_tasks: vec![],
            record_tasks: vec![],
            publisher: None,
            prepared,
        };
        backend.start_recording(recorder, options.trigger, prepared_sender);
        if let Some(archive) = archive {
            let sweeping = sweep(archive);
            let drain = backend.drain.clone();
            backend.record_tasks.push(tokio::spawn(async move {
                drain.run_until_cancelled(sweeping).await;
            }));
        }
        Ok(backend)
    }

    /// The `accept` behind both doors.
    pub fn ingest(&self) -> Arc<Ingest> {
        Arc::clone(&self.ingest)
    }

    /// The latest state of all devices.
    pub fn devices(&self) -> Arc<Devices> {
        Arc::clone(&self.ingest.devices)
    }

    /// The counters.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.ingest.metrics)
    }

    /// Connects to the broker: to publish requests and, through [`Door::Subscription`], to receive.
    pub fn connect(&mut self, mut connection: ConnectionOptions, door: &Door) {
        let topics = &self.ingest.topics;
        if matches!(door, Door::Subscription) {
            connection.manual_acks = true;
            connection.subscriptions = TopicKind::ALL
                .into_iter()
                .filter(|kind| *kind != TopicKind::InferenceRequest)
                .map(|kind| Subscription {
                    filter: topics.filter(kind),
                    qos: Qos::AtLeastOnce,
                })
                .collect();
        }
        let (publisher, incoming) = mqtt::connect(connection);
        let door_task = tokio::spawn(subscriber::run(
            incoming,
            self.ingest(),
            self.metrics(),
            self.doors.clone(),
        ));
        let asking = ask(self.ingest(), publisher.clone());
        let doors = self.doors.clone();
        let ask_task = tokio::spawn(async move {
            doors.run_until_cancelled(asking).await;
        });
        self.door_tasks.extend([door_task, ask_task]);
        self.publisher = Some(publisher);
    }

    /// Serves the page, the API and the metrics until the doors close.
    pub fn serve_http(&mut self, listener: http::HttpListener, more_metrics: Vec<MetricsSource>) {
        let views = http::Views {
            devices: self.devices(),
            metrics: self.metrics(),
            journal: self.ingest.journal.clone(),
            more_metrics,
        };
        let doors = self.doors.clone();
        self.door_tasks.push(tokio::spawn(async move {
            if let Err(error) = http::serve(listener, views, doors).await {
                warn!(%error, "HTTP ended");
            }
        }));
    }

    /// Returns when ClickHouse answers and has the schema. Accepting and deciding do not wait for it.
    pub async fn ready(&self) {
        let _ = self.prepared.clone().wait_for(|prepared| *prepared).await;
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

    /// Closes the doors and stores what was accepted, for at most `deadline`; the rest waits in the journal.
    /// Gives the number of records left there.
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
        self.ingest.journal.stats().records
    }

    fn start_recording(
        &mut self,
        recorder: Recorder,
        trigger: TriggerOptions,
        prepared: watch::Sender<bool>,
    ) {
        let registry = keep_registry(self.ingest(), self.store.clone(), trigger, self.drain.clone());
        let (store, metrics) = (self.store.clone(), self.metrics());
        let (drain, give_up) = (self.drain.clone(), self.give_up.clone());
        let registry = tokio::spawn(registry);
        self.record_tasks.push(tokio::spawn(async move {
            if give_up
                .run_until_cancelled(prepare(&store, &metrics))
                .await
                .is_none()
            {
                return;
            }
            let _ = prepared.send(true);
            // The registry's last rows are appended before the drain ends.
            let recording = CancellationToken::new();
            let recorder = tokio::spawn(recorder.run(recording.clone()));
            drain.cancelled().await;
            let _ = registry.await;
            recording.cancel();
            let _ = recorder.await;
        }));
    }
}

fn open_archive(options: Option<ArchiveOptions>) -> Result<Option<Arc<Archive>>, BackendError> {
    let Some(options) = options else { return Ok(None) };
    let path = options.path.clone();
    let archive = Archive::open(options).map_err(|source| BackendError::Archive { path, source })?;
    Ok(Some(Arc::new(archive)))
}

/// Removes old recordings also while no clips come.
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

/// Publishes requests as they fall due.
async fn ask(ingest: Arc<Ingest>, publisher: Publisher) {
    let request_ttl = ingest.trigger.options().request_ttl;
    loop {
        // Without a broker requests stay on the board, where a newer state replaces an older one.
        while !publisher.is_connected() {
            tokio::time::sleep(OFFLINE_POLL).await;
        }
        let request = ingest.trigger.next_request(now).await;
        let topic = ingest
            .topics
            .topic_for(TopicKind::InferenceRequest, &request.device_id);
        // A request that waits for a connection beyond its time is worth nothing: the device's next one will be newer.
        let message = mqtt::Message::new(topic, mqtt::encode_request(&request)).expiring_in(request_ttl);
        match publisher.send(message).await {
            Ok(()) => ingest.metrics.requested(),
            Err(error) => warn!(%error, device_id = %request.device_id, "inference request not sent"),
        }
    }
}

/// Reads the registry once ClickHouse answers, then writes what is due, and reads names and thresholds again.
async fn keep_registry(ingest: Arc<Ingest>, store: Store, trigger: TriggerOptions, drain: CancellationToken) {
    let mut loaded: Option<tokio::time::Instant> = None;
    loop {
        let ended = drain
            .run_until_cancelled(tokio::time::sleep(REGISTRY_TICK))
            .await
            .is_none();
        if !ended && loaded.is_none_or(|at| at.elapsed() >= REGISTRY_RELOAD) {
            // A ClickHouse that hangs must not keep a stopping service waiting.
            let loading = load(&ingest, &store, trigger, loaded.is_none());
            match drain.run_until_cancelled(loading).await {
                None => continue,
                Some(Ok(())) => loaded = Some(tokio::time::Instant::now()),
                Some(Err(error)) => tracing::debug!(%error, "the registry cannot be read yet"),
            }
        }
        // Before the registry is read, a row would overwrite a device's name and location.
        if loaded.is_some() {
            let due = ingest.devices.due(now());
            if ingest.append_rows(&due.rows).await {
                ingest.devices.written(due);
            } else {
                warn!("the registry's rows wait: the journal did not take them");
            }
        }
        ingest.metrics.active_devices(ingest.devices.active());
        ingest.trigger.forget_old_clips();
        if ended {
            return;
        }
    }
}

async fn load(
    ingest: &Ingest,
    store: &Store,
    trigger: TriggerOptions,
    first: bool,
) -> Result<(), StoreError> {
    let devices = store.devices().await?;
    ingest.devices.restore(&devices);
    for row in &devices {
        if let (Ok(device_id), Some(own)) = (
            DeviceId::parse(&row.device_id),
            own_thresholds(&row.config, trigger.thresholds),
        ) {
            ingest.trigger.set_thresholds(&device_id, own);
        }
    }
    if first {
        let since = Timestamp::from_millis(now().as_millis() - RESTORE_SPAN.as_millis() as i64);
        let latest = store.latest_readings(since.as_millis()).await?;
        let readings = latest.iter().filter_map(|row| {
            let quantity = match row.quantity.as_str() {
                "temperature" => Quantity::Temperature,
                "humidity" => Quantity::Humidity,
                _ => return None,
            };
            let device_id = DeviceId::parse(&row.device_id).ok()?;
            Reading::new(
                device_id,
                quantity,
                row.value,
                Timestamp::from_millis(row.timestamp),
            )
            .ok()
        });
        ingest.trigger.restore(readings);
    }
    Ok(())
}
