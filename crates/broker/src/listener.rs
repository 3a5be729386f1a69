//! The listener: accepts connections, within limits, and survives the want of file descriptors.
//!
//! In: a bound socket. Out: a task for each connection.

use std::{collections::HashSet, fs::File, io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, stream::FuturesOrdered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::{Admission, Slot},
    connection::{Clock, Connection},
    events::{EventKind, What, Who},
    handshake::{self, Greeting, Refusal},
    holding::Holding,
    limits::Limit,
    link::{Kick, Link},
    rates::Rates,
    registry::{Claim, Claimed},
    shared::Shared,
    socket,
    terms::{self, Terms},
    wire::Wire,
};

/// Pause after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an answer to a refused greeting may take.
const ANSWER: Duration = Duration::from_secs(1);

/// A listener at work.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stopping: CancellationToken,
    pub(crate) connections: TaskTracker,
}

impl Listener {
    /// Accepts connections until the broker stops.
    pub(crate) async fn run(self) {
        let admission = Arc::new(Admission::new(&self.shared.options));
        // Given up for a moment when there is no other descriptor, so that a client is refused and does not wait.
        let mut spare = spare();
        while let Some(accepted) = self.stopping.run_until_cancelled(self.socket.accept()).await {
            match accepted {
                Ok((stream, address)) => self.admit(&admission, stream, address),
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

    fn admit(&self, admission: &Arc<Admission>, stream: TcpStream, address: SocketAddr) {
        self.shared.statistics.accepted_sockets.one();
        match admission.admit(address) {
            Ok(slot) => {
                socket::tune(&stream);
                let serving = serve(
                    Arc::clone(&self.shared),
                    Wire::new(stream),
                    Visitor {
                        address,
                        slot: Some(slot),
                    },
                    self.stopping.clone(),
                );
                self.connections.spawn(serving);
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
            .tell(nobody(address.unwrap_or(self.address)), what);
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
    let greeting = timeout(
        shared.options.connect_timeout,
        handshake::read(&mut wire, address, max_packet_bytes as usize, &mut holding),
    );
    let mut greeting = match stopping.run_until_cancelled(greeting).await {
        None => return,
        Some(Err(_)) => return shared.events.tell(nobody(address), silence(&shared)),
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
    let link = Arc::new(Link::default());
    let claim = Claim {
        client_id: Arc::clone(&greeting.identity.client_id),
        clean_start: greeting.clean_start,
        window: greeting
            .receive_maximum
            .min(shared.options.max_inflight.get())
            .into(),
        session_expiry: greeting.session_expiry.min(shared.options.session_expiry),
        account: None,
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
    // What belongs to this process is as fast as it is.
    let rates = visitor
        .slot
        .is_some()
        .then(|| Rates::at(address, &shared.options))
        .flatten();
    welcome(
        shared,
        wire,
        greeting,
        claimed,
        Arrival {
            link,
            address,
            holding,
            rates,
        },
    )
    .run()
    .await;
}

/// A connection that has a session.
struct Arrival {
    link: Arc<Link>,
    address: SocketAddr,
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

fn silence(shared: &Shared) -> What {
    let seconds = shared.options.connect_timeout.as_secs_f64();
    What::new(
        EventKind::NoGreeting,
        format!("no CONNECT came within {seconds} s"),
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
