//! The whole system in one process: broker, engine, backend, ML service, page and, on request, simulated rooms. Broker,
//! engine and ML service are each embedded or run elsewhere.
//!
//! In: a checked configuration. Out: a running [`System`] that knows its addresses. It stops in the order of the data
//! flow: senders first, then the inputs, then the recorder, last the engine.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use backend::{Acceptance, Backend, Ingest, Message, Outlet, Passage};
use broker::{Broker, Callbacks, LocalPublisher, Observer, Publish, PublishHook, Reception, Verdict};
use domain::{RefusalReason, Timestamp};
use engine::Supervisor;
use ml::Ml;
use model::Model;
use monitoring::{HealthSource, HttpListener, Monitor, Registry};
use mqtt::{BrokerUrl, Pipe, PublishError};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    assembly,
    certificates::{self, Certificates},
    config::{Anonymous, Config},
    data_dir,
    door_book::{DoorBook, refusals, samples},
    doorkeeper::{self, Doorkeeper},
    engine_part::{self, start_engine},
    engine_users::Hand,
    entrance::Entrance,
    mdns,
    page_urls::PageUrls,
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

/// The second input: the embedded broker asks the backend before it acknowledges.
struct Hook(Arc<Ingest>);

/// Requests go to the embedded broker without a connection.
struct Requests(LocalPublisher);

#[async_trait]
impl Outlet for Requests {
    fn is_connected(&self) -> bool {
        true
    }

    async fn send(&self, message: mqtt::Message) -> Result<(), PublishError> {
        let mqtt::Message {
            topic,
            payload,
            expires_at,
            ..
        } = message;
        let shown: String = topic.chars().take(100).collect();
        if self.0.publish(topic, payload, expires_at) {
            Ok(())
        } else {
            Err(PublishError::BadTopic(shown))
        }
    }
}

/// The ML service's way to the embedded broker.
fn pipe(broker: &Broker) -> Pipe {
    let connector = broker.local_connector();
    Pipe::new(move || connector.connect())
}

#[async_trait]
impl PublishHook for Hook {
    async fn accept(&self, publish: Publish<'_>) -> Reception {
        let received_at = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let message = Message {
            topic: publish.topic.to_owned(),
            payload: publish.payload,
            received_at,
            // Whether the broker is to retain it is the sender's wish: the message itself is live.
            passage: Passage {
                is_marked: publish.dup,
                may_clear: publish.retain,
                ..Passage::default()
            },
        };
        let mut interpreted = self.0.interpret(&message).await;
        if interpreted.goes_ahead() {
            let ingest = Arc::clone(&self.0);
            return Reception::Ahead(Box::pin(async move {
                verdict(ingest.persist(&mut interpreted).await)
            }));
        }
        verdict(self.0.persist(&mut interpreted).await).into()
    }
}

const fn verdict(acceptance: Acceptance) -> Verdict {
    match acceptance {
        Acceptance::Withheld => Verdict::Withhold,
        // Otherwise it would wait for each absent subscriber.
        Acceptance::Refused(RefusalReason::TooLarge) => Verdict::Refuse,
        _ => Verdict::Accept,
    }
}

impl System {
    /// Starts all parts. Returns when readings are accepted, stored and answered.
    pub async fn start(mut config: Config, options: SystemOptions) -> anyhow::Result<Self> {
        let certificates = Certificates::open(&config)?;
        let addresses = certificates::page_addresses(&config, certificates.as_ref());
        let listener = HttpListener::bind_all(addresses, "http.addr").await?;
        let http = listener.addr();
        data_dir::create(&config.journal.path)?;
        let (engine, hand) = if config.embeds_engine() {
            let (engine, hand) = start_engine(&mut config, options.program).await?;
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
        let role = Role {
            registry,
            health,
            hand,
            certificates,
        };
        match Services::start(&mut config, role, listener, options.simulate).await {
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

/// What services add themselves to.
struct Role {
    registry: Registry,
    health: Vec<HealthSource>,
    /// What tells the engine's process who may read.
    hand: Option<Hand>,
    certificates: Option<Certificates>,
}

impl Services {
    async fn start(
        config: &mut Config,
        role: Role,
        http: HttpListener,
        simulate: usize,
    ) -> anyhow::Result<Self> {
        let Role {
            mut registry,
            mut health,
            hand,
            certificates,
        } = role;
        let senders = CancellationToken::new();
        // After a crash the journal repairs itself first, which may take a second.
        let (options, local) = (assembly::backend(config)?, assembly::local(config)?);
        let mut backend = tokio::task::block_in_place(|| Backend::open(options, local, &mut registry))?;
        let entrance = Entrance::open(config, &backend.ingest())?;
        health.push(entrance.register(&mut registry));
        let broker = if config.embeds_broker() {
            let doorkeeper = Doorkeeper::of(config, &entrance)?;
            let observer = DoorBook::open(backend.ingest(), Arc::clone(&entrance.auditor));
            let doors = (doorkeeper, observer);
            let broker = start_broker(config, &backend, &mut registry, certificates.as_ref(), doors).await?;
            tokio::spawn(doorkeeper::recheck(
                Arc::clone(&entrance.accounts),
                broker.rechecker(),
                senders.clone(),
            ));
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
        let invitation = entrance.invitation(config, &PageUrls::of(&http));
        entrance.follow(config, &backend.ingest(), hand, &senders);
        let routes = entrance.people.guard(monitor.routes().merge(backend.routes()));
        tasks.serve(http, routes, senders.clone());
        if let Some(broker) = &broker {
            backend.embed_broker(Requests(broker.local_publisher()));
        } else {
            backend.connect(assembly::backend_connection(&config.mqtt)?);
            let (diagnosis, filters) = assembly::diagnosis(&config.mqtt)?;
            backend.diagnose(diagnosis, filters);
        }
        if let Some(ml) = ml {
            let waiting_for = format!("the broker {}", config.mqtt.broker);
            let (told, ready) = oneshot::channel();
            let running = ml.run(senders.clone(), told);
            tasks.add("the ML service", async { Ok(running.await?) });
            wait_for(&waiting_for, ready)
                .await
                .context("the ML service ended at its start")?;
        }
        wait_for(
            &format!("ClickHouse at {}", config.clickhouse.url()),
            backend.ready(),
        )
        .await;
        if simulate > 0 {
            let mut options = assembly::simulation(&config.mqtt, simulate)?;
            if config.broker.anonymous == Anonymous::Never {
                // Rooms within the process are nobody's devices, and need no account.
                options.pipe = broker.as_ref().map(pipe);
            }
            let rooms = simulator::run(options, senders.clone());
            tasks.add("the simulation", async { Ok(rooms.await.map(drop)?) });
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

/// Starts the embedded broker in front of the backend and makes it the broker of the configuration.
async fn start_broker(
    config: &mut Config,
    backend: &Backend,
    registry: &mut Registry,
    certificates: Option<&Certificates>,
    (doorkeeper, observer): (Doorkeeper, DoorBook),
) -> anyhow::Result<Broker> {
    data_dir::create(&config.broker.path)?;
    let hook = Arc::new(Hook(backend.ingest()));
    let observer: Arc<dyn Observer> = Arc::new(observer);
    let callbacks = Callbacks {
        hook,
        observer: Some(observer),
        access: Some(Arc::new(doorkeeper)),
    };
    let options = assembly::broker(config, certificates::mqtt_listeners(config, certificates));
    let broker = Broker::start_with(options, callbacks)
        .await
        .context("the broker cannot start (choose another address with --mqtt ADDR, or a broker of your own with --mqtt URL)")?;
    let figures = broker.figures();
    let refusing = broker.figures();
    backend.count_refusals(move || refusals(&refusing));
    registry
        .sub_registry_with_prefix("casement_broker")
        .register_collector(monitoring::collector(move || samples(&figures)));
    let listen = broker.listen();
    config.mqtt.broker = BrokerUrl::tcp(listen.ip().to_string(), listen.port());
    Ok(broker)
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
