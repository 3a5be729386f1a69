//! Where a statement comes from: a page of another site that a person has open must not reach a database on their
//! machine. Browsers say where a request comes from; no other client sends these headers.

use axum::http::HeaderMap;

use crate::exception::Exception;

/// Refuses requests of other sites' pages, and on loopback those for other hosts.
pub(crate) fn check(headers: &HeaderMap, loopback: bool) -> Result<(), Exception> {
    if !monitoring::is_own_site(headers, loopback) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_sites_are_refused() {
        let is_refused = |headers: &[(&'static str, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            check(&headers, true).is_err()
        };
        let host = ("host", "127.0.0.1:8123");
        assert!(is_refused(&[("host", "example.org")]));
        assert!(is_refused(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(!is_refused(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(!is_refused(&[]));
    }
}
