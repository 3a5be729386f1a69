//! The HTTP listener of a role: one address or several, each plain or with TLS.
//!
//! In: addresses and routes. Out: answers until shutdown. What a stranger may cost is bounded before a route sees it:
//! connections in all and of one address, the time of a TLS handshake, the size and the time of a request's head, and
//! those of its body. HTTP/1.1 alone is served: nothing here gains by more, and HTTP/2 has more to bound.

use std::{collections::HashMap, io, net::IpAddr, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use socket2::SockRef;
use tls::ServerTls;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{http::guarded, requests};

/// Pause after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// What of an answer waits in the kernel for a client that does not read, in bytes.
const UNSENT: u32 = 64 << 10;

/// Where HTTP is served.
#[derive(Debug, Clone)]
pub struct HttpAddress {
    /// The address; port 0 is a free one.
    pub address: SocketAddr,
    /// The certificate of an address that speaks HTTPS.
    pub tls: Option<Arc<ServerTls>>,
}

/// How a request came: an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Who asks.
    pub peer: SocketAddr,
    /// The address that was asked.
    pub listen: SocketAddr,
    /// Whether nobody in between could read it.
    pub encrypted: bool,
}

/// Is cancelled when the listener ends: an extension of every request, for answers that would last.
#[derive(Debug, Clone)]
pub struct Closing(pub CancellationToken);

/// What a stranger may cost.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Connections to one address of ours.
    pub connections: usize,
    /// Those from one address beyond loopback.
    pub connections_per_peer: usize,
    /// The time of a TLS handshake.
    pub handshake: Duration,
    /// The time in which a client that is sent an answer takes the next piece of it. A slower one is cut.
    pub write: Duration,
    /// The time of a request's head, and the rest between two requests.
    pub head: Duration,
    /// The size of a request's head, in bytes. A larger one is answered with 431.
    pub head_bytes: usize,
    /// The time of a request's body. A slower one is answered with 408.
    pub body: Duration,
    /// The size of a request's body, in bytes. A larger one is answered with 413.
    pub body_bytes: usize,
    /// Paths whose bodies are handed on unread: their routes bound size and time themselves, when they know who sends.
    pub streamed: &'static [&'static str],
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_peer: 64,
            handshake: Duration::from_secs(10),
            write: Duration::from_secs(30),
            head: Duration::from_secs(30),
            head_bytes: 32 << 10,
            body: Duration::from_secs(10),
            body_bytes: 1 << 20,
            streamed: &[],
        }
    }
}

/// Addresses that are taken before anything else is started: a port in use then costs nothing.
#[derive(Debug)]
pub struct HttpListener {
    sockets: Vec<(TcpListener, HttpAddress)>,
    limits: HttpLimits,
}

/// HTTP cannot be served there.
#[derive(Debug, thiserror::Error)]
#[error("HTTP cannot listen on {addr}: {}, with --http ADDR or {key}", remedy(source))]
pub struct HttpError {
    addr: SocketAddr,
    key: &'static str,
    source: io::Error,
}

/// What prevents listening and what to do, for an error of `bind`.
pub fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another address".into()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one of its own".into(),
        io::ErrorKind::PermissionDenied => {
            "this user may not take that port; choose one from 1024 upwards".into()
        }
        _ => format!("{error}; choose another address"),
    }
}

impl HttpListener {
    /// Takes `addr`; port 0 is a free one. Requests wait until [`HttpListener::spawn`]. `key` is the configuration's key
    /// for the address, for the error.
    pub async fn bind(addr: SocketAddr, key: &'static str) -> Result<Self, HttpError> {
        let plain = HttpAddress {
            address: addr,
            tls: None,
        };
        Self::bind_all(vec![plain], key).await
    }

    /// The same for several addresses; at least one.
    pub async fn bind_all(addresses: Vec<HttpAddress>, key: &'static str) -> Result<Self, HttpError> {
        assert!(!addresses.is_empty(), "there is an address to listen on");
        let mut sockets = Vec::new();
        for wanted in addresses {
            let addr = wanted.address;
            let failed = |source| HttpError { addr, key, source };
            let socket = TcpListener::bind(addr).await.map_err(failed)?;
            let address = socket.local_addr().map_err(failed)?;
            sockets.push((socket, HttpAddress { address, ..wanted }));
        }
        Ok(Self {
            sockets,
            limits: HttpLimits::default(),
        })
    }

    /// With other limits.
    #[must_use]
    pub fn limited(self, limits: HttpLimits) -> Self {
        Self { limits, ..self }
    }

    /// Where this machine's own clients ask: the first address without TLS, on loopback if there is one.
    pub fn addr(&self) -> SocketAddr {
        let rank = |address: &HttpAddress| (address.tls.is_some(), !address.address.ip().is_loopback());
        let main = self.addresses().min_by_key(|address| rank(address));
        main.expect("there is an address").address
    }

    /// Every address, with the actual ports.
    pub fn addresses(&self) -> impl Iterator<Item = &HttpAddress> {
        self.sockets.iter().map(|(_, address)| address)
    }

    /// Serves `router` until `shutdown`, in a task of its own that ends when the last answer has left.
    pub fn spawn(self, router: Router, shutdown: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(async move {
            let limits = self.limits;
            let router = requests::bounded(router, limits);
            let mut doors = JoinSet::new();
            for (socket, address) in self.sockets {
                let door = Door {
                    socket,
                    router: guarded(router.clone(), address.address),
                    address,
                    limits,
                    shutdown: shutdown.clone(),
                    connections: TaskTracker::new(),
                };
                doors.spawn(door.run());
            }
            while let Some(ended) = doors.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "HTTP ended");
                }
            }
        })
    }
}

/// One address at work.
struct Door {
    socket: TcpListener,
    address: HttpAddress,
    router: Router,
    limits: HttpLimits,
    shutdown: CancellationToken,
    connections: TaskTracker,
}

impl Door {
    async fn run(self) {
        let places = Arc::new(Places::default());
        while let Some(accepted) = self.shutdown.run_until_cancelled(self.socket.accept()).await {
            match accepted {
                Ok((stream, peer)) => {
                    // Whoever comes beyond the limits is closed at once.
                    if let Some(place) = Place::take(&places, peer.ip(), self.limits) {
                        self.connections.spawn(self.visitor(peer, place).serve(stream));
                    }
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::warn!(addr = %self.address.address, %error, "the system accepts no more connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        self.connections.close();
        self.connections.wait().await;
    }

    fn visitor(&self, peer: SocketAddr, place: Place) -> Visitor {
        Visitor {
            arrival: Arrival {
                peer,
                listen: self.address.address,
                encrypted: self.address.tls.is_some(),
            },
            tls: self.address.tls.clone(),
            router: self.router.clone(),
            limits: self.limits,
            shutdown: self.shutdown.clone(),
            _place: place,
        }
    }
}

/// Whether accepting failed because of what the client did meanwhile.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::WouldBlock
    )
}

/// One connection.
struct Visitor {
    arrival: Arrival,
    tls: Option<Arc<ServerTls>>,
    router: Router,
    limits: HttpLimits,
    shutdown: CancellationToken,
    _place: Place,
}

impl Visitor {
    async fn serve(self, stream: TcpStream) {
        // An answer's last piece must not wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        // A client that reads nothing takes no megabytes of the kernel's.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let Some(tls) = &self.tls else {
            return Box::pin(self.answer(stream)).await;
        };
        let accepting = timeout(self.limits.handshake, tls.accept(stream));
        match self.shutdown.run_until_cancelled(Box::pin(accepting)).await {
            Some(Ok(Ok(accepted))) => Box::pin(self.answer(accepted.stream)).await,
            Some(Ok(Err(Some(refused)))) => {
                let tls::Refused { reason, remedy } = refused;
                tracing::debug!(peer = %self.arrival.peer, remedy, "{reason}");
            }
            _ => {}
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write));
        let stream = Box::pin(stream);
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(self.arrival);
            request.extensions_mut().insert(Closing(self.shutdown.clone()));
            self.router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            // The client is gone, or broke the protocol: there is nobody to tell.
            _ = connection.as_mut() => return,
            () = self.shutdown.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// Connections to one address of ours.
#[derive(Debug, Default)]
struct Places(Mutex<(usize, HashMap<IpAddr, usize>)>);

/// One of them, until it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    peer: IpAddr,
}

impl Place {
    fn take(places: &Arc<Places>, peer: IpAddr, limits: HttpLimits) -> Option<Self> {
        let mut counts = places.0.lock();
        let (all, peers) = &mut *counts;
        let of_peer = peers.get(&peer).copied().unwrap_or(0);
        let most = if peer.is_loopback() {
            limits.connections
        } else {
            limits.connections_per_peer
        };
        if *all >= limits.connections || of_peer >= most {
            return None;
        }
        *all += 1;
        peers.insert(peer, of_peer + 1);
        Some(Self {
            places: Arc::clone(places),
            peer,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock();
        let (all, peers) = &mut *counts;
        *all -= 1;
        if let Some(of_peer) = peers.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}
