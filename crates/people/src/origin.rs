//! Whether a request that changes something was made by our own page.
//!
//! In: the headers that a browser sets and no page can. Out: whether to go on. A cookie travels by itself, so a request that
//! has nothing but one must show its origin; a program with a token has none to show.

use axum::http::{HeaderMap, header};

/// Whether the page that made this request, if any did, is ours. `must_show`: without the headers it is not.
pub(crate) fn is_ours(headers: &HeaderMap, encrypted: bool, must_show: bool) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text(header::ORIGIN.as_str()) {
        Some(origin) => {
            let host = text(header::HOST.as_str());
            origin.split_once("://").is_some_and(|(scheme, authority)| {
                let scheme_fits = scheme == "https" || (scheme == "http" && !encrypted);
                scheme_fits && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
            })
        }
        None => site.is_some() || !must_show,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&'static str, &str)], encrypted: bool, must_show: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", "casement.lan:8443".parse().unwrap());
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_ours(&headers, encrypted, must_show)
    }

    #[test]
    fn only_our_own_page_changes_something() {
        let own = ("origin", "https://casement.lan:8443");
        assert!(judged(&[own], true, true));
        assert!(judged(&[own, ("sec-fetch-site", "same-origin")], true, true));
        assert!(judged(&[("sec-fetch-site", "same-origin")], true, true));
        assert!(judged(&[("origin", "http://casement.lan:8443")], false, true));
        assert!(judged(&[], true, false), "a program has no page");
        for foreign in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://casement.lan")],
            &[("origin", "https://casement.lan:3000")],
            &[("origin", "http://casement.lan:8443")],
            &[own, ("sec-fetch-site", "cross-site")],
            &[own, ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!judged(foreign, true, true), "{foreign:?}");
        }
        assert!(!judged(&[("origin", "https://evil.example")], true, false));
        assert!(!judged(&[("sec-fetch-site", "cross-site")], true, false));
    }
}
