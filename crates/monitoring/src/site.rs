//! Which requests are answered on loopback: those to this machine's own names.
//!
//! In: the headers of a request. Out: go on, or a refusal. A site in a browser can point a name of its own at 127.0.0.1
//! and then read what is served there, or post to it: the browser says the name in `Host` and the site in `Origin`.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Refuses requests for other hosts and from other sites' pages, where only this machine is meant to ask.
pub(crate) async fn refuse_others(
    State(listen): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if listen.ip().is_loopback() && !is_ours(request.headers()) {
        let text = "requests for other hosts or from other sites' pages are refused\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    text(header::HOST).is_none_or(is_loopback) && origin.is_none_or(is_loopback)
}

/// Whether `host[:port]` is a name of this machine alone.
fn is_loopback(authority: &str) -> bool {
    let port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, number)) if port(number) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]:8080",
        ] {
            assert!(is_loopback(host), "{host}");
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
            assert!(!is_loopback(host), "{host}");
        }
    }
}
