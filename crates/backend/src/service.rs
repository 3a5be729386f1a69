//! The lifecycle of a backend: puts its parts together, starts its tasks and ends them in order.
//!
//! In: options, a log, a database. Out: a running [`Backend`]. The order of ending is the order of the data: doors first,
//! then the recorder, so that what was accepted is stored.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use audio::archive::Archive;
use domain::DeviceId;
use futures_util::future::join_all;
use journal::Journal;
use monitoring::{HealthSource, Registry};
use mqtt::{Publisher, Topics};
use parking_lot::Mutex;
use registry::Registry as DeviceBook;
use store::{Progress, Store};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    BackendError, BackendOptions, BatchLimits, Devices, InferenceTrigger, Ingest, Inspector, LocalOptions,
    Metrics, WindowsFile,
    clips::Recordings,
    clocks::Clocks,
    database::{History, Tables},
    following::Following,
    history::Past,
    judge,
    log::{Plans, Repeats},
    opening::{decoder, hands, open_archive},
    recorder::Recorder,
    refusals::RefusalBudget,
    registry::DeviceRegistry,
    retention,
    standstill::Standstills,
    storage::{Figures, Keeper, Storage},
    system_metrics::SystemMetrics,
    views::Views,
    vitals::{Counting, Counts, Vitals},
};

/// Devices that wait to be told the time.
const CLOCKLESS: usize = 256;
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
    /// What people have set up.
    pub registry: Arc<DeviceBook>,
    /// What windows survive a restart in; without it, they do not.
    pub windows: Option<WindowsFile>,
    /// Removes what is old; without it, nothing is.
    pub storage: Option<Arc<dyn Storage>>,
}

/// A backend at work.
#[derive(Debug)]
pub struct Backend {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) inspector: Inspector,
    pub(crate) registry: Arc<DeviceBook>,
    pub(crate) log: Arc<dyn Repeats>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) topics: Topics,
    /// Whether the ML service heeds what requests say of windows.
    pub(crate) ml_understands_context: bool,
    following: Arc<Following>,
    /// Taken by whoever tells devices.
    pub(crate) clockless: Option<mpsc::Receiver<DeviceId>>,
    pub(crate) doors: CancellationToken,
    drain: CancellationToken,
    give_up: CancellationToken,
    pub(crate) door_tasks: Vec<JoinHandle<()>>,
    record_tasks: Vec<JoinHandle<()>>,
    pub(crate) publisher: Option<Publisher>,
    gate: Arc<tokio::sync::Mutex<()>>,
    /// The log, where it is this machine's journal.
    journal: Option<Journal>,
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
        let log = journal.clone();
        let parts = Parts {
            log: Arc::new(log),
            tables: Arc::new(store.clone()),
            history: Arc::new(store.clone()),
            registry: DeviceBook::open(&local.registry)?,
            windows: Some(WindowsFile::open(&local.registry).map_err(BackendError::Windows)?),
            storage: Some(Arc::new(store)),
        };
        let mut backend = Self::start(options, parts, registry)?;
        backend.journal = Some(journal);
        Ok(backend)
    }

    /// What pauses the recorder; `None` where the log is no journal.
    pub fn standstills(&self) -> Option<Standstills> {
        let journal = self.journal.clone()?;
        let gate = Arc::clone(&self.gate);
        Some(Standstills { journal, gate })
    }

    /// Starts recording from `parts.log` to `parts.tables`. No door is open yet.
    pub fn start<L: Plans + Repeats>(
        options: BackendOptions,
        mut parts: Parts<L>,
        registry: &mut Registry,
    ) -> Result<Self, BackendError> {
        parts.registry.stand_on(options.windows.clone());
        let metrics = Arc::new(Metrics::default());
        metrics.register(registry);
        let trigger = Arc::new(InferenceTrigger::new(options.trigger, Arc::clone(&metrics)));
        // A decision is a change from what was known before, which ClickHouse has yet to say.
        trigger.hold();
        let (prepared_sender, prepared) = watch::channel(false);
        let (settled_sender, settled) = watch::channel(false);
        let following = Following::new(
            Arc::clone(&parts.registry),
            Arc::clone(&trigger),
            options.inactive_after,
            options.max_devices,
        );
        let devices = Arc::clone(&following.devices);
        let (clockless_sender, clockless) = mpsc::channel(CLOCKLESS);
        let decoder = Arc::new(decoder(&options, Arc::clone(&following.setups))?);
        let archive = options.archive.map(open_archive).transpose()?;
        let log: Arc<dyn Repeats> = Arc::clone(&parts.log) as _;
        let vitals = Arc::new(Vitals::new(Arc::clone(&log), Arc::clone(&devices)));
        let own_registry = registry.sub_registry_with_prefix("casement_backend");
        own_registry.register_collector(vitals.collector());
        let storage_figures = Figures::registered(own_registry);
        let most = options.max_devices;
        let (windows, rules) = hands(&following, &parts.registry, &log, parts.windows.take(), most);
        let inspector = Inspector::beside(&decoder, options.clocks, &windows);
        let _ = vitals.rules.set(rules.keeping());
        let _ = vitals.windows.set(windows.keeping());
        let ingest = Arc::new(Ingest {
            decoder,
            clocks: Arc::new(Clocks::new(options.clocks, most)),
            past: Past::of(&parts.history, &settled),
            started: Instant::now(),
            trigger,
            devices,
            feed: Arc::clone(&following.feed),
            rules,
            windows,
            clockless: clockless_sender,
            recordings: Recordings(archive.clone()),
            refusals: Mutex::new(RefusalBudget::new()),
            log: Arc::clone(&log),
            vitals: Arc::clone(&vitals),
            metrics,
        });
        let mut backend = Self {
            ingest,
            inspector,
            registry: Arc::clone(&parts.registry),
            log,
            vitals,
            topics: options.topics,
            ml_understands_context: options.ml_understands_context,
            following,
            clockless: Some(clockless),
            doors: CancellationToken::new(),
            drain: CancellationToken::new(),
            give_up: CancellationToken::new(),
            door_tasks: vec![],
            record_tasks: vec![],
            publisher: None,
            gate: Arc::default(),
            journal: None,
            prepared,
            settled,
        };
        backend.start_recording(&parts, options.batch, most, (prepared_sender, settled_sender));
        let keeper = parts.storage.take().map(|storage| Keeper {
            storage,
            options: options.retention,
            log: Arc::clone(&backend.log),
            vitals: Arc::clone(&backend.vitals),
            figures: storage_figures,
            prepared: backend.prepared.clone(),
        });
        backend.start_chores(&parts, keeper, archive);
        Ok(backend)
    }

    /// Starts what goes on beside recording: figures of the service, judging decisions, removing what is old.
    fn start_chores<L>(&mut self, parts: &Parts<L>, keeper: Option<Keeper>, archive: Option<Arc<Archive>>) {
        let drain = || self.drain.clone();
        let system_metrics = SystemMetrics {
            metrics: Arc::clone(&self.ingest.metrics),
            devices: self.devices(),
            vitals: Arc::clone(&self.vitals),
            history: Arc::clone(&parts.history),
            log: Arc::clone(&self.log),
        };
        let chores = [
            tokio::spawn(system_metrics.run(drain())),
            tokio::spawn(judge::run(Arc::clone(&parts.tables), drain())),
            tokio::spawn(Arc::clone(&self.following).run(drain())),
            tokio::spawn(Arc::clone(&self.ingest.rules).run(drain())),
            tokio::spawn(Arc::clone(&self.ingest.windows).run(drain())),
        ];
        let keeping = keeper.map(|keeper| tokio::spawn(keeper.run(drain())));
        let sweeping = archive.map(|archive| tokio::spawn(retention::run(archive, drain())));
        self.record_tasks.extend(chores);
        self.record_tasks.extend(keeping.into_iter().chain(sweeping));
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

    /// What others may look at.
    pub fn views(&self) -> Views {
        Views {
            devices: self.devices(),
            registry: Arc::clone(&self.registry),
            following: Arc::clone(&self.following),
            feed: Arc::clone(&self.ingest.feed),
            windows: Arc::clone(&self.ingest.windows),
            rules: Arc::clone(&self.ingest.rules),
            inspector: self.inspector.clone(),
            metrics: Arc::clone(&self.ingest.metrics),
            vitals: Arc::clone(&self.vitals),
            log: Arc::clone(&self.log),
        }
    }

    /// Returns when ClickHouse answers, has the schema and said what was known before. Accepting does not wait for it;
    /// deciding waits for a few seconds at most.
    pub async fn ready(&self) {
        let _ = self.prepared.clone().wait_for(|prepared| *prepared).await;
        let _ = self.settled.clone().wait_for(|settled| *settled).await;
    }

    /// How far a change of ClickHouse's schema has come, while there is one. Until it is done rows wait in the log.
    pub fn upgrade(&self) -> Option<Progress> {
        self.vitals.upgrade()
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

    /// Starts the recorder, and what reads and writes the table of devices. `prepared` becomes true when ClickHouse has the
    /// schema, `settled` when what was known before is known again.
    fn start_recording<L: Plans>(
        &mut self,
        parts: &Parts<L>,
        limits: BatchLimits,
        max_devices: usize,
        (prepared, settled): (watch::Sender<bool>, watch::Sender<bool>),
    ) {
        let (replayed_sender, replayed) = watch::channel(false);
        let recorder = Recorder {
            plans: Arc::clone(&parts.log),
            tables: Arc::clone(&parts.tables),
            limits,
            metrics: Arc::clone(&self.ingest.metrics),
            vitals: Arc::clone(&self.vitals),
            gate: Arc::clone(&self.gate),
            give_up: self.give_up.clone(),
            replayed: replayed_sender,
            left: AtomicU64::new(0),
        };
        let registry = DeviceRegistry {
            following: Arc::clone(&self.following),
            windows: Arc::clone(&self.ingest.windows),
            rules: Arc::clone(&self.ingest.rules),
            tables: Arc::clone(&parts.tables),
            examined: Mutex::default(),
            clocks: Arc::clone(&self.ingest.clocks),
            history: Arc::clone(&parts.history),
            log: Arc::clone(&self.log),
            vitals: Arc::clone(&self.vitals),
            max_devices,
            prepared: self.prepared.clone(),
            replayed,
            settled,
        };
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
