//! Which session belongs to which client id.
//!
//! In: greetings and ends of connections. Out: a session for each connection; what becomes of it while the client is
//! away: its will is published, and it ends, in time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::timeout;

use crate::{
    link::{Kick, Link},
    session::{Session, SessionLimits},
    shared::{Publisher, Shared},
    topic::Filter,
    will::Will,
};

/// How long a greeting waits for an earlier connection of the same client to let go. It does so at once, unless the hook is
/// slow.
const RELEASE: Duration = Duration::from_secs(5);

/// All sessions of a broker, of clients that are here and that are away.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    numbers: AtomicU64,
}

/// What a greeting asks for.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) client_id: Arc<str>,
    /// Whether an earlier session is forgotten.
    pub(crate) clean_start: bool,
    /// The most unacknowledged messages towards the client.
    pub(crate) window: usize,
}

/// A session that was given to a connection.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) session: Arc<Session>,
    /// Whether it is an earlier one.
    pub(crate) present: bool,
}

/// What is left of a connection.
pub(crate) struct Departure {
    pub(crate) session: Arc<Session>,
    /// `None` after a goodbye.
    pub(crate) will: Option<Will>,
    pub(crate) session_expiry: Duration,
}

impl Registry {
    /// The number of sessions.
    pub(crate) fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Ends every connection.
    pub(crate) fn kick_all(&self, reason: Kick) {
        for session in self.sessions.lock().values() {
            if let Some(link) = &session.state().link {
                link.kick(reason);
            }
        }
    }

    /// Ends the connections of clients whose rights do not hold any more.
    pub(crate) fn recheck(&self) {
        for session in self.sessions.lock().values() {
            if let Some(link) = &session.state().link {
                link.recheck();
            }
        }
    }

    fn get(&self, client_id: &str) -> Option<Arc<Session>> {
        self.sessions.lock().get(client_id).cloned()
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Relaxed) + 1
    }
}

impl Shared {
    /// Gives a session to the connection `link`; `None` where there are too many sessions.
    pub(crate) async fn claim(self: &Arc<Self>, claim: Claim, link: &Arc<Link>) -> Option<Claimed> {
        self.end_earlier(&claim.client_id).await;
        let mut ended = None;
        let claimed = {
            let mut sessions = self.registry.sessions.lock();
            let earlier = sessions.get(&claim.client_id).cloned();
            if earlier.is_none() && sessions.len() >= self.options.max_sessions {
                return None;
            }
            let present = !claim.clean_start && earlier.is_some();
            let session = match earlier {
                Some(session) if present => session,
                earlier => {
                    ended = earlier;
                    let limits = SessionLimits {
                        queued_messages: self.options.max_queued_messages,
                        queued_bytes: self.options.max_queued_bytes,
                    };
                    let number = self.registry.next_number();
                    let session = Arc::new(Session::new(number, Arc::clone(&claim.client_id), limits));
                    sessions.insert(Arc::clone(&claim.client_id), Arc::clone(&session));
                    session
                }
            };
            let mut state = session.state();
            if let Some(link) = &state.link {
                // It did not let go in time, or somebody else came between.
                link.kick(Kick::TakenOver);
            }
            if let Some(waiting) = state.offline.take() {
                waiting.abort();
            }
            state.delayed_will = None;
            state.attach(Arc::clone(link), claim.window);
            drop(state);
            Claimed { session, present }
        };
        if let Some(session) = ended {
            self.end_session(&session);
        }
        Some(claimed)
    }

    /// Ends an earlier connection of this client and waits until it has let go.
    async fn end_earlier(&self, client_id: &str) {
        let link = self
            .registry
            .get(client_id)
            .and_then(|session| session.state().link.clone());
        if let Some(link) = link {
            link.kick(Kick::TakenOver);
            let _ = timeout(RELEASE, link.released.cancelled()).await;
        }
    }

    /// Takes a session from the connection `link`, unless it belongs to another one by now.
    pub(crate) fn depart(self: &Arc<Self>, departure: Departure, link: &Arc<Link>) {
        let Departure {
            session,
            will,
            session_expiry,
        } = departure;
        let mut state = session.state();
        let is_owner = state.is_owned_by(link);
        if is_owner {
            state.detach();
        }
        let is_over = session_expiry.is_zero();
        let delay = match will {
            Some(will) if is_owner && !is_over && !will.delay.is_zero() => {
                let delay = will.delay.min(session_expiry);
                state.delayed_will = Some(will);
                delay
            }
            Some(will) => {
                self.publish_will(session.number, will);
                Duration::ZERO
            }
            None => Duration::ZERO,
        };
        if is_owner && !is_over {
            let waiting = Arc::clone(self).wait_for_return(Arc::clone(&session), delay, session_expiry);
            state.offline = Some(tokio::spawn(waiting).abort_handle());
        }
        drop(state);
        if is_owner && is_over {
            self.forget(&session);
        }
    }

    /// While the client is away: its delayed will, then the end of its session.
    async fn wait_for_return(self: Arc<Self>, session: Arc<Session>, delay: Duration, expiry: Duration) {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
            let due = session.state().delayed_will.take();
            if let Some(will) = due {
                self.publish_will(session.number, will);
            }
        }
        tokio::time::sleep(expiry.saturating_sub(delay)).await;
        self.statistics.expired_sessions.one();
        self.forget(&session);
    }

    /// Removes a session whose client is away.
    fn forget(&self, session: &Arc<Session>) {
        {
            let mut sessions = self.registry.sessions.lock();
            if session.is_connected() {
                return;
            }
            let is_current = sessions
                .get(&session.client_id)
                .is_some_and(|current| Arc::ptr_eq(current, session));
            if is_current {
                sessions.remove(&session.client_id);
            }
        }
        self.remove_subscriptions(session);
    }

    /// Ends a session that another one has replaced.
    fn end_session(self: &Arc<Self>, session: &Arc<Session>) {
        let (will, offline) = {
            let mut state = session.state();
            (state.delayed_will.take(), state.offline.take())
        };
        if let Some(offline) = offline {
            offline.abort();
        }
        if let Some(will) = will {
            self.publish_will(session.number, will);
        }
        self.remove_subscriptions(session);
    }

    fn remove_subscriptions(&self, session: &Session) {
        let filters = std::mem::take(&mut session.state().subscriptions);
        for text in &filters {
            if let Some(filter) = Filter::parse(text) {
                self.subscriptions.remove(filter, session.number);
            }
        }
    }

    /// Publishes a will after the hook has seen it. Its verdict is ignored: nobody is left to be told.
    fn publish_will(self: &Arc<Self>, session: u64, will: Will) {
        if self.gate.is_closed() {
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let Will {
                publish,
                identity,
                address,
                ..
            } = will;
            shared.gate.ask(&identity, &publish, true).await;
            let publisher = Publisher {
                number: session,
                client_id: &identity.client_id,
                address,
            };
            shared.route(publish, publisher);
        });
    }
}
