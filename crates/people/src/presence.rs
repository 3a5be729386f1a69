//! Whether an answer that lasts may go on: who asked is still signed in, the token is not void, the link not taken back.

use std::{fmt, sync::Arc};

use accounts::{Known, digest};
use axum::http::{header, request::Parts};
use jiff::Timestamp;
use monitoring::Arrival;

use crate::{
    members::People,
    visitor::{Cookies, Visitor, cookie},
};

/// How somebody came in.
#[derive(Clone)]
enum Way {
    /// Without an account, where that is enough.
    Open,
    /// By the cookie of a session.
    Session(String, Known),
    /// By the cookie of a share link.
    Share(String),
    /// By the digest of a token.
    Token(String, Known),
    Password(Known),
}

/// Somebody who came in: an extension of every request that the guard lets through.
#[derive(Clone)]
pub struct Presence {
    people: Arc<People>,
    way: Way,
}

impl Presence {
    pub(crate) fn of(people: &Arc<People>, visitor: &Visitor, parts: &Parts, arrival: &Arrival) -> Self {
        let cookies = Cookies::of(arrival);
        let secret = |name: &str| cookie(&parts.headers, name).unwrap_or_default().to_owned();
        let way = match visitor {
            // Being on this machine is enough without the link.
            Visitor::Nobody | Visitor::Local | Visitor::Guest(_, true) => Way::Open,
            Visitor::Guest(_, false) => Way::Share(secret(&cookies.share)),
            Visitor::Session(known) => Way::Session(secret(&cookies.session), known.clone()),
            Visitor::Program(known) => match people.token_of(parts) {
                Some(token) => Way::Token(digest(&token), known.clone()),
                None => Way::Password(known.clone()),
            },
        };
        Self {
            people: Arc::clone(people),
            way,
        }
    }

    /// Whether who asked may still have what was asked for.
    pub fn holds(&self) -> bool {
        let (people, now) = (&self.people, Timestamp::now());
        let accounts = &people.accounts;
        match &self.way {
            Way::Open => true,
            Way::Session(secret, known) => {
                people.sessions.find(secret, accounts, now).as_ref() == Some(known)
            }
            Way::Share(secret) => accounts.book().of_share(secret, now).is_some(),
            Way::Token(digest, known) => {
                accounts.is_current(known) && accounts.book().has_token(known.name.as_str(), digest, now)
            }
            Way::Password(known) => accounts.is_current(known),
        }
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}

impl People {
    /// The token in `Authorization`, as a bearer or in place of a password.
    fn token_of(&self, parts: &Parts) -> Option<String> {
        let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = value.split_once(' ')?;
        let secret = if scheme.eq_ignore_ascii_case("bearer") {
            rest.trim().to_owned()
        } else {
            let decoded = base64_simd::STANDARD.decode_to_vec(rest.trim()).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            text.split_once(':')?.1.to_owned()
        };
        self.accounts.knows_token(&secret).then_some(secret)
    }
}
