//! What becomes of connections and sessions whose account is not what it was.
//!
//! In: word that accounts have changed, or sessions of an earlier run. Out: connections that end, sessions that are forgotten
//! with what waits in them, wills that are not published.

use std::sync::Arc;

use crate::{link::Kick, session::Session, shared::Shared};

impl Shared {
    /// Ends the connections of clients whose rights do not hold any more, and the sessions of those that are away.
    pub(crate) fn recheck(self: &Arc<Self>) {
        for session in self.registry.all() {
            if self.still_grants(&session) {
                continue;
            }
            let link = session.state().link.clone();
            if let Some(link) = link {
                link.kick(Kick::AccessEnded);
            } else {
                self.forget_absent(&session);
            }
        }
    }

    /// Whether what was granted to the session's client, in this run or in an earlier one, still holds.
    pub(crate) fn still_grants(&self, session: &Session) -> bool {
        let state = session.state();
        if let Some(rights) = &state.rights {
            return rights.is_current();
        }
        match (&self.access, &session.owner.account) {
            (Some(access), Some(account)) => access.still_grants(account, state.rights_number),
            _ => true,
        }
    }

    /// Ends the session of a client that is away, without its will.
    pub(crate) fn forget_absent(&self, session: &Arc<Session>) {
        let offline = {
            let mut state = session.state();
            state.delayed_will = None;
            state.offline.take()
        };
        if let Some(offline) = offline {
            offline.abort();
        }
        let mut page = self.page_of(session);
        self.forget(session, page.as_mut());
    }
}
