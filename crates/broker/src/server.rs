//! Starting and stopping the broker.
//!
//! It runs on threads of its own: devices are served whatever else the process does, and ending the threads ends every task.
//! So brokers can be started and stopped repeatedly in one process.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Runtime,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    BrokerOptions, PublishHook,
    events::{EventKind, Events, Observer, What, Who},
    figures::Figures,
    gate::Gate,
    holding::Holdings,
    keep::{Keeper, Opening, StorageError},
    link::Kick,
    listener::Listener,
    local::{LocalConnector, LocalPublisher},
    registry::Registry,
    retained::{Retained, RetainedLimits},
    shared::Shared,
    statistics::Statistics,
    subscriptions::Subscriptions,
    sys,
};

/// How long stopping waits for the hook to finish, then for goodbyes, then for the threads.
const DRAIN: Duration = Duration::from_secs(1);
const GOODBYES: Duration = Duration::from_millis(300);
const END: Duration = Duration::from_millis(500);
/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 1_024;

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
    /// Another process keeps its sessions there.
    #[error("another process uses the broker's directory {0}")]
    StorageInUse(PathBuf),
    /// Sessions and retained messages cannot be kept there.
    #[error("cannot use the broker's directory {path}")]
    Storage {
        /// The directory.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The broker's threads could not be started.
    #[error("cannot start the broker's threads")]
    Threads(#[source] io::Error),
}

/// A running broker. Dropping it stops it at once; [`Broker::stop`] lets the hook finish first.
pub struct Broker {
    listen: SocketAddr,
    shared: Arc<Shared>,
    stopping: CancellationToken,
    connections: TaskTracker,
    /// `None` only while it is being stopped.
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts a broker. It accepts connections when this returns.
    pub async fn start(options: BrokerOptions, hook: Arc<dyn PublishHook>) -> Result<Self, BrokerError> {
        Self::start_observed(options, hook, None).await
    }

    /// Starts a broker that tells `observer` what happens at its door. It accepts connections when this returns.
    pub async fn start_observed(
        options: BrokerOptions,
        hook: Arc<dyn PublishHook>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, BrokerError> {
        if !options.listen.ip().is_loopback() {
            return Err(BrokerError::NeedsAccounts(options.listen));
        }
        let opening = open_storage(&options).await?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.worker_threads.max(1))
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(BrokerError::Threads)?;
        let handle = runtime.handle().clone();
        let keeper = opening.as_ref().map(|opening| Arc::clone(&opening.keeper));
        // From here on an early return drops the broker, and with it the threads.
        let mut broker = Self {
            listen: options.listen,
            shared: Arc::new(shared(options, hook, observer, keeper)),
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            runtime: Some(runtime),
        };
        // The socket belongs to the broker's threads.
        let address = broker.listen;
        let (socket, listen) = handle
            .spawn(async move { bind(address) })
            .await
            .expect("binding does not panic")?;
        broker.listen = listen;
        if let Some(opening) = opening {
            let (shared, address) = (Arc::clone(&broker.shared), broker.listen);
            // Timers belong to the broker's threads.
            handle
                .spawn(async move { restore(&shared, opening, address) })
                .await
                .expect("restoring does not panic");
        }
        let listener = Listener {
            socket,
            address: listen,
            shared: Arc::clone(&broker.shared),
            stopping: broker.stopping.clone(),
            connections: broker.connections.clone(),
        };
        handle.spawn(listener.run());
        handle.spawn(sys::run(Arc::clone(&broker.shared)));
        tracing::info!(%listen, "the broker accepts connections");
        Ok(broker)
    }

    /// Returns the address it listens on, with the actual port.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Returns what publishes from within this process.
    pub fn local_publisher(&self) -> LocalPublisher {
        LocalPublisher {
            shared: Arc::clone(&self.shared),
            listen: self.listen,
        }
    }

    /// Returns what makes connections from within this process.
    pub fn local_connector(&self) -> LocalConnector {
        let runtime = self.runtime.as_ref().expect("the broker is not being stopped");
        LocalConnector {
            shared: Arc::clone(&self.shared),
            listen: self.listen,
            stopping: self.stopping.clone(),
            connections: self.connections.clone(),
            threads: runtime.handle().clone(),
        }
    }

    /// Returns what reads its figures.
    pub fn figures(&self) -> Figures {
        Figures(Arc::clone(&self.shared))
    }

    /// Accepts no new publishes, lets the hook finish (for at most 1 s), then closes every connection and the port.
    /// Clients send again what was not acknowledged.
    pub async fn stop(mut self) {
        self.shared.gate.close();
        let deadline = Instant::now() + DRAIN;
        while !self.shared.gate.is_idle() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.stopping.cancel();
        self.shared.registry.kick_all(Kick::ShuttingDown);
        self.connections.close();
        // Clients that do not close their side are left behind.
        let _ = timeout(GOODBYES, self.connections.wait()).await;
        if let Some(keeper) = self.shared.keeper.clone() {
            let _ = tokio::task::spawn_blocking(move || keeper.close()).await;
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
        self.shared.gate.close();
        self.stopping.cancel();
        if let Some(keeper) = &self.shared.keeper {
            keeper.close();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Opens the storage, if there is to be one.
async fn open_storage(options: &BrokerOptions) -> Result<Option<Opening>, BrokerError> {
    let Some(path) = options.storage.clone() else {
        return Ok(None);
    };
    let max_bytes = options.max_stored_bytes;
    let directory = path.clone();
    let opened = tokio::task::spawn_blocking(move || Keeper::open(&directory, max_bytes)).await;
    match opened.expect("opening the storage does not panic") {
        Ok(opening) => Ok(Some(opening)),
        Err(StorageError::Held) => Err(BrokerError::StorageInUse(path)),
        Err(StorageError::Io(source)) => Err(BrokerError::Storage { path, source }),
    }
}

/// Puts back what an earlier run has left, and says what is lost.
fn restore(shared: &Arc<Shared>, opening: Opening, address: SocketAddr) {
    let Opening {
        keeper,
        loaded,
        set_aside,
    } = opening;
    let who = Who {
        address,
        client_id: "",
    };
    if let Some((aside, reason)) = set_aside {
        let what = What::new(
            EventKind::StorageDamaged,
            format!(
                "the sessions and retained messages of earlier runs cannot be read ({reason}); they are set aside as {}, and \
                 the broker begins without them",
                aside.display()
            ),
            "check the disk; devices publish their retained messages again when they restart",
        );
        shared.events.tell(who, what);
    }
    if loaded.unreadable > 0 {
        let what = What::new(
            EventKind::StorageDamaged,
            format!(
                "{} records of sessions and messages cannot be read and are left out",
                loaded.unreadable
            ),
            "check the disk",
        );
        shared.events.tell(who, what);
    }
    let restored = shared.restore(&keeper, loaded);
    tracing::info!(
        sessions = restored.sessions,
        messages = restored.messages,
        retained = restored.retained,
        "the broker has its sessions and retained messages"
    );
}

fn shared(
    options: BrokerOptions,
    hook: Arc<dyn PublishHook>,
    observer: Option<Arc<dyn Observer>>,
    keeper: Option<Arc<Keeper>>,
) -> Shared {
    let statistics = Arc::new(Statistics::default());
    let limits = RetainedLimits {
        messages: options.max_retained_messages as usize,
        total_bytes: options.max_retained_total_bytes,
        payload_bytes: options.max_retained_bytes as usize,
    };
    Shared {
        gate: Gate::new(hook),
        events: Events::new(Arc::clone(&statistics), observer),
        statistics,
        subscriptions: Subscriptions::default(),
        retained: Retained::new(limits),
        registry: Registry::default(),
        holdings: Holdings::new(options.max_partial_bytes),
        keeper,
        options,
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BrokerError> {
    let listen = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A restart must not fail because of earlier connections in TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let actual = listener.local_addr()?;
        Ok((listener, actual))
    };
    listen().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BrokerError::AddressInUse(address),
        _ => BrokerError::Listen { address, source },
    })
}
