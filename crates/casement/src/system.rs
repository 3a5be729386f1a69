//! The whole system in one process: broker, engine, backend, ML service, page and, on request, simulated rooms. Broker,
//! engine and ML service are each embedded or run elsewhere.
//!
//! In: a checked configuration. Out: a running [`System`] that knows its addresses. It stops in the order of the data
//! flow: senders first, then the inputs, then the recorder, last the engine.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use backend::Backend;
use broker::Broker;
use engine::Supervisor;
use ml::Ml;
use model::Model;
use monitoring::{HealthSource, HttpListener, Monitor, Registry};
use mqtt::BrokerUrl;
use simulator::Mishaps;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    api_part, assembly,
    backup_part::Backups,
    broker_part::{Requests, pipe, start_broker},
    certificates::{self, Certificates},
    config::{Anonymous, Config},
    data_dir,
    doctor::Setup,
    door_book::DoorBook,
    doorkeeper::{self, Doorkeeper},
    engine_part::{self, start_engine},
    engine_users::Hand,
    entrance::Entrance,
    mdns,
    page_urls::PageUrls,
    service_manager,
    supervision::Tasks,
    telemetry::redaction,
};

/// Time from the signal to the end of the engine; the rest takes a moment.
const END: Duration = Duration::from_millis(3_600);
/// Part of that time that is reserved for the engine.
const ENGINE_END: Duration = Duration::from_millis(700);
const SENDERS_END: Duration = Duration::from_millis(700);
/// Time after which a start logs what it is waiting for.
const SILENCE: Duration = Duration::from_secs(3);

/// Options of a system in addition to its configuration.
#[derive(Debug)]
pub struct SystemOptions {
    /// The program whose subcommand `engine` runs the engine: this binary.
    pub program: PathBuf,
    /// Number of virtual rooms to add.
    pub simulate: usize,
    /// What happens to their windows besides commands.
    pub mishaps: Mishaps,
    /// The file that the configuration was read from, for backups.
    pub configuration_file: Option<PathBuf>,
}

/// A running system.
pub struct System {
    config: Config,
    http: SocketAddr,
    engine: Option<Supervisor>,
    services: Services,
}

/// Everything but the engine.
struct Services {
    /// Taken back with the senders.
    _announcement: Option<mdns::Announcement>,
    broker: Option<Broker>,
    backend: Backend,
    /// A line with a link that signs in once.
    invitation: Option<String>,
    model: Option<Arc<Model>>,
    senders: CancellationToken,
    tasks: Tasks,
}

impl System {
    /// Starts all parts. Returns when readings are accepted, stored and answered.
    pub async fn start(mut config: Config, options: SystemOptions) -> anyhow::Result<Self> {
        let certificates = Certificates::open(&config)?;
        let addresses = certificates::page_addresses(&config, certificates.as_ref());
        let listener = HttpListener::bind_all(addresses, "http.addr")
            .await?
            .limited(api_part::limits());
        let http = listener.addr();
        data_dir::create(&config.journal.path)?;
        let (engine, hand) = if config.embeds_engine() {
            let (engine, hand) = start_engine(&mut config, options.program.clone()).await?;
            (Some(engine), Some(hand))
        } else {
            info!(url = config.clickhouse.url(), "ClickHouse runs elsewhere");
            (None, None)
        };
        let mut registry = Registry::default();
        let mut health = Vec::new();
        if let Some(engine) = &engine {
            let status = engine.status();
            health.push(engine_part::health(status.clone()));
            registry
                .sub_registry_with_prefix("casement_up")
                .register_collector(monitoring::collector(move || {
                    vec![engine_part::restarts(&status)]
                }));
        }
        let backups = Backups::of(&config, options.configuration_file.as_deref(), engine.is_some());
        health.extend(backups.register(&mut registry));
        let role = Role {
            program: options.program,
            registry,
            health,
            hand,
            backups,
            certificates,
        };
        match Services::start(&mut config, role, listener, (options.simulate, options.mishaps)).await {
            Ok(services) => Ok(Self {
                config,
                http,
                engine,
                services,
            }),
            Err(error) => {
                if let Some(engine) = engine {
                    engine.stop(Instant::now() + END).await;
                }
                Err(error)
            }
        }
    }

    /// Returns the address of the broker that all services use.
    pub const fn mqtt(&self) -> &BrokerUrl {
        &self.config.mqtt.broker
    }

    /// Returns the configuration, with the addresses of this start.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the address of page, API and metrics.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Returns the URL of ClickHouse's HTTP interface.
    pub fn clickhouse(&self) -> String {
        self.config.clickhouse.url()
    }

    /// Returns a line with a link that signs an admin in once.
    pub fn invitation(&self) -> Option<&str> {
        self.services.invitation.as_deref()
    }

    /// Returns the model that served at the start; `None` if the ML service runs elsewhere.
    pub fn model(&self) -> Option<&Model> {
        self.services.model.as_deref()
    }

    /// Returns the process id of the embedded engine while it runs.
    pub fn engine_pid(&self) -> Option<u32> {
        self.engine.as_ref()?.pid()
    }

    /// Runs until `shutdown`, or returns which part ended before.
    pub async fn run_until(&mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        self.services.tasks.run_until(shutdown).await
    }

    /// Stops all parts within five seconds. Returns the number of records left in the journal.
    pub async fn stop(self) -> u64 {
        // There is one deadline for all parts, and time is reserved for the engine.
        let deadline = Instant::now() + END;
        let left = self.services.stop(deadline).await;
        if let Some(engine) = self.engine {
            engine.stop(deadline).await;
        }
        left
    }
}

/// Adds simulated rooms until `senders` are to end.
fn add_rooms(
    config: &Config,
    (count, mishaps): (usize, Mishaps),
    pipe: impl FnOnce() -> Option<mqtt::Pipe>,
    (tasks, senders): (&mut Tasks, &CancellationToken),
) -> anyhow::Result<()> {
    let mut options = assembly::simulation(&config.mqtt, count)?;
    options.mishaps = mishaps;
    if config.broker.anonymous == Anonymous::Never {
        // Rooms within the process are nobody's devices, and need no account.
        options.pipe = pipe();
    }
    let rooms = simulator::run(options, senders.clone());
    tasks.add("the simulation", async { Ok(rooms.await.map(drop)?) });
    Ok(())
}

/// What services add themselves to.
struct Role {
    /// This program, for processes of its own.
    program: PathBuf,
    registry: Registry,
    health: Vec<HealthSource>,
    /// What tells the engine's process who may read.
    hand: Option<Hand>,
    backups: Backups,
    certificates: Option<Certificates>,
}

impl Services {
    async fn start(
        config: &mut Config,
        role: Role,
        http: HttpListener,
        simulated: (usize, Mishaps),
    ) -> anyhow::Result<Self> {
        let Role {
            program,
            mut registry,
            mut health,
            hand,
            backups,
            certificates,
        } = role;
        let senders = CancellationToken::new();
        // After a crash the journal repairs itself first, which may take a second.
        let (options, local) = (assembly::backend(config)?, assembly::local(config)?);
        let mut backend = tokio::task::block_in_place(|| Backend::open(options, local, &mut registry))?;
        let entrance = Entrance::open(config, &backend.ingest())?;
        health.push(entrance.register(&mut registry));
        let broker = if config.embeds_broker() {
            let doorkeeper = Doorkeeper::of(config, &entrance, backend.ingest())?;
            let observer = DoorBook::open(
                backend.ingest(),
                Arc::clone(&entrance.auditor),
                Arc::clone(&entrance.accounts),
            );
            let doors = (doorkeeper, observer);
            let broker = start_broker(config, &backend, &mut registry, certificates.as_ref(), doors).await?;
            let accounts = Arc::clone(&entrance.accounts);
            tokio::spawn(doorkeeper::recheck(accounts, broker.rechecker(), senders.clone()));
            Some(broker)
        } else {
            info!(url = %config.mqtt.broker, "the broker runs elsewhere");
            None
        };
        let ml = if config.ml.embedded {
            let mut options = assembly::ml(config)?;
            options.connection.pipe = broker.as_ref().map(pipe);
            Some(Ml::open(options, &mut registry)?)
        } else {
            info!("the ML service runs elsewhere");
            None
        };
        let model = ml.as_ref().map(|ml| ml.models().current());
        health.push(backend.health());
        health.extend(ml.as_ref().map(Ml::health));
        if let Some(certificates) = &certificates {
            health.push(certificates.health());
            let sampled = certificates.clone();
            registry
                .sub_registry_with_prefix("casement_tls")
                .register_collector(monitoring::collector(move || vec![sampled.sample()]));
        }
        let health = health.into_iter().map(redaction::health).collect();
        let monitor = Monitor::new(registry, health);
        let mut tasks = Tasks::default();
        if let Some(certificates) = &certificates {
            certificates.watch(&mut tasks, &senders);
        }
        let page = PageUrls::of(&http);
        let invitation = entrance.invitation(config, &page);
        entrance.follow(config, &backend, hand, &senders);
        let parts = api_part::parts(config, (Setup::Up, program), &backend, &monitor, &entrance)?;
        let routes = entrance.people.guard(monitor.routes().merge(api::routes(parts)));
        tasks.serve(http, routes, senders.clone());
        meet_broker(config, &mut backend, broker.as_ref(), &page)?;
        if let Some(ml) = ml {
            let waiting_for = format!("the broker {}", config.mqtt.broker);
            let (told, ready) = oneshot::channel();
            let running = ml.run(senders.clone(), told);
            tasks.add("the ML service", async { Ok(running.await?) });
            wait_for(&waiting_for, ready)
                .await
                .context("the ML service ended at its start")?;
        }
        let clickhouse = format!("ClickHouse at {}", config.clickhouse.url());
        tokio::select! {
            () = wait_for(&clickhouse, backend.ready()) => {}
            () = tell_of_upgrade(&backend) => {}
        }
        let parts = (&backend, broker.as_ref());
        backups.begin(config, parts, (&mut tasks, &senders)).await?;
        if simulated.0 > 0 {
            let pipe = || broker.as_ref().map(pipe);
            add_rooms(config, simulated, pipe, (&mut tasks, &senders))?;
        }
        let announcement = if config.broker.mdns && broker.is_some() {
            mdns::announce(config)?
        } else {
            None
        };
        Ok(Self {
            _announcement: announcement,
            broker,
            backend,
            invitation,
            model,
            senders,
            tasks,
        })
    }

    async fn stop(mut self, deadline: Instant) -> u64 {
        self.senders.cancel();
        let _ = self.tasks.join(SENDERS_END).await;
        self.backend.close_doors().await;
        if let Some(broker) = self.broker {
            broker.stop().await;
        }
        let drain = (deadline - ENGINE_END).saturating_duration_since(Instant::now());
        self.backend.stop(drain).await
    }
}

/// Tells the service manager how far a change of the schema has come, for which a start may take any time. Never returns.
async fn tell_of_upgrade(backend: &Backend) {
    loop {
        tokio::time::sleep(SILENCE).await;
        if let Some(progress) = backend.upgrade() {
            service_manager::starting(&progress.to_string());
        }
    }
}

/// Waits for `ready`, and logs what it is waiting for if that takes long.
async fn wait_for<T>(what: &str, ready: impl Future<Output = T>) -> T {
    let mut ready = std::pin::pin!(ready);
    if let Ok(value) = tokio::time::timeout(SILENCE, &mut ready).await {
        return value;
    }
    info!("waiting for {what}");
    ready.await
}

/// Returns this binary's path, for the engine's process.
pub fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own path is unknown")
}

/// Connects the backend to its broker, and tells Home Assistant of rooms where that is wanted.
fn meet_broker(
    config: &Config,
    backend: &mut Backend,
    broker: Option<&Broker>,
    page: &PageUrls,
) -> anyhow::Result<()> {
    if let Some(broker) = broker {
        backend.embed_broker(Requests::to(broker));
    } else {
        backend.connect(assembly::backend_connection(&config.mqtt)?);
        let (diagnosis, filters) = assembly::diagnosis(&config.mqtt)?;
        backend.diagnose(diagnosis, filters);
    }
    let (rooms, mut connection) = assembly::home_assistant(config, page.of_network())?;
    connection.pipe = broker.map(pipe);
    backend.announce_rooms(rooms, connection);
    Ok(())
}
