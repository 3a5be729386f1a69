//! Which session belongs to which client id.
//!
//! In: greetings and ends of connections. Out: a session for each connection; what becomes of it while the client is
//! away: its will is published, and it ends, in time.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::timeout;

use crate::{
    access::Rights,
    events::Who,
    keep::{Keeper, Page, now_ms},
    link::{Kick, Link},
    session::{Owner, Session, SessionLimits},
    shared::{Publisher, Shared},
    takeovers::Takeovers,
    topic::Filter,
    will::Will,
};

/// How long a greeting waits for an earlier connection of the same client to let go. It does so at once, unless the hook is
/// slow.
const RELEASE: Duration = Duration::from_secs(5);

/// All sessions of a broker, of clients that are here and that are away.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<Owner, Arc<Session>>>,
    takeovers: Takeovers,
    numbers: AtomicU64,
}

/// What a greeting asks for.
pub(crate) struct Claim {
    /// Whose session it is.
    pub(crate) owner: Owner,
    /// What its client may do.
    pub(crate) rights: Arc<dyn Rights>,
    pub(crate) address: SocketAddr,
    /// Whether an earlier session is forgotten.
    pub(crate) clean_start: bool,
    /// The most unacknowledged messages towards the client.
    pub(crate) window: usize,
    /// How long the session outlives its connection.
    pub(crate) session_expiry: Duration,
    /// The will of the client, which a later start publishes if this process ends before the connection.
    pub(crate) will: Option<Will>,
    /// Whether the client belongs to this process, and ends with it.
    pub(crate) is_local: bool,
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

    /// Puts back a session of an earlier run.
    pub(crate) fn restore(&self, session: &Arc<Session>) {
        self.numbers.fetch_max(session.number, Relaxed);
        self.sessions
            .lock()
            .insert(session.owner.clone(), Arc::clone(session));
    }

    /// Gives no number up to this one to a new session.
    pub(crate) fn reserve(&self, number: u64) {
        self.numbers.fetch_max(number, Relaxed);
    }

    /// Ends every connection.
    pub(crate) fn kick_all(&self, reason: Kick) {
        for session in self.sessions.lock().values() {
            if let Some(link) = &session.state().link {
                link.kick(reason);
            }
        }
    }

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.sessions.lock().values().cloned().collect()
    }

    fn get(&self, owner: &Owner) -> Option<Arc<Session>> {
        self.sessions.lock().get(owner).cloned()
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Relaxed) + 1
    }
}

impl Shared {
    /// Gives a session to the connection `link`; `None` where there are too many sessions. What is kept of it is on disk when
    /// this returns.
    pub(crate) async fn claim(self: &Arc<Self>, claim: Claim, link: &Arc<Link>) -> Option<Claimed> {
        self.end_earlier(&claim.owner, claim.address).await;
        let (claimed, ticket) = {
            let mut page = self.keeper.as_deref().map(Keeper::page);
            let claimed = self.assign(claim, link, page.as_mut())?;
            (claimed, page.and_then(Page::ticket))
        };
        if let Some(ticket) = ticket {
            // A client that cannot be remembered is served all the same; the keeper tells that it cannot write.
            let _ = ticket.written().await;
        }
        Some(claimed)
    }

    fn assign(
        self: &Arc<Self>,
        claim: Claim,
        link: &Arc<Link>,
        mut page: Option<&mut Page<'_>>,
    ) -> Option<Claimed> {
        let wants_kept = page.is_some() && !claim.is_local && !claim.session_expiry.is_zero();
        let mut sessions = self.registry.sessions.lock();
        let earlier = sessions.get(&claim.owner).cloned();
        if earlier.is_none() && is_full(&sessions, &claim.owner, self.options.max_sessions) {
            return None;
        }
        // A session that was to end with its connection has ended, even if the connection has not let go yet. One of another
        // account is nobody else's.
        let present = !claim.clean_start
            && earlier.as_ref().is_some_and(|earlier| {
                (earlier.is_kept() || !wants_kept) && earlier.state().is_within(&*claim.rights)
            });
        let mut ended = None;
        let session = match earlier {
            Some(session) if present => session,
            earlier => {
                ended = earlier;
                let session = Arc::new(self.new_session(claim.owner.clone()));
                sessions.insert(claim.owner, Arc::clone(&session));
                session
            }
        };
        let mut state = session.state();
        if let Some(link) = &state.link {
            // It did not let go in time, or somebody else came between.
            link.kick(Kick::TakenOver(claim.address));
        }
        if let Some(waiting) = state.offline.take() {
            waiting.abort();
        }
        state.delayed_will = None;
        state.will = claim.will.filter(|_| wants_kept);
        state.expiry = claim.session_expiry;
        state.rights_number = claim.rights.number();
        state.rights = Some(claim.rights);
        state.left_ms = None;
        state.attach(Arc::clone(link), claim.window);
        if let Some(page) = page.as_deref_mut() {
            if wants_kept {
                session.note(&state, page);
            } else if session.is_kept() {
                state.erase(page);
            }
        }
        session.set_kept(wants_kept);
        drop(state);
        drop(sessions);
        if let Some(ended) = ended {
            self.end_session(&ended, page);
        }
        Some(Claimed { session, present })
    }

    /// A session that nobody has.
    fn new_session(&self, owner: Owner) -> Session {
        self.session(self.registry.next_number(), owner)
    }

    pub(crate) fn session(&self, number: u64, owner: Owner) -> Session {
        let limits = SessionLimits {
            queued_messages: self.options.max_queued_messages,
            queued_bytes: self.options.max_queued_bytes,
        };
        Session::new(number, owner, limits)
    }

    /// Ends an earlier connection of this client and waits until it has let go.
    async fn end_earlier(&self, owner: &Owner, address: SocketAddr) {
        let link = self
            .registry
            .get(owner)
            .and_then(|session| session.state().link.clone());
        if let Some(link) = link {
            link.kick(Kick::TakenOver(address));
            let earlier = link.address.unwrap_or(address);
            if let Some(what) = self.registry.takeovers.fight(owner, [earlier, address]) {
                let client_id = &owner.client_id;
                self.events.tell(Who { address, client_id }, what);
            }
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
        let mut page = self.page_of(&session);
        let mut state = session.state();
        let is_owner = state.is_owned_by(link);
        if is_owner {
            state.detach();
            state.will = None;
            state.expiry = session_expiry;
            state.left_ms = Some(now_ms());
        }
        let is_over = session_expiry.is_zero();
        // What this process cannot publish any more, the next one does.
        let is_left_over = self.gate.is_closed() && page.is_some();
        let delay = match will {
            Some(will) if is_owner && !is_over && (!will.delay.is_zero() || is_left_over) => {
                let delay = will.delay.min(session_expiry);
                state.delayed_will = Some(will);
                delay
            }
            Some(will) => {
                self.publish_will(&session, will);
                Duration::ZERO
            }
            None => Duration::ZERO,
        };
        if is_owner && !is_over {
            if let Some(page) = page.as_mut() {
                session.note(&state, page);
            }
            let waiting = Arc::clone(self).wait_for_return(Arc::clone(&session), delay, session_expiry);
            state.offline = Some(tokio::spawn(waiting).abort_handle());
        }
        drop(state);
        if is_owner && is_over {
            self.forget(&session, page.as_mut());
        }
    }

    /// A page, where the session is kept.
    pub(crate) fn page_of(&self, session: &Session) -> Option<Page<'_>> {
        let keeper = self.keeper.as_deref().filter(|_| session.is_kept())?;
        Some(keeper.page())
    }

    /// While the client is away: its delayed will, then the end of its session.
    pub(crate) async fn wait_for_return(
        self: Arc<Self>,
        session: Arc<Session>,
        delay: Duration,
        expiry: Duration,
    ) {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
            let due = session.state().delayed_will.take();
            if let Some(will) = due {
                self.publish_will(&session, will);
            }
        }
        tokio::time::sleep(expiry.saturating_sub(delay)).await;
        self.statistics.expired_sessions.one();
        let mut page = self.page_of(&session);
        self.forget(&session, page.as_mut());
    }

    /// Removes a session whose client is away.
    pub(crate) fn forget(&self, session: &Arc<Session>, page: Option<&mut Page<'_>>) {
        {
            let mut sessions = self.registry.sessions.lock();
            if session.is_connected() {
                return;
            }
            let is_current = sessions
                .get(&session.owner)
                .is_some_and(|current| Arc::ptr_eq(current, session));
            if is_current {
                sessions.remove(&session.owner);
            }
        }
        end_records(session, page);
        self.remove_subscriptions(session);
    }

    /// Ends a session that another one has replaced.
    fn end_session(self: &Arc<Self>, session: &Arc<Session>, page: Option<&mut Page<'_>>) {
        let (will, offline) = {
            let mut state = session.state();
            (state.delayed_will.take(), state.offline.take())
        };
        if let Some(offline) = offline {
            offline.abort();
        }
        end_records(session, page);
        if let Some(will) = will {
            self.publish_will(session, will);
        }
        self.remove_subscriptions(session);
    }

    fn remove_subscriptions(&self, session: &Session) {
        let filters = std::mem::take(&mut session.state().subscriptions);
        for text in filters.keys() {
            if let Some(filter) = Filter::parse(text) {
                self.subscriptions.remove(filter, session.number);
            }
        }
    }

    /// Publishes a will after the hook has seen it. Its verdict is ignored: nobody is left to be told.
    pub(crate) fn publish_will(self: &Arc<Self>, session: &Arc<Session>, will: Will) {
        if self.gate.is_closed() {
            return;
        }
        let (shared, session) = (Arc::clone(self), Arc::clone(session));
        tokio::spawn(async move {
            let Will {
                publish,
                identity,
                address,
                ..
            } = will;
            shared.gate.ask(&identity, &publish, true).await;
            let publisher = Publisher {
                number: session.number,
                client_id: &identity.client_id,
                address,
            };
            let _ = shared.route(publish, publisher, None);
            // The record of the session has it until here, so that it is published once at least.
            if let Some(mut page) = shared.page_of(&session) {
                session.note(&session.state(), &mut page);
            }
        });
    }
}

/// Whether there is no room for one more session of this account: it may have nine tenths of `most`, so that one device with
/// many client ids keeps no other out.
fn is_full(sessions: &HashMap<Owner, Arc<Session>>, owner: &Owner, most: usize) -> bool {
    let of_one = most - most / 10;
    let has_most = || {
        let own = sessions.keys().filter(|other| other.account == owner.account);
        owner.account.is_some() && own.count() >= of_one
    };
    sessions.len() >= most || (sessions.len() >= of_one && has_most())
}

fn end_records(session: &Session, page: Option<&mut Page<'_>>) {
    if let Some(page) = page.filter(|_| session.is_kept()) {
        session.state().erase(page);
        session.set_kept(false);
    }
}
