//! Who asks: by `Authorization`, by the cookie of a session, by that of a share link, by being on this machine, or nobody.

use std::net::IpAddr;

use accounts::{AccountName, Denied, Known, Login, Role, Strangers};
use axum::http::{HeaderMap, header, request::Parts};
use jiff::Timestamp;
use monitoring::Arrival;

use crate::{members::People, rules::Standing};

/// The headers by which a proxy says that somebody else asks.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];
/// Tokens begin so.
const TOKEN: &str = "cas_";
/// The longest secret that is looked at.
const MAX_SECRET_BYTES: usize = 1_024;

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visitor {
    Nobody,
    /// Somebody on this machine.
    Local,
    /// Somebody with a share link: its id, and whether being on this machine gives more.
    Guest(String, bool),
    /// An account by a cookie: what travels by itself.
    Session(Known),
    /// An account by what a program sends on purpose.
    Program(Known),
}

/// Who asks, for the routes behind the guard: an extension of every request that it lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account; `None` of somebody on this machine, or with a link that only reads.
    pub account: Option<AccountName>,
    /// What it may.
    pub role: Role,
    /// Whether it came by a link that only reads.
    pub guest: bool,
    /// Where it asks from.
    pub address: IpAddr,
}

impl Visitor {
    pub(crate) fn caller(&self, arrival: &Arrival) -> Caller {
        let (account, role) = match self {
            Self::Session(known) | Self::Program(known) => (Some(known.name.clone()), known.role),
            Self::Nobody | Self::Local | Self::Guest(..) => (None, Role::Reader),
        };
        Caller {
            account,
            role,
            guest: matches!(self, Self::Guest(_, false)),
            address: arrival.peer.ip().to_canonical(),
        }
    }

    pub(crate) const fn standing(&self) -> Standing {
        match self {
            Self::Nobody => Standing::Nobody,
            Self::Local | Self::Guest(_, true) => Standing::Local,
            Self::Guest(_, false) => Standing::Guest,
            Self::Session(known) | Self::Program(known) => Standing::Member(known.role),
        }
    }
}

/// The names of cookies: of one service, since the services of a host share them.
pub(crate) struct Cookies {
    pub(crate) session: String,
    pub(crate) share: String,
    pub(crate) encrypted: bool,
}

impl Cookies {
    pub(crate) fn of(arrival: &Arrival) -> Self {
        // A browser takes a cookie of this prefix only from the host itself, in TLS.
        let prefix = if arrival.encrypted { "__Host-" } else { "" };
        let port = arrival.listen.port();
        Self {
            session: format!("{prefix}casement_{port}"),
            share: format!("{prefix}casement_share_{port}"),
            encrypted: arrival.encrypted,
        }
    }

    /// The header that sets a cookie for `seconds`; 0 removes it.
    pub(crate) fn set(&self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.encrypted { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }
}

/// The value of a cookie. It is a token, which needs no unquoting.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter();
    let pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().split_once('='));
    let found = values.find(|(known, _)| *known == name);
    found
        .map(|(_, value)| value)
        .filter(|value| value.len() <= MAX_SECRET_BYTES)
}

/// Says who asks. A secret that opens nothing is an error, and not nobody: a program is to learn of its mistake.
pub(crate) async fn identify(people: &People, parts: &Parts, arrival: &Arrival) -> Result<Visitor, Denied> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let known = by_authorization(people, value.to_str().unwrap_or_default(), arrival).await?;
        return Ok(Visitor::Program(known));
    }
    let (cookies, now) = (Cookies::of(arrival), Timestamp::now());
    let session = cookie(&parts.headers, &cookies.session);
    if let Some(known) = session.and_then(|secret| people.sessions.find(secret, &people.accounts, now)) {
        return Ok(Visitor::Session(known));
    }
    let is_forwarded = FORWARDED.iter().any(|name| parts.headers.contains_key(*name));
    let is_local = people.local_reads
        && arrival.listen.ip().is_loopback()
        && arrival.peer.ip().to_canonical().is_loopback()
        && !is_forwarded;
    if let Some(token) = cookie(&parts.headers, &cookies.share)
        && let Some((id, _)) = people.accounts.book().of_share(token, now)
    {
        return Ok(Visitor::Guest(id.to_owned(), is_local));
    }
    Ok(if is_local { Visitor::Local } else { Visitor::Nobody })
}

async fn by_authorization(people: &People, value: &str, arrival: &Arrival) -> Result<Known, Denied> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return people.by_secret("", rest.trim(), arrival).await;
    }
    if !scheme.eq_ignore_ascii_case("basic") || rest.len() > 4 * MAX_SECRET_BYTES {
        return Err(Denied::Wrong);
    }
    let decoded = base64_simd::STANDARD
        .decode_to_vec(rest.trim())
        .map_err(|_| Denied::Wrong)?;
    let text = String::from_utf8(decoded).map_err(|_| Denied::Wrong)?;
    let (name, password) = text.split_once(':').ok_or(Denied::Wrong)?;
    people.by_secret(name, password, arrival).await
}

impl People {
    /// The account that a token, or a name and a password, opens. An empty name is a token's.
    pub(crate) async fn by_secret(
        &self,
        name: &str,
        secret: &str,
        arrival: &Arrival,
    ) -> Result<Known, Denied> {
        if secret.len() > MAX_SECRET_BYTES || name.len() > MAX_SECRET_BYTES {
            return Err(Denied::Wrong);
        }
        if name.is_empty() || secret.starts_with(TOKEN) {
            let known = self.accounts.of_token(secret).await.ok_or(Denied::Wrong)?;
            return if name.is_empty() || known.name.as_str() == name {
                Ok(known)
            } else {
                Err(Denied::Wrong)
            };
        }
        let login = Login {
            name,
            password: secret.as_bytes(),
            address: arrival.peer.ip(),
            client_id: "",
            strangers: Strangers::Refused,
        };
        let known = self.accounts.enter(login).await?;
        // One that waits to be approved is nobody yet.
        self.accounts.of_name(known.name.as_str()).ok_or(Denied::Retired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = |value: &str| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
        assert_eq!(cookie(&headers("a=1; b=2"), "b"), Some("2"));
        assert_eq!(cookie(&headers("ab=1;b=2=3"), "b"), Some("2=3"));
        for none in ["", "b", "bb=1", "a=b=2", "; ;"] {
            assert_eq!(cookie(&headers(none), "b"), None, "{none}");
        }
        assert_eq!(cookie(&headers(&format!("b={}", "x".repeat(2_000))), "b"), None);
    }

    #[test]
    fn cookies_are_of_one_service_and_no_script_reads_them() {
        let arrival = |encrypted| Arrival {
            peer: ([192, 0, 2, 1], 1).into(),
            listen: ([192, 0, 2, 2], 8443).into(),
            encrypted,
        };
        let cookies = Cookies::of(&arrival(true));
        assert_eq!(
            cookies.set(&cookies.session, "x", 60),
            "__Host-casement_8443=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        let plain = Cookies::of(&arrival(false));
        assert_eq!(
            plain.set(&plain.share, "x", 0),
            "casement_share_8443=x; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
        );
    }
}
