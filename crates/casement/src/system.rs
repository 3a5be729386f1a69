//! Everything in one: broker, engine, backend, ML service, page and, on request, simulated rooms.
//!
//! In: a checked configuration. Out: a running [`System`] that says where it can be reached. It ends in the order of the
//! data: senders first, then the doors, then the recorder, last the engine.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use backend::{Acceptance, Backend, Ingest, Message, Receive};
use broker::{Broker, BrokerOptions, Publish, PublishHook, Verdict};
use domain::{RefusalReason, Timestamp};
use engine::{SpawnOptions, Supervisor};
use ml::Ml;
use monitoring::{HttpListener, Monitor, Registry};
use mqtt::BrokerUrl;
use simulator::SimulationOptions;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{assembly, config::Config};

/// From the signal to the end of the engine; what follows takes a moment.
const END: Duration = Duration::from_millis(3_600);
/// Of that, what is kept for the engine.
const ENGINE_END: Duration = Duration::from_millis(700);
const SENDERS_END: Duration = Duration::from_millis(700);

/// What a system is started with beside its configuration.
#[derive(Debug)]
pub struct SystemOptions {
    /// The program whose subcommand `engine` is the engine's process: this binary.
    pub program: PathBuf,
    /// Virtual rooms to add.
    pub simulate: usize,
}

/// A running system.
pub struct System {
    broker: Broker,
    engine: Supervisor,
    backend: Backend,
    http: SocketAddr,
    senders: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Door two: the embedded broker asks before it acknowledges.
struct Hook(Arc<Ingest>);

#[async_trait]
impl PublishHook for Hook {
    async fn accept(&self, publish: Publish<'_>) -> Verdict {
        let received_at = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        let message = Message {
            topic: publish.topic.to_owned(),
            payload: publish.payload,
            received_at,
        };
        match self.0.accept(message).await {
            Acceptance::Withheld => Verdict::Withhold,
            // It would wait for each subscriber that is away.
            Acceptance::Refused(RefusalReason::TooLarge) => Verdict::Refuse,
            _ => Verdict::Accept,
        }
    }
}

impl System {
    /// Starts everything; returns when readings are accepted, stored and answered.
    pub async fn start(mut config: Config, options: SystemOptions) -> anyhow::Result<Self> {
        let listener = HttpListener::bind(config.http.addr, "http.addr").await?;
        let http = listener.addr();
        assembly::make_dir(&config.engine.path)?;
        assembly::make_dir(&config.journal.path)?;
        let engine = Supervisor::start(engine_process(&config, options.program)).await?;
        config.clickhouse.addr = engine.listen().to_string();
        config.clickhouse.user = "default".into();
        config.clickhouse.password.clone_from(&config.engine.password);
        match Self::start_beside(&engine, &mut config, listener, options.simulate).await {
            Ok((broker, backend, senders, tasks)) => Ok(Self {
                broker,
                engine,
                backend,
                http,
                senders,
                tasks,
            }),
            Err(error) => {
                engine.stop(Instant::now() + END).await;
                Err(error)
            }
        }
    }

    async fn start_beside(
        engine: &Supervisor,
        config: &mut Config,
        http: HttpListener,
        simulate: usize,
    ) -> anyhow::Result<(Broker, Backend, CancellationToken, Vec<JoinHandle<()>>)> {
        // After a crash the journal repairs itself first, which may take a second.
        let options = assembly::backend(config)?;
        let local = assembly::local(config);
        let mut registry = Registry::default();
        let mut backend = tokio::task::block_in_place(|| Backend::open(options, local, &mut registry))?;
        let hook = Arc::new(Hook(backend.ingest()));
        let broker = Broker::start(
            BrokerOptions {
                listen: config.broker.addr,
                ..BrokerOptions::default()
            },
            hook,
        )
        .await
        .context("the broker cannot start (choose another address with --mqtt ADDR)")?;
        let url = BrokerUrl::tcp(broker.listen().ip().to_string(), broker.listen().port());
        config.mqtt.broker = url.to_string();
        info!(mqtt = %broker.listen(), clickhouse = %engine.listen(), "broker and engine are up");
        backend.connect(
            assembly::connection(&config.mqtt, &assembly::passing_client_id("casement-backend"))?,
            Receive::ByHook,
        );
        let senders = CancellationToken::new();
        let ml = Ml::open(assembly::ml(config)?, &mut registry)?;
        let monitor = Monitor::new(registry, vec![backend.health(), ml.health()]);
        let ml = start_ml(ml, senders.clone()).await?;
        let http = http.spawn(monitor.routes().merge(backend.routes()), senders.clone());
        backend.ready().await;
        let mut tasks = vec![ml, http];
        if simulate > 0 {
            let simulation = SimulationOptions {
                devices: simulate,
                ..SimulationOptions::new(url)
            };
            let rooms = simulator::run(simulation, senders.clone());
            tasks.push(tokio::spawn(async move {
                if let Err(error) = rooms.await {
                    error!(%error, "the simulated rooms ended");
                }
            }));
        }
        Ok((broker, backend, senders, tasks))
    }

    /// Where MQTT clients connect.
    pub fn mqtt(&self) -> SocketAddr {
        self.broker.listen()
    }

    /// Where page, API and metrics are.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where ClickHouse's HTTP interface is.
    pub fn clickhouse(&self) -> SocketAddr {
        self.engine.listen()
    }

    /// The engine's process, while it runs.
    pub fn engine_pid(&self) -> Option<u32> {
        self.engine.pid()
    }

    /// Ends everything within five seconds. Gives the number of records left in the journal.
    pub async fn stop(mut self) -> u64 {
        // One deadline for all: who is slow takes from what is left, not from those after it.
        let deadline = Instant::now() + END;
        self.senders.cancel();
        let _ = tokio::time::timeout(SENDERS_END, futures_util::future::join_all(self.tasks)).await;
        self.backend.close_doors().await;
        self.broker.stop().await;
        let drain = (deadline - ENGINE_END).saturating_duration_since(Instant::now());
        let left = self.backend.stop(drain).await;
        self.engine.stop(deadline).await;
        left
    }
}

/// Starts the ML service as a task; returns when it receives requests.
async fn start_ml(ml: Ml, shutdown: CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let (ready, is_ready) = oneshot::channel();
    let task = tokio::spawn(async move {
        if let Err(error) = ml.run(shutdown, ready).await {
            error!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "the ML service ended"
            );
        }
    });
    is_ready.await.context("the ML service ended at its start")?;
    Ok(task)
}

fn engine_process(config: &Config, program: PathBuf) -> SpawnOptions {
    let mut args: Vec<OsString> = vec!["engine".into(), "--supervised".into()];
    args.extend(["--clickhouse".into(), config.engine.addr.to_string().into()]);
    let mut spawn = SpawnOptions::new(program, args, config.engine.addr);
    // The child reads the same variables; what came from the file or a flag is handed on in the same way. Passwords are
    // not: they stand in variables that it has, or in files that it reads itself.
    let section = serde_json::to_value(&config.engine).expect("a section is plain data");
    hand_on(&section, "CASEMENT__ENGINE", &mut spawn.env);
    spawn
}

fn hand_on(value: &serde_json::Value, name: &str, env: &mut Vec<(OsString, OsString)>) {
    match value {
        serde_json::Value::Object(section) => {
            for (key, inner) in section.iter().filter(|(key, _)| !key.ends_with("password")) {
                hand_on(inner, &format!("{name}__{}", key.to_ascii_uppercase()), env);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => env.push((name.into(), text.into())),
        other => env.push((name.into(), other.to_string().into())),
    }
}

/// This binary, for the engine's process.
pub fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own path is unknown")
}
