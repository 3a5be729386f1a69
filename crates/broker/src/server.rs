//! Starting and stopping the broker.
//!
//! It runs on its own runtime: the library spawns tasks that never finish, and only shutting down their runtime ends
//! them. So brokers can be started and stopped repeatedly in one process.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rmqtt::{
    context::ServerContext,
    hook::Type,
    net::{Builder, Listener},
    server::MqttServer,
};
use tokio::runtime::Runtime;

use crate::{BrokerOptions, PublishHook, gate::Gate};

/// How long stopping waits for the hook to finish, and then for the threads.
const DRAIN: Duration = Duration::from_secs(1);
const END: Duration = Duration::from_millis(500);

/// The broker could not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Another process listens on it.
    #[error("the MQTT address {0} is in use")]
    AddressInUse(SocketAddr),
    /// Without accounts every client may do everything, so the port must not be reachable from other hosts.
    #[error(
        "the MQTT address {0} can be reached by others, and there are no accounts yet: listen on 127.0.0.1"
    )]
    NeedsAccounts(SocketAddr),
    /// Listening failed for another reason.
    #[error("cannot listen on the MQTT address {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The broker's threads could not be started.
    #[error("cannot start the broker's threads")]
    Threads(#[source] io::Error),
    /// The broker library refused to start.
    #[error("the broker could not be set up: {0}")]
    Setup(String),
}

/// A running broker. Dropping it stops it at once; [`Broker::stop`] lets the hook finish first.
pub struct Broker {
    listen: SocketAddr,
    gate: Gate,
    /// `None` only while it is being stopped.
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts a broker. It accepts connections when this returns.
    pub async fn start(options: BrokerOptions, hook: Arc<dyn PublishHook>) -> Result<Self, BrokerError> {
        if !options.listen.ip().is_loopback() {
            return Err(BrokerError::NeedsAccounts(options.listen));
        }
        let gate = Gate::new(hook);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.worker_threads.max(1))
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(BrokerError::Threads)?;
        // From here on an early return drops the broker, and with it the threads.
        let mut broker = Self {
            listen: options.listen,
            gate: gate.clone(),
            runtime: Some(runtime),
        };
        let setting_up = broker
            .runtime
            .as_ref()
            .map(|runtime| runtime.spawn(set_up(options, gate)));
        let set_up = setting_up.expect("the runtime was just made").await;
        broker.listen = set_up.map_err(|error| BrokerError::Setup(error.to_string()))??;
        tracing::info!(listen = %broker.listen, "the broker accepts connections");
        Ok(broker)
    }

    /// Returns the address it listens on, with the actual port.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Accepts no new publishes, lets the hook finish (for at most 1 s), then closes every connection and the port.
    /// Clients send again what was not acknowledged.
    pub async fn stop(mut self) {
        self.gate.close();
        let deadline = Instant::now() + DRAIN;
        while !self.gate.is_idle() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Some(runtime) = self.runtime.take() {
            // Waiting for threads must not block the caller's runtime.
            let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(END)).await;
            if ended.is_err() {
                tracing::warn!("the broker's threads did not end properly");
            }
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.gate.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// On the broker's own runtime: binds, registers plugins and gate, and starts serving.
async fn set_up(options: BrokerOptions, gate: Gate) -> Result<SocketAddr, BrokerError> {
    let listener = bind(&options)?;
    let listen = listener
        .local_addr()
        .map_err(|error| BrokerError::Setup(error.to_string()))?;
    let retainer = format!(
        "storage.type = \"ram\"\nmax_retained_messages = {}\nmax_payload_size = \"{}B\"\nretained_message_ttl = \"0s\"\n",
        options.max_retained_messages, options.max_retained_bytes
    );
    let context = ServerContext::new()
        // The library's load check refuses connections because of the load of the whole machine.
        .busy_check_enable(false)
        .plugins_config_map_add("rmqtt-retainer", retainer)
        .plugins_config_map_add("rmqtt-shared-subscription", "strategy = \"round_robin\"\n")
        .build()
        .await;
    let setup = |error: rmqtt::Error| BrokerError::Setup(error.to_string());
    rmqtt_retainer::register(&context, true, false)
        .await
        .map_err(setup)?;
    rmqtt_shared_subscription::register(&context, true, false)
        .await
        .map_err(setup)?;

    let register = context.extends.hook_mgr().register();
    // The lowest priority runs last: other checks refuse a publish before it reaches the gate.
    register
        .add(Type::MessagePublishCheckAcl, Box::new(gate.clone()))
        .await;
    register.add(Type::MessagePublish, Box::new(gate)).await;
    register.start().await;

    let server = MqttServer::new(context)
        .listener_by_id(listener, listen.port())
        .build();
    tokio::spawn(async move {
        if let Err(error) = server.run().await {
            tracing::error!(%error, "the broker stopped serving");
        }
    });
    Ok(listen)
}

fn bind(options: &BrokerOptions) -> Result<Listener, BrokerError> {
    let address = options.listen;
    let failed = |error: rmqtt::Error| match error.downcast::<io::Error>() {
        Ok(source) if source.kind() == io::ErrorKind::AddrInUse => BrokerError::AddressInUse(address),
        Ok(source) => BrokerError::Listen { address, source },
        Err(error) => BrokerError::Setup(error.to_string()),
    };
    Builder::new()
        .name("casement")
        .laddr(address)
        // A restart must not fail because of earlier connections in TIME_WAIT.
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(true)
        .max_connections(options.max_connections)
        .max_packet_size(options.max_packet_bytes)
        .max_inflight(options.max_inflight)
        .max_mqueue_len(options.max_queued_messages)
        .session_expiry_interval(options.session_expiry)
        .max_session_expiry_interval(options.session_expiry)
        // Zero means never: a message is kept as long as its session, and repeated only on a new connection.
        .message_expiry_interval(Duration::ZERO)
        .message_retry_interval(Duration::ZERO)
        .max_clientid_len(1_024)
        .max_topic_levels(32)
        .max_topic_aliases(32)
        .bind()
        .and_then(Listener::tcp)
        .map_err(failed)
}
