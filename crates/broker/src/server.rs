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
    BrokerOptions, Callbacks, ListenerOptions, PublishHook,
    admission::Admission,
    events::{EventKind, Events, What, Who},
    figures::Figures,
    gate::Gate,
    holding::Holdings,
    keep::{Keep, Keeper, NewerStorage, Opening, StorageError},
    link::Kick,
    listener::Listener,
    local::{LocalConnector, LocalPublisher},
    registry::Registry,
    retained::{Retained, RetainedLimits},
    shared::Shared,
    statistics::Statistics,
    subscriptions::Subscriptions,
    sys,
    transport::Transport,
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
    /// There is nothing to listen on.
    #[error("the broker has no listener: give it an address")]
    NoListener,
    /// Anonymous clients must not come from other hosts.
    #[error("the MQTT address {0} can be reached by others, and may not be for anonymous clients")]
    AnonymousBeyondLoopback(SocketAddr),
    /// Without accounts every client may do everything, so the port must not be reachable from other hosts.
    #[error(
        "the MQTT address {0} can be reached by others, and nobody is asked who they are: listen on 127.0.0.1"
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
    /// A newer version has written it.
    #[error(transparent)]
    StorageNewer(#[from] NewerStorage),
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

/// Looks at the rights of connected clients anew.
#[derive(Clone)]
pub struct Recheck(Arc<Shared>);

impl Recheck {
    /// Ends the connections of clients whose rights do not hold any more.
    pub fn recheck(&self) {
        self.0.recheck();
    }
}

/// A running broker. Dropping it stops it at once; [`Broker::stop`] lets the hook finish first.
pub struct Broker {
    /// In the order of the options.
    addresses: Vec<SocketAddr>,
    /// The place among them of the one that this machine's own clients use.
    main: usize,
    shared: Arc<Shared>,
    stopping: CancellationToken,
    connections: TaskTracker,
    /// `None` only while it is being stopped.
    runtime: Option<Runtime>,
}

impl Broker {
    /// Starts a broker. It accepts connections when this returns.
    pub async fn start(options: BrokerOptions, hook: Arc<dyn PublishHook>) -> Result<Self, BrokerError> {
        Self::start_with(options, Callbacks::new(hook)).await
    }

    /// Starts a broker that asks and tells all of `callbacks`. It accepts connections when this returns.
    pub async fn start_with(options: BrokerOptions, callbacks: Callbacks) -> Result<Self, BrokerError> {
        let main = main_listener(&options.listeners).ok_or(BrokerError::NoListener)?;
        let asks = callbacks.access.is_some();
        options
            .listeners
            .iter()
            .try_for_each(|listener| may_listen(listener, asks))?;
        let opening = open_storage(&options).await?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.worker_threads.max(1))
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(BrokerError::Threads)?;
        let handle = runtime.handle().clone();
        let keeper = opening.as_ref().map(|opening| Arc::clone(&opening.keeper));
        let listeners = options.listeners.clone();
        let admission = Arc::new(Admission::new(&options));
        // From here on an early return drops the broker, and with it the threads.
        let mut broker = Self {
            addresses: Vec::new(),
            main,
            shared: Arc::new(shared(options, callbacks, keeper)),
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            runtime: Some(runtime),
        };
        // The sockets belong to the broker's threads. All are taken before the first is served.
        let wanted: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
        let sockets: Result<Vec<_>, _> = handle
            .spawn(async move { wanted.into_iter().map(bind).collect() })
            .await
            .expect("binding does not panic");
        let sockets = sockets?;
        if let Some(opening) = opening {
            let (shared, address) = (Arc::clone(&broker.shared), sockets[main].1);
            // Timers belong to the broker's threads.
            handle
                .spawn(async move { restore(&shared, opening, address) })
                .await
                .expect("restoring does not panic");
        }
        for ((socket, address), options) in sockets.into_iter().zip(listeners) {
            let transport = Transport::of(&options);
            let listener = Listener {
                socket,
                options: ListenerOptions { address, ..options },
                admission: Arc::clone(&admission),
                shared: Arc::clone(&broker.shared),
                stopping: broker.stopping.clone(),
                connections: broker.connections.clone(),
            };
            handle.spawn(listener.run());
            tracing::info!(listen = %address, transport = transport.as_str(), "the broker accepts connections");
            broker.addresses.push(address);
        }
        handle.spawn(sys::run(Arc::clone(&broker.shared)));
        Ok(broker)
    }

    /// Returns the address for clients on this machine, with the actual port: the first that speaks plain MQTT, on
    /// loopback if there is one.
    pub fn listen(&self) -> SocketAddr {
        self.addresses[self.main]
    }

    /// Returns every address it listens on, in the order of the options, with the actual ports.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns what it keeps, if it has a storage.
    pub fn keep(&self) -> Option<Keep> {
        self.shared.keeper.clone().map(Keep)
    }

    /// Returns what publishes from within this process.
    pub fn local_publisher(&self) -> LocalPublisher {
        LocalPublisher {
            shared: Arc::clone(&self.shared),
            listen: self.listen(),
        }
    }

    /// Returns what makes connections from within this process.
    pub fn local_connector(&self) -> LocalConnector {
        let runtime = self.runtime.as_ref().expect("the broker is not being stopped");
        LocalConnector {
            shared: Arc::clone(&self.shared),
            listen: self.listen(),
            stopping: self.stopping.clone(),
            connections: self.connections.clone(),
            threads: runtime.handle().clone(),
        }
    }

    /// Returns what ends the connections of clients whose rights do not hold any more.
    pub fn rechecker(&self) -> Recheck {
        Recheck(Arc::clone(&self.shared))
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
        Err(StorageError::Newer(newer)) => Err(newer.into()),
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

fn shared(options: BrokerOptions, callbacks: Callbacks, keeper: Option<Arc<Keeper>>) -> Shared {
    let Callbacks {
        hook,
        observer,
        access,
    } = callbacks;
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
        access,
        holdings: Holdings::new(options.max_partial_bytes),
        keeper,
        options,
    }
}

/// The listener that this machine's own clients use.
fn main_listener(listeners: &[ListenerOptions]) -> Option<usize> {
    let rank = |listener: &ListenerOptions| {
        let is_plain = listener.tls.is_none() && !listener.websocket;
        (!is_plain, !listener.address.ip().is_loopback())
    };
    (0..listeners.len()).min_by_key(|&place| rank(&listeners[place]))
}

/// Without accounts, other hosts come over TLS alone, with a certificate.
fn may_listen(listener: &ListenerOptions, asks: bool) -> Result<(), BrokerError> {
    let address = listener.address;
    if address.ip().is_loopback() {
        Ok(())
    } else if listener.anonymous {
        Err(BrokerError::AnonymousBeyondLoopback(address))
    } else if listener.tls.is_none() && !asks {
        Err(BrokerError::NeedsAccounts(address))
    } else {
        Ok(())
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
