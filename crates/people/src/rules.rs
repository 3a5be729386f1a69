//! What each kind of visitor may do. Pure.
//!
//! In: a method, a path, a standing. Out: a verdict. Reading is for everybody who is known, changing for operators and
//! admins, accounts and share links for admins.

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
    match standing {
        Standing::Local if reads && !is_for_admins(path) => Verdict::Allowed,
        Standing::Nobody | Standing::Local => Verdict::SignIn,
        Standing::Guest if reads && is_for_guests(path) => Verdict::Allowed,
        Standing::Guest => Verdict::Refused("this link shows the page and changes nothing; sign in for more"),
        Standing::Member(Role::Reader | Role::Operator) if is_for_admins(path) => {
            Verdict::Refused("this is for the role admin")
        }
        Standing::Member(Role::Operator | Role::Admin) => Verdict::Allowed,
        Standing::Member(Role::Reader) if reads => Verdict::Allowed,
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
        _ => reads && path.starts_with("/assets/"),
    }
}

fn is_for_guests(path: &str) -> bool {
    path == "/" || (path.starts_with("/api/") && !is_for_admins(path))
}

fn is_for_admins(path: &str) -> bool {
    ["/api/v1/shares", "/api/v1/accounts"].iter().any(|section| {
        path.strip_prefix(section)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
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
            ("HEAD", "/api/devices", &[Local, Guest, reader, operator, admin]),
            ("GET", "/metrics", &[Local, reader, operator, admin]),
            ("POST", "/api/v1/windows/a", &[operator, admin]),
            ("DELETE", "/api/devices/a", &[operator, admin]),
            ("GET", "/api/v1/shares", &[admin]),
            ("POST", "/api/v1/shares", &[admin]),
            ("DELETE", "/api/v1/shares/a", &[admin]),
            ("GET", "/api/v1/accounts", &[admin]),
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
