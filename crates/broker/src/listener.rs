//! The listener: accepts connections, within limits, and survives the want of file descriptors.
//!
//! In: a bound socket. Out: a task for each connection.

use std::{collections::HashSet, fs::File, io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, stream::FuturesOrdered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::Rights,
    admission::{Admission, Slot},
    connection::{Clock, Connection},
    entering,
    events::{EventKind, What, Who},
    handshake::{self, Greeting},
    holding::Holding,
    limits::Limit,
    link::{Kick, Link},
    options::ListenerOptions,
    rates::Rates,
    refusal::Refusal,
    registry::{Claim, Claimed},
    session::Owner,
    shared::Shared,
    socket,
    terms::{self, Terms},
    transport::{self, Transport},
    wire::Wire,
};

/// Pause after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an answer to a refused greeting may take.
const ANSWER: Duration = Duration::from_secs(1);

/// A listener at work.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// With the actual port.
    pub(crate) options: ListenerOptions,
    /// One for all listeners.
    pub(crate) admission: Arc<Admission>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stopping: CancellationToken,
    pub(crate) connections: TaskTracker,
}

impl Listener {
    /// Accepts connections until the broker stops.
    pub(crate) async fn run(self) {
        // Given up for a moment when there is no other descriptor, so that a client is refused and does not wait.
        let mut spare = spare();
        while let Some(accepted) = self.stopping.run_until_cancelled(self.socket.accept()).await {
            match accepted {
                Ok((stream, address)) => self.admit(stream, address),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    drop(spare.take());
                    let refused = self.socket.accept().now_or_never();
                    let address = refused.and_then(Result::ok).map(|(_, address)| address);
                    spare = self::spare();
                    self.tell_exhausted(address, &error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr) {
        self.shared.statistics.accepted_sockets.one();
        match self.admission.admit(address) {
            Ok(slot) => {
                socket::tune(&stream);
                let visitor = Visitor {
                    address,
                    slot: Some(slot),
                    deadline: Instant::now() + self.shared.options.connect_timeout,
                    transport: Transport::of(&self.options),
                    anonymous: self.options.anonymous,
                    certificate_name: None,
                    certificate_not_before: None,
                };
                let (shared, stopping) = (Arc::clone(&self.shared), self.stopping.clone());
                if visitor.transport == Transport::Tcp {
                    self.connections
                        .spawn(serve(shared, Wire::new(stream), visitor, stopping));
                } else {
                    let opening = self.options.clone();
                    self.connections
                        .spawn(open(shared, stream, opening, visitor, stopping));
                }
            }
            Err(what) => self.shared.events.tell(nobody(address), what),
        }
    }

    fn tell_exhausted(&self, address: Option<SocketAddr>, error: &io::Error) {
        let what = What::new(
            EventKind::NoDescriptors,
            format!("the system accepts no more connections: {error}"),
            "raise the limit of open files (ulimit -n, LimitNOFILE=)",
        );
        self.shared
            .events
            .tell(nobody(address.unwrap_or(self.options.address)), what);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether accepting failed because of what the client did meanwhile.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::WouldBlock
    )
}

/// Before its greeting a client has no name.
const fn nobody(address: SocketAddr) -> Who<'static> {
    Who {
        address,
        client_id: "",
    }
}

/// A fresh connection.
pub(crate) struct Visitor {
    pub(crate) address: SocketAddr,
    /// Its place among those that are limited; connections from this process have none.
    pub(crate) slot: Option<Slot>,
    /// When its CONNECT must be there.
    pub(crate) deadline: Instant,
    pub(crate) transport: Transport,
    /// Whether it may come without an account.
    pub(crate) anonymous: bool,
    /// The account that its certificate names; the certificate was verified.
    pub(crate) certificate_name: Option<Arc<str>>,
    pub(crate) certificate_not_before: Option<i64>,
}

/// Does the handshakes of a connection that is more than TCP, and serves it.
async fn open(
    shared: Arc<Shared>,
    stream: TcpStream,
    listener: ListenerOptions,
    mut visitor: Visitor,
    stopping: CancellationToken,
) {
    let address = visitor.address;
    let opening = transport::open(stream, &listener, shared.options.max_websocket_bytes);
    let opening = Box::pin(timeout_at(visitor.deadline, opening));
    let opened = match stopping.run_until_cancelled(opening).await {
        None | Some(Ok(Err(None))) => return,
        Some(Err(_)) => {
            return shared
                .events
                .tell(nobody(address), silence(&shared, visitor.transport));
        }
        Some(Ok(Err(Some(what)))) => return shared.events.tell(nobody(address), what),
        Some(Ok(Ok(opened))) => opened,
    };
    visitor.certificate_name = opened.certificate_name;
    visitor.certificate_not_before = opened.certificate_not_before;
    serve(shared, Wire::new(opened.stream), visitor, stopping).await;
}

/// Serves one connection from its first byte to its end.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    mut wire: Wire<S>,
    mut visitor: Visitor,
    stopping: CancellationToken,
) {
    let address = visitor.address;
    let max_packet_bytes = shared
        .options
        .max_greeting_bytes
        .min(shared.options.max_packet_bytes);
    let mut holding = shared.holdings.enter();
    let greeting = timeout_at(
        visitor.deadline,
        handshake::read(&mut wire, address, max_packet_bytes as usize, &mut holding),
    );
    let mut greeting = match stopping.run_until_cancelled(greeting).await {
        None => return,
        Some(Err(_)) => {
            return shared
                .events
                .tell(nobody(address), silence(&shared, visitor.transport));
        }
        Some(Ok(Err(refusal))) => return refuse(&shared, wire, address, refusal).await,
        Some(Ok(Ok(greeting))) => greeting,
    };
    shared.statistics.packets_received.one();
    let slot = visitor.slot.as_mut();
    if let Some(what) = slot.and_then(Slot::identified) {
        let refusal = Refusal::full(&greeting, what);
        return refuse(&shared, wire, address, refusal).await;
    }
    if let Some(refusal) = terms::refusal(&mut greeting, &shared.options) {
        return refuse(&shared, wire, address, refusal).await;
    }
    let entry = match entering::enter(&shared, &mut greeting, &visitor).await {
        Ok(entry) => entry,
        Err((reason, what)) => {
            let refusal = Refusal::denied(&greeting, reason, what);
            return refuse(&shared, wire, address, refusal).await;
        }
    };
    let link = Arc::new(Link::from(address));
    let claim = Claim {
        owner: Owner {
            account: entry.account.clone(),
            client_id: Arc::clone(&greeting.identity.client_id),
        },
        rights: Arc::clone(&entry.rights),
        address,
        clean_start: greeting.clean_start,
        window: greeting
            .receive_maximum
            .min(shared.options.max_inflight.get())
            .into(),
        session_expiry: greeting.session_expiry.min(shared.options.session_expiry),
        will: greeting.will.clone(),
        is_local: visitor.slot.is_none(),
    };
    let Some(claimed) = shared.claim(claim, &link).await else {
        let what = What::new(
            EventKind::QuotaExceeded,
            format!("there are {} sessions already", shared.options.max_sessions),
            "let clients that do not come back ask for a clean session",
        )
        .limit(Limit::Sessions);
        let refusal = Refusal::full(&greeting, what);
        return refuse(&shared, wire, address, refusal).await;
    };
    if stopping.is_cancelled() {
        link.kick(Kick::ShuttingDown);
    }
    // Its account may have changed before there was a session to end.
    if !entry.rights.is_current() {
        link.kick(Kick::AccessEnded);
    }
    // What belongs to this process is as fast as it is.
    let rates = visitor
        .slot
        .is_some()
        .then(|| Rates::at(address, &shared.options))
        .flatten();
    let arrival = Arrival {
        link,
        address,
        rights: entry.rights,
        holding,
        rates,
    };
    welcome(shared, wire, greeting, claimed, arrival).run().await;
}

/// A connection that has a session.
struct Arrival {
    link: Arc<Link>,
    address: SocketAddr,
    rights: Arc<dyn Rights>,
    holding: Holding,
    rates: Option<Rates>,
}

/// Accepts the greeting.
fn welcome<S>(
    shared: Arc<Shared>,
    mut wire: Wire<S>,
    mut greeting: Greeting,
    claimed: Claimed,
    arrival: Arrival,
) -> Connection<S> {
    let session_expiry = greeting.session_expiry.min(shared.options.session_expiry);
    let terms = Terms {
        session_present: claimed.present,
        session_expiry,
        max_inflight: shared.options.max_inflight,
        max_packet_bytes: shared.options.max_packet_bytes,
    };
    terms::accept(&mut greeting, terms, &mut wire.output);
    shared.statistics.packets_sent.one();
    shared.statistics.client_connected();
    Connection {
        wire,
        codec: greeting.codec,
        link: arrival.link,
        session: claimed.session,
        identity: greeting.identity,
        rights: arrival.rights,
        address: arrival.address,
        will: greeting.will,
        session_expiry,
        max_packet_bytes: greeting.max_packet_bytes,
        pending: FuturesOrdered::new(),
        pending_bytes: 0,
        accepting: FuturesOrdered::new(),
        unrouted: 0,
        undecided: 0,
        subscribing: 0,
        unacknowledged: 0,
        pending_ids: HashSet::new(),
        waiting: None,
        aliases: Vec::new(),
        clock: Clock::new(greeting.keep_alive),
        is_deaf: false,
        rates: arrival.rates,
        pause: None,
        holding: arrival.holding,
        shared,
    }
}

fn silence(shared: &Shared, transport: Transport) -> What {
    let seconds = shared.options.connect_timeout.as_secs_f64();
    let over = transport.as_str();
    What::new(
        EventKind::NoGreeting,
        format!("no CONNECT came over {over} within {seconds} s"),
        "check what opens connections there without speaking MQTT",
    )
    .limit(Limit::Handshake)
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    mut wire: Wire<S>,
    address: SocketAddr,
    refusal: Refusal,
) {
    let Refusal {
        what,
        answer,
        client_id,
    } = refusal;
    if let Some(what) = what {
        let client_id = &client_id;
        shared.events.tell(Who { address, client_id }, what);
    }
    wire.output = answer;
    let farewell = async {
        if wire.finish().await.is_ok() {
            wire.discard().await;
        }
    };
    let _ = timeout(ANSWER, farewell).await;
}
