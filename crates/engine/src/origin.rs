//! Where a request comes from: a page of another site that a person has open must not reach a database on their
//! machine. Browsers say where a request comes from; no other client sends these headers.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use crate::exception::Exception;

/// Refuses requests of other sites' pages, and on loopback those for other hosts.
pub(crate) fn check(headers: &HeaderMap, loopback: bool) -> Result<(), Exception> {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST);
    // Other names may point here; a page may still use only the host it came from.
    let fits = |authority: &str| {
        if loopback {
            is_this_machine(authority)
        } else {
            Some(authority) == host
        }
    };
    let foreign_origin = text(header::ORIGIN)
        .is_some_and(|origin| !fits(origin.split_once("://").map_or(origin, |(_, rest)| rest)));
    // A name that is not this machine's points here only by a trick with DNS.
    if foreign_origin || loopback && host.is_some_and(|host| !is_this_machine(host)) {
        return Err(Exception::access_denied(
            "requests for other hosts or from other sites' pages are refused",
        ));
    }
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if matches!(site, Some("cross-site" | "same-site")) {
        return Err(Exception::access_denied(
            "requests from other sites' pages are refused",
        ));
    }
    Ok(())
}

/// Whether `host` or `host:port` is a name or an address of loopback.
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(loopback: bool, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        check(&headers, loopback).is_err()
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for headers in [
            &[("host", "example.org")][..],
            &[("host", "localhost:8123"), ("origin", "http://example.org")],
            &[("host", "localhost:8123"), ("origin", "null")],
            &[("host", "127.0.0.1:8123"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(is_refused(true, headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("host", "localhost:8123")],
            &[("host", "[::1]:8123"), ("origin", "http://127.0.0.1:3000")],
            &[("host", "127.0.0.1"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!is_refused(true, headers), "{headers:?}");
        }
    }

    #[test]
    fn beyond_loopback_a_page_asks_its_own_host() {
        let host = ("host", "db.example.org:8123");
        assert!(!is_refused(false, &[host]));
        assert!(!is_refused(
            false,
            &[host, ("origin", "http://db.example.org:8123")]
        ));
        assert!(is_refused(false, &[host, ("origin", "http://example.org")]));
    }
}
