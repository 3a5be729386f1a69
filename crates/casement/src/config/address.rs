//! The address of ClickHouse's HTTP interface, as people write it.
//!
//! In: `HOST`, `HOST:PORT` or a URL. Out: a URL, or what is wrong, without the account in it. ClickHouse's native ports,
//! which the specification names, mean the same server's HTTP interface.

/// Ports of ClickHouse's native protocol, and those of its HTTP interface: without and with TLS.
const NATIVE: [(u16, u16, &str); 2] = [(9000, 8123, "http"), (9440, 8443, "https")];
const HTTP_PORT: u16 = 8123;

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// What people should know about it.
    pub(super) note: Option<String>,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write HOST:PORT, http://HOST:PORT or https://HOST:PORT";
        let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| {
            (Some(scheme.to_ascii_lowercase()), rest)
        });
        if rest.is_empty() {
            return Err(format!("it is empty; {FORM}"));
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if path.contains(['?', '#']) || authority.contains(['?', '#']) {
            return Err(format!("nothing follows the address; {FORM}"));
        }
        let (host, port) = split(authority).ok_or_else(|| format!("'{text}' is no address; {FORM}"))?;
        let native = NATIVE.iter().find(|(native, ..)| Some(*native) == port);
        let scheme = match (scheme.as_deref(), native) {
            (Some(scheme @ ("http" | "https")), None) => scheme,
            // Whoever writes https:// wants it, whatever the port.
            (Some("https"), Some(_)) => "https",
            (None | Some("http" | "tcp" | "clickhouse" | "native"), Some((.., scheme))) => scheme,
            (None, None) => "http",
            (Some(other), _) => {
                return Err(format!("'{other}://' is not ClickHouse's HTTP interface; {FORM}"));
            }
        };
        let tls = scheme == "https";
        let is_bare = !text.contains("://");
        let (port, note) = match native {
            Some((native, http, _)) => {
                let http = if tls { 8443 } else { *http };
                let note = format!(
                    "port {native} speaks ClickHouse's native protocol; the same server's HTTP interface is asked, at \
                     {scheme}://{host}:{http}"
                );
                (Some(http), Some(note))
            }
            None => (port.or(is_bare.then_some(HTTP_PORT)), None),
        };
        let path = path.trim_end_matches('/');
        let shown = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            url: format!("{scheme}://{host}{shown}{path}"),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            tls,
            note,
        })
    }
}

/// Splits `HOST[:PORT]`; an IPv6 address stands in brackets.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(None) => return None,
        Some(Some((host, port))) => {
            host.parse::<std::net::Ipv6Addr>().ok()?;
            let host = &authority[..host.len() + 2];
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':')?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    if host.is_empty() || !host.starts_with('[') && !host.chars().all(is_name) {
        return None;
    }
    match port {
        None => Some((host, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok().filter(|port| *port != 0)?)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        Address::parse(text).unwrap().url
    }

    #[test]
    fn addresses_become_urls() {
        for (text, expected) in [
            ("localhost:8123", "http://localhost:8123"),
            ("clickhouse", "http://clickhouse:8123"),
            ("HTTP://ch:80/", "http://ch:80"),
            ("http://ch", "http://ch"),
            ("https://ch.lan:8443/below/", "https://ch.lan:8443/below"),
            ("[::1]:8123", "http://[::1]:8123"),
        ] {
            assert_eq!(url(text), expected, "{text}");
            assert_eq!(Address::parse(text).unwrap().note, None, "{text}");
        }
    }

    #[test]
    fn native_ports_mean_the_same_servers_http_interface() {
        for (text, expected) in [
            ("localhost:9000", "http://localhost:8123"),
            ("tcp://clickhouse:9000", "http://clickhouse:8123"),
            ("clickhouse://ch:9000/", "http://ch:8123"),
            ("http://[::1]:9000", "http://[::1]:8123"),
            ("ch:9440", "https://ch:8443"),
            ("https://ch:9440", "https://ch:8443"),
            ("https://ch:9000", "https://ch:8443"),
        ] {
            assert_eq!(url(text), expected, "{text}");
            let note = Address::parse(text).unwrap().note.unwrap();
            assert!(note.contains(expected) && note.lines().count() == 1, "{note}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_form() {
        for text in [
            "",
            "http://",
            "https:///x",
            "ws://ch:8123",
            "tcp://ch:8123",
            "ch:",
            "ch:0",
            "ch:70000",
            "ch:x",
            "::1:8123",
            "[::1",
            "[zz]:1",
            "a b:1",
            "ch:8123?x=1",
            "http://ch:8123/#x",
            "http://ch:8123:1",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains("https://HOST:PORT"), "{text}: {error}");
        }
    }
}
