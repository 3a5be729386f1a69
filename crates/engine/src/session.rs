//! Connections: one that a session keeps with its settings and temporary tables, or one that was set up in the same way
//! before and kept as it was, or a fresh one.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    exception::{Exception, SESSION_IS_LOCKED, SESSION_NOT_FOUND},
    ffi::{Connection, Engine},
    query::Setup,
    request::SessionAsk,
    users::User,
};

const MAX_SESSIONS: usize = 256;
/// Connections that wait for a request like their last.
const MAX_IDLE: usize = 32;
const LONGEST_IDLE: Duration = Duration::from_mins(1);

/// A connection that was set up and left as it was.
struct Idle {
    setup: Setup,
    connection: Connection,
    since: Instant,
}

struct Session {
    connection: Arc<Mutex<Connection>>,
    expires: Instant,
    timeout: Duration,
}

/// The open sessions.
#[derive(Default)]
pub(crate) struct Sessions {
    open: parking_lot::Mutex<HashMap<String, Session>>,
    idle: parking_lot::Mutex<Vec<Idle>>,
}

/// A connection for the time of one request.
pub(crate) enum Lease {
    /// To be set up.
    Fresh(Connection),
    /// Set up as it was asked for.
    Ready(Connection),
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

/// Opens a connection; the engine says why not only on standard error.
pub(crate) fn connect(engine: &Engine) -> Result<Connection, Exception> {
    engine
        .connect()
        .ok_or_else(|| Exception::from_engine("the engine gave no connection"))
}

impl Sessions {
    /// A reader's connection is locked after the client's settings are applied, so it is always a fresh one.
    pub(crate) fn lease(
        &self,
        engine: &Engine,
        user: User,
        ask: Option<&SessionAsk>,
        setup: &Setup,
    ) -> Result<Lease, Exception> {
        let Some(ask) = ask.filter(|_| user == User::Default) else {
            return match self.idle(setup) {
                Some(connection) => Ok(Lease::Ready(connection)),
                None => connect(engine).map(Lease::Fresh),
            };
        };
        let now = Instant::now();
        let mut open = self.open.lock();
        // One that is at work does not expire under its query.
        open.retain(|_, session| session.expires > now || session.connection.try_lock().is_err());
        if !open.contains_key(&ask.id) {
            if ask.must_exist {
                return Err(Exception::new(
                    SESSION_NOT_FOUND,
                    "SESSION_NOT_FOUND",
                    "Session not found",
                ));
            }
            if open.len() >= MAX_SESSIONS {
                return connect(engine).map(Lease::Fresh);
            }
            let connection = Arc::new(Mutex::new(connect(engine)?));
            let timeout = Duration::from_secs(ask.timeout_s);
            open.insert(
                ask.id.clone(),
                Session {
                    connection,
                    expires: now + timeout,
                    timeout,
                },
            );
        }
        let session = open.get_mut(&ask.id).expect("it was there or was made");
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

    /// The one that was used last: the others get old.
    fn idle(&self, setup: &Setup) -> Option<Connection> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|idle| idle.setup == *setup)?;
        Some(idle.remove(at).connection)
    }

    /// Takes a connection back that is as its setup made it.
    pub(crate) fn give_back(&self, lease: Lease, setup: Setup) {
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
            setup,
            connection,
            since: now,
        });
        drop(idle);
        drop(closed);
    }

    /// Closes all that is not at work.
    pub(crate) fn close(&self) {
        self.open.lock().clear();
        self.idle.lock().clear();
    }
}
