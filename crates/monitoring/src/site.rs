//! Where a request comes from: a page of another site that a person has open must not reach a service on their machine.
//!
//! In: the headers of a request. Out: whether to answer it. A site can point a name of its own at 127.0.0.1 and then
//! read what is served there, or post to it; the browser states the name in `Host` and the site in `Origin`.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Whether a request is no other site's. On `loopback` its host and its origin must be names of this machine; beyond it,
/// a page may use only the host that it came from.
pub fn is_own_site(headers: &HeaderMap, loopback: bool) -> bool {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST);
    let fits = |authority: &str| {
        if loopback {
            is_this_machine(authority)
        } else {
            Some(authority) == host
        }
    };
    let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, rest)| rest));
    // A name that is not this machine's points here only by a trick with DNS.
    let own_host = !loopback || host.is_none_or(is_this_machine);
    own_host && origin.is_none_or(fits)
}

/// [`is_own_site`], but beyond loopback a page of its own host may come from any port: for a service that has a port of
/// its own beside the page's.
pub fn is_own_host(headers: &HeaderMap, loopback: bool) -> bool {
    if loopback {
        return is_own_site(headers, true);
    }
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(origin) = text(header::ORIGIN) else {
        return true;
    };
    let origin = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    text(header::HOST).is_some_and(|host| host_of(host).eq_ignore_ascii_case(host_of(origin)))
}

/// Refuses the requests of other sites.
pub(crate) async fn refuse_others(
    State(listen): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let is_foreign = changes && is_made_elsewhere(request.headers());
    if !is_foreign && is_own_site(request.headers(), listen.ip().is_loopback()) {
        return next.run(request).await;
    }
    let text = "requests for other hosts or from other sites' pages are refused\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// Whether a browser says that a page of another site makes this request. Whoever follows a link from there only reads.
fn is_made_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers
        .get("sec-fetch-site")
        .map(axum::http::HeaderValue::as_bytes);
    matches!(site, Some(b"cross-site" | b"same-site"))
}

/// Whether `host` or `host:port` is a name or an address of loopback.
fn is_this_machine(authority: &str) -> bool {
    let host = host_of(authority).trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The host of `host` or `host:port`.
fn host_of(authority: &str) -> &str {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_answered(loopback: bool, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_own_site(&headers, loopback)
    }

    #[test]
    fn only_names_of_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]:8080",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "192.168.0.1",
            "127.0.0.1.evil.example",
            "",
            ":8080",
            "null",
            "?",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        assert!(is_own_site(&HeaderMap::new(), true));
        assert!(is_answered(true, "localhost:8123", None));
        assert!(is_answered(true, "[::1]:8123", Some("http://127.0.0.1:3000")));
        assert!(!is_answered(true, "example.org", None));
        assert!(!is_answered(true, "localhost:8123", Some("http://example.org")));
        assert!(!is_answered(true, "localhost:8123", Some("null")));
    }

    #[test]
    fn a_browser_says_who_makes_a_request() {
        let judged = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", value.parse().unwrap());
            is_made_elsewhere(&headers)
        };
        assert!(judged("cross-site") && judged("same-site"));
        assert!(!judged("same-origin") && !judged("none") && !is_made_elsewhere(&HeaderMap::new()));
    }

    #[test]
    fn beyond_loopback_a_page_asks_its_own_host() {
        let host = "db.example.org:8123";
        assert!(is_answered(false, host, None));
        assert!(is_answered(false, host, Some("http://db.example.org:8123")));
        assert!(!is_answered(false, host, Some("http://example.org")));
    }

    #[test]
    fn a_page_of_the_same_host_may_come_from_another_port() {
        let is_answered = |loopback, host: &str, origin: &str| {
            let headers = [(header::HOST, host), (header::ORIGIN, origin)];
            let headers = headers.map(|(name, value)| (name, value.parse().unwrap()));
            is_own_host(&HeaderMap::from_iter(headers), loopback)
        };
        assert!(is_answered(
            false,
            "casement.lan:8884",
            "https://casement.lan:8443"
        ));
        assert!(is_answered(false, "[fd00::1]:8884", "https://[fd00::1]"));
        assert!(!is_answered(
            false,
            "casement.lan:8884",
            "https://evil.example:8884"
        ));
        assert!(!is_answered(false, "casement.lan:8884", "null"));
        assert!(is_answered(true, "localhost:8884", "http://127.0.0.1:8080"));
        assert!(!is_answered(true, "localhost:8884", "http://evil.example"));
        assert!(is_own_host(&HeaderMap::new(), false));
    }
}
