//! Everybody who may ask, and the routes by which they come and go.

use std::{
    collections::VecDeque,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use accounts::{Accounts, Known, Token, digest};
use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    event::{Audit, Event},
    guard,
    pace::{Pace, RequestLimits},
    pages,
    sessions::{NewerSessions, Sessions},
    share_links, sign_in,
};

/// How long a link that signs in is valid.
pub const LINK_LIFE: Duration = Duration::from_mins(15);
/// How often the last use of sessions is written, and expired ones are looked for.
const TIDY: Duration = Duration::from_mins(1);
const MAX_INVITATIONS: usize = 16;

/// A link of this start that signs in; it is in memory only.
struct Invitation {
    sha256: String,
    who: Known,
    until: Instant,
}

/// What is asked of those who ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeopleOptions {
    /// Whether listeners on loopback need no account for reading.
    pub local_reads: bool,
    /// How often one account, or one address without one, may ask.
    pub limits: RequestLimits,
}

/// Everybody who may ask.
pub struct People {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) sessions: Sessions,
    pub(crate) audit: Arc<dyn Audit>,
    /// Whether whoever is on this machine may read without an account.
    pub(crate) local_reads: bool,
    pub(crate) pace: Pace,
    invitations: Mutex<VecDeque<Invitation>>,
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People").finish_non_exhaustive()
    }
}

impl People {
    /// Everybody with an account in `accounts`. Sessions are kept in `dir`; those of a later version are refused.
    pub fn open(
        accounts: Arc<Accounts>,
        dir: &Path,
        audit: Arc<dyn Audit>,
        options: PeopleOptions,
    ) -> Result<Arc<Self>, NewerSessions> {
        Ok(Arc::new(Self {
            accounts,
            sessions: Sessions::open(dir)?,
            audit,
            local_reads: options.local_reads,
            pace: Pace::new(options.limits),
            invitations: Mutex::default(),
        }))
    }

    /// Makes the secret of a link that signs in to `account` once, within [`LINK_LIFE`]; `None` without such an account. The
    /// path is `/sign-in?once=SECRET`.
    pub fn invite(&self, account: &str) -> Option<Token> {
        let (who, secret) = (self.accounts.of_name(account)?, Token::generate());
        let mut invitations = self.invitations.lock();
        if invitations.len() >= MAX_INVITATIONS {
            invitations.pop_front();
        }
        invitations.push_back(Invitation {
            sha256: digest(secret.reveal()),
            who,
            until: Instant::now() + LINK_LIFE,
        });
        Some(secret)
    }

    /// Takes a link that signs in: one of this start, or one of the file. Nobody can take it again.
    pub(crate) async fn take_link(&self, secret: &str) -> Option<Known> {
        let wanted = digest(secret);
        let taken = {
            let mut invitations = self.invitations.lock();
            let place = invitations.iter().position(|known| known.sha256 == wanted);
            place.and_then(|place| invitations.remove(place))
        };
        if let Some(invitation) = taken {
            let is_valid = invitation.until > Instant::now() && self.accounts.is_current(&invitation.who);
            return is_valid.then_some(invitation.who);
        }
        // Strangers write no file: what is not there is not taken.
        let now = Timestamp::now();
        let book = self.accounts.book_that(|book| book.has_link(secret, now)).await;
        if !book.has_link(secret, now) {
            return None;
        }
        let (file, secret) = (self.accounts.file().by("link"), secret.to_owned());
        let taken = tokio::task::spawn_blocking(move || file.take_link(&secret));
        match taken.await.expect("writing a file does not panic") {
            Ok(name) => self.accounts.of_name(name?.as_str()),
            Err(error) => {
                warn!("a link cannot be taken: {error}");
                None
            }
        }
    }

    /// `routes` behind the rules, with sign-in, sign-out and share links beside them.
    pub fn guard(self: &Arc<Self>, routes: Router) -> Router {
        let own = Router::new()
            .route("/sign-in", get(sign_in::page).post(sign_in::by_form))
            .route("/sign-out", post(sign_in::out))
            .route("/assets/sign-in.css", get(pages::style))
            .route("/api/v1/session", get(sign_in::session))
            .route("/api/v1/shares", get(share_links::list).post(share_links::add))
            .route("/api/v1/shares/{id}", delete(share_links::revoke))
            .with_state(Arc::clone(self));
        let guarded = own.merge(routes);
        guarded.layer(from_fn_with_state(Arc::clone(self), guard::check))
    }

    /// Ends the sessions of accounts that change, until `stopping`.
    pub async fn follow(self: Arc<Self>, stopping: CancellationToken) {
        let mut changes = self.accounts.changes();
        let mut tidying = interval(TIDY);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                next = changes.changed() => if next.is_err() { break },
                _ = tidying.tick() => {}
            }
            for account in self.sessions.tidy(&self.accounts, Timestamp::now()) {
                self.audit.note(Event {
                    kind: "session_ended",
                    account,
                    address: None,
                    detail: "its account was changed".into(),
                });
            }
            self.save().await;
        }
        self.save().await;
    }

    /// Writes the sessions. Where that fails, they last until the next start.
    pub(crate) async fn save(self: &Arc<Self>) {
        let people = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || people.sessions.write_if_changed());
        if let Ok(Err(error)) = written.await {
            warn!("who is signed in cannot be written, and is forgotten at the end: {error}");
        }
    }
}
