//! Connections: a session's own with its settings and temporary tables, an idle one in the state that is needed, or a
//! fresh one.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    exception::{Exception, SESSION_IS_LOCKED, SESSION_NOT_FOUND},
    ffi::{Connection, Engine},
    request::SessionRequest,
    settings::ConnectionState,
    users::User,
};

const MAX_SESSIONS: usize = 256;
/// Connections that wait for a request which needs their state.
const MAX_IDLE: usize = 32;
const LONGEST_IDLE: Duration = Duration::from_mins(1);

/// A connection in a known state.
struct Idle {
    state: ConnectionState,
    connection: Connection,
    since: Instant,
}

struct Session {
    connection: Arc<Mutex<Connection>>,
    expires: Instant,
    timeout: Duration,
}

/// The open connections.
#[derive(Default)]
pub(crate) struct ConnectionPool {
    sessions: parking_lot::Mutex<HashMap<String, Session>>,
    idle: parking_lot::Mutex<Vec<Idle>>,
}

/// What a request needs of its connection.
pub(crate) struct Wanted<'a> {
    pub(crate) user: User,
    pub(crate) session: Option<&'a SessionRequest>,
    pub(crate) state: &'a ConnectionState,
    /// No other request has used it, unless it is a session's.
    pub(crate) is_fresh: bool,
}

/// A connection for the time of one request.
pub(crate) enum Lease {
    /// In no state yet.
    Fresh(Connection),
    /// In the state that is needed.
    Ready(Connection),
    /// A session's, in whatever state its statements left it.
    Session(OwnedMutexGuard<Connection>),
}

impl Lease {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Fresh(connection) | Self::Ready(connection) => connection,
            Self::Session(guard) => guard,
        }
    }
}

impl ConnectionPool {
    /// Returns a connection. A reader has no session: its connection is locked after the client's settings.
    pub(crate) fn lease(&self, engine: &Engine, wanted: &Wanted<'_>) -> Result<Lease, Exception> {
        let Some(session) = wanted.session.filter(|_| wanted.user == User::Default) else {
            let idle = (!wanted.is_fresh).then(|| self.take_idle(wanted.state)).flatten();
            return match idle {
                Some(connection) => Ok(Lease::Ready(connection)),
                None => engine.connect().map(Lease::Fresh),
            };
        };
        self.lease_session(engine, session)
    }

    fn lease_session(&self, engine: &Engine, wanted: &SessionRequest) -> Result<Lease, Exception> {
        let now = Instant::now();
        let mut open = self.sessions.lock();
        // A session that runs a statement does not expire.
        open.retain(|_, session| session.expires > now || session.connection.try_lock().is_err());
        if !open.contains_key(&wanted.id) {
            if wanted.must_exist {
                return Err(Exception::new(
                    SESSION_NOT_FOUND,
                    "SESSION_NOT_FOUND",
                    "Session not found",
                ));
            }
            if open.len() >= MAX_SESSIONS {
                return engine.connect().map(Lease::Fresh);
            }
            let connection = Arc::new(Mutex::new(engine.connect()?));
            let timeout = Duration::from_secs(wanted.timeout_s);
            open.insert(
                wanted.id.clone(),
                Session {
                    connection,
                    expires: now + timeout,
                    timeout,
                },
            );
        }
        let session = open.get_mut(&wanted.id).expect("it was there or was made");
        session.expires = now + session.timeout;
        let locked = || {
            Exception::new(
                SESSION_IS_LOCKED,
                "SESSION_IS_LOCKED",
                "Session is locked by a concurrent client",
            )
        };
        Arc::clone(&session.connection)
            .try_lock_owned()
            .map(Lease::Session)
            .map_err(|_| locked())
    }

    /// Takes the one that was used last, so that the others grow old.
    fn take_idle(&self, state: &ConnectionState) -> Option<Connection> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|idle| idle.state == *state)?;
        Some(idle.remove(at).connection)
    }

    /// Takes a connection back that is in `state`.
    pub(crate) fn give_back(&self, lease: Lease, state: ConnectionState) {
        let (Lease::Fresh(connection) | Lease::Ready(connection)) = lease else {
            return;
        };
        let now = Instant::now();
        let mut idle = self.idle.lock();
        let mut closed: Vec<Idle> = idle
            .extract_if(.., |idle| now - idle.since > LONGEST_IDLE)
            .collect();
        if idle.len() >= MAX_IDLE {
            closed.push(idle.remove(0));
        }
        idle.push(Idle {
            state,
            connection,
            since: now,
        });
        drop(idle);
        drop(closed);
    }

    /// Closes every connection that runs nothing.
    pub(crate) fn close(&self) {
        self.sessions.lock().clear();
        self.idle.lock().clear();
    }
}
