//! The ways into the broker from its own process: messages without a connection, and connections without a socket.
//!
//! In: messages and bytes of the process's own services. Out: what subscribers and clients receive. Neither counts towards the
//! limits of connections, so that strangers who take all of them do not keep the services out.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::{io::DuplexStream, runtime::Handle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    listener::{Visitor, serve},
    message::Message,
    shared::{Publisher, Shared},
    topic::check_name,
    transport::Transport,
    wire::Wire,
};

/// Bytes that either side of a connection may be ahead of the other.
const PIPE_BYTES: usize = 256 << 10;
/// The publisher of a message that comes from no session; no subscriber is it.
const NOBODY: u64 = 0;

/// Publishes from within the process, past the hook: at `QoS` 1.
#[derive(Clone)]
pub struct LocalPublisher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listen: SocketAddr,
}

impl fmt::Debug for LocalPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPublisher").finish_non_exhaustive()
    }
}

impl LocalPublisher {
    /// Routes a message to its subscribers at once; from `expires` on nobody receives it. Returns `false` where `topic` is no
    /// name that a client may publish to.
    pub fn publish(&self, topic: String, payload: Bytes, expires: Option<Instant>) -> bool {
        self.send(topic, payload, expires, false)
    }

    /// The same, and later subscribers receive it, too; an empty one makes the broker forget the one before.
    pub fn publish_retained(&self, topic: String, payload: Bytes, expires: Option<Instant>) -> bool {
        self.send(topic, payload, expires, true)
    }

    fn send(&self, topic: String, payload: Bytes, expires: Option<Instant>, retain: bool) -> bool {
        if check_name(&topic).is_err() {
            return false;
        }
        let statistics = &self.shared.statistics;
        statistics.publishes_received.one();
        statistics.publish_bytes_received.add(payload.len() as u64);
        let message = Message::local(ByteString::from(topic), payload, expires, retain);
        let publisher = Publisher {
            number: NOBODY,
            client_id: "",
            address: self.listen,
        };
        self.shared.route_message(message, publisher);
        true
    }
}

/// Makes connections to the broker that are pipes in memory.
#[derive(Clone)]
pub struct LocalConnector {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listen: SocketAddr,
    pub(crate) stopping: CancellationToken,
    pub(crate) connections: TaskTracker,
    pub(crate) threads: Handle,
}

impl fmt::Debug for LocalConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalConnector").finish_non_exhaustive()
    }
}

impl LocalConnector {
    /// Returns the client's end of a new connection, served like any other. Fails when the broker is stopping.
    pub fn connect(&self) -> io::Result<DuplexStream> {
        if self.stopping.is_cancelled() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let visitor = Visitor {
            address: self.listen,
            slot: None,
            deadline: tokio::time::Instant::now() + self.shared.options.connect_timeout,
            transport: Transport::Local,
            anonymous: true,
            certificate_name: None,
            certificate_not_before: None,
        };
        let serving = serve(
            Arc::clone(&self.shared),
            Wire::new(ours),
            visitor,
            self.stopping.clone(),
        );
        self.connections.spawn_on(serving, &self.threads);
        Ok(theirs)
    }
}
