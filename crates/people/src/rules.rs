//! What each kind of visitor may do. Pure.
//!
//! In: a method, a path, a standing. Out: a verdict. Reading is for everybody who is known, changing for operators and
//! admins, accounts, share links, checks and training for admins, recordings for operators and admins.

use accounts::Role;
use axum::http::Method;

/// What a visitor is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Somebody without an account.
    Nobody,
    /// Somebody on this machine, where that is enough to read.
    Local,
    /// Somebody with a link that only reads.
    Guest,
    /// An account.
    Member(Role),
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is answered.
    Allowed,
    /// It is answered with yes or no, without details.
    Brief,
    /// Whoever asks has to sign in first.
    SignIn,
    /// Whoever asks is known, and may not.
    Refused(&'static str),
}

/// Whether a method changes nothing.
pub(crate) fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a request only asks, by its method or because its body is a question.
fn asks(method: &Method, path: &str) -> bool {
    is_reading(method) || (*method == Method::POST && path == "/api/v1/check-message")
}

/// What becomes of a request of `method` for `path`.
pub(crate) fn judge(method: &Method, path: &str, standing: Standing) -> Verdict {
    let reads = is_reading(method);
    if is_for_everybody(path, reads) {
        return Verdict::Allowed;
    }
    if reads && matches!(path, "/ready" | "/readyz") && matches!(standing, Standing::Nobody | Standing::Guest)
    {
        return Verdict::Brief;
    }
    let asks = asks(method, path);
    match standing {
        Standing::Local if asks && !is_for_admins(path) && !is_personal(path) => Verdict::Allowed,
        Standing::Nobody | Standing::Local => Verdict::SignIn,
        Standing::Guest if reads && is_for_guests(path) => Verdict::Allowed,
        Standing::Guest => Verdict::Refused("this link shows the page and changes nothing; sign in for more"),
        Standing::Member(Role::Reader | Role::Operator) if is_for_admins(path) => {
            Verdict::Refused("this is for the role admin")
        }
        Standing::Member(Role::Reader) if is_personal(path) => {
            Verdict::Refused("recordings are people's speech; they are for operator and admin")
        }
        Standing::Member(Role::Operator | Role::Admin) => Verdict::Allowed,
        Standing::Member(Role::Reader) if asks => Verdict::Allowed,
        Standing::Member(Role::Reader) => {
            Verdict::Refused("the role reader changes nothing; this is for operator and admin")
        }
        Standing::Member(_) => {
            Verdict::Refused("the account's role has nothing here; reader, operator and admin have")
        }
    }
}

fn is_for_everybody(path: &str, reads: bool) -> bool {
    match path {
        "/sign-in" | "/sign-out" => true,
        "/health" | "/healthz" | "/favicon.ico" => reads,
        _ => reads && (path.starts_with("/assets/") || path.starts_with("/problems/")),
    }
}

/// The page and what it shows: not how the service is set up, nor what strangers' messages held.
fn is_for_guests(path: &str) -> bool {
    const HIDDEN: [&str; 2] = ["/api/v1/configuration", "/api/v1/ingest-errors"];
    let is_shown = path == "/" || path == "/api" || path.starts_with("/api/");
    is_shown && !is_for_admins(path) && !is_personal(path) && !is_in(path, &HIDDEN)
}

fn is_for_admins(path: &str) -> bool {
    const SECTIONS: [&str; 7] = [
        "/api/v1/audit",
        "/api/v1/shares",
        "/api/v1/accounts",
        "/api/v1/tokens",
        "/api/v1/pairing",
        "/api/v1/doctor",
        "/api/v1/training",
    ];
    is_in(path, &SECTIONS)
}

/// What people said in a room: for those who look after it, never for whoever happens to sit at this machine.
fn is_personal(path: &str) -> bool {
    is_in(path, &["/api/v1/recordings"])
}

fn is_in(path: &str, sections: &[&str]) -> bool {
    let is_within = |section: &&str| {
        let rest = path.strip_prefix(*section);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    sections.iter().any(is_within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(standing: Standing, method: &str, path: &str) -> bool {
        judge(&method.parse().unwrap(), path, standing) == Verdict::Allowed
    }

    #[test]
    fn each_standing_has_its_rights() {
        use Standing::{Guest, Local, Member, Nobody};
        let (reader, operator, admin) = (Member(Role::Reader), Member(Role::Operator), Member(Role::Admin));
        for (method, path, may) in [
            (
                "GET",
                "/sign-in",
                &[Nobody, Local, Guest, reader, operator, admin][..],
            ),
            (
                "POST",
                "/sign-in",
                &[Nobody, Local, Guest, reader, operator, admin],
            ),
            ("GET", "/health", &[Nobody, Local, Guest, reader, operator, admin]),
            (
                "GET",
                "/assets/page.js",
                &[Nobody, Local, Guest, reader, operator, admin],
            ),
            ("POST", "/assets/page.js", &[operator, admin]),
            ("GET", "/ready", &[Local, reader, operator, admin]),
            ("GET", "/", &[Local, Guest, reader, operator, admin]),
            (
                "HEAD",
                "/api/v1/devices",
                &[Local, Guest, reader, operator, admin],
            ),
            ("GET", "/metrics", &[Local, reader, operator, admin]),
            ("POST", "/api/v1/windows/a", &[operator, admin]),
            ("POST", "/api/v1/check-message", &[Local, reader, operator, admin]),
            ("POST", "/api/v1/check-messages", &[operator, admin]),
            ("DELETE", "/api/v1/devices/a", &[operator, admin]),
            ("GET", "/api/v1/shares", &[admin]),
            ("POST", "/api/v1/shares", &[admin]),
            ("DELETE", "/api/v1/shares/a", &[admin]),
            ("GET", "/api/v1/accounts", &[admin]),
            ("POST", "/api/v1/accounts/a/rotate", &[admin]),
            ("POST", "/api/v1/accounts/a/close", &[admin]),
            ("DELETE", "/api/v1/tokens/a", &[admin]),
            ("GET", "/api/v1/pairing", &[admin]),
            ("POST", "/api/v1/pairing/a/approve", &[admin]),
            ("PATCH", "/api/v1/devices/a", &[operator, admin]),
            ("PATCH", "/api/v1/groups/a", &[operator, admin]),
            ("PATCH", "/api/v1/settings", &[operator, admin]),
            (
                "GET",
                "/api/v1/devices/a/history",
                &[Local, Guest, reader, operator, admin],
            ),
            ("GET", "/api/v1/events", &[Local, Guest, reader, operator, admin]),
            ("GET", "/api/v1/configuration", &[Local, reader, operator, admin]),
            ("GET", "/api/v1/ingest-errors", &[Local, reader, operator, admin]),
            ("GET", "/api/v1/audit", &[admin]),
            ("GET", "/api/v1/doctor", &[admin]),
            ("POST", "/api/v1/doctor", &[admin]),
            ("GET", "/api/v1/training", &[admin]),
            ("POST", "/api/v1/training", &[admin]),
            ("DELETE", "/api/v1/training", &[admin]),
            (
                "GET",
                "/api/v1/recordings/a/2026-05-01T12:00:00Z",
                &[operator, admin],
            ),
            (
                "GET",
                "/api/v1/devices/a/clips",
                &[Local, Guest, reader, operator, admin],
            ),
            ("POST", "/api/v1/models", &[operator, admin]),
            ("DELETE", "/api/v1/models/v1", &[operator, admin]),
            ("GET", "/api", &[Local, Guest, reader, operator, admin]),
            (
                "GET",
                "/problems/not-found",
                &[Nobody, Local, Guest, reader, operator, admin],
            ),
            ("GET", "/api/v1/sharesx", &[Local, Guest, reader, operator, admin]),
        ] {
            for standing in [Nobody, Local, Guest, reader, operator, admin] {
                assert_eq!(
                    allowed(standing, method, path),
                    may.contains(&standing),
                    "{method} {path} {standing:?}"
                );
            }
        }
    }

    #[test]
    fn other_roles_have_nothing_here() {
        for role in Role::ALL {
            let has_page = matches!(role, Role::Reader | Role::Operator | Role::Admin);
            assert_eq!(allowed(Standing::Member(role), "GET", "/"), has_page, "{role}");
        }
    }

    #[test]
    fn strangers_learn_whether_it_works_and_no_more() {
        for standing in [Standing::Nobody, Standing::Guest] {
            assert_eq!(judge(&Method::GET, "/readyz", standing), Verdict::Brief);
        }
        assert_eq!(judge(&Method::GET, "/", Standing::Nobody), Verdict::SignIn);
        assert_eq!(judge(&Method::POST, "/", Standing::Local), Verdict::SignIn);
    }
}
