//! Where the page of a running service is, for links: on this machine, and from other hosts.
//!
//! In: the addresses of a start. Out: URLs without a path. They are noted beside the accounts for the commands that print links.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use accounts::write_private;
use monitoring::{HttpAddress, HttpListener};
use serde::{Deserialize, Serialize};

use crate::{config::Config, host};

/// Below the accounts.
pub(crate) const FILE: &str = "page.json";

/// Every URL of the page; at least one, this machine's own first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageUrls(Vec<String>);

impl PageUrls {
    /// The URLs of a service that listens.
    pub(crate) fn of(http: &HttpListener) -> Self {
        let own = http.addr();
        let by = |address: &HttpAddress| (address.address, address.tls.is_some());
        let local = http
            .addresses()
            .find(|address| address.address == own)
            .map(by)
            .map(|(address, tls)| url(address, tls, IpAddr::from([127, 0, 0, 1])));
        let network = http
            .addresses()
            .filter(|address| !address.address.ip().is_loopback())
            .map(by)
            .max_by_key(|(_, tls)| *tls)
            .and_then(|(address, tls)| Some(url(address, tls, *host::addresses().first()?)));
        let mut urls: Vec<String> = local.into_iter().chain(network).collect();
        urls.dedup();
        Self(urls)
    }

    /// The URLs of the service that ran last; before its first start, what the configuration says.
    pub(crate) fn noted(config: &Config) -> Self {
        let noted = fs::read(Self::file(config)).ok();
        let noted = noted.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        noted
            .filter(|urls| !urls.0.is_empty())
            .unwrap_or_else(|| Self(vec![format!("http://{}", config.http.addr)]))
    }

    /// Writes them down for the commands.
    pub(crate) fn note(&self, config: &Config) -> io::Result<()> {
        let text = serde_json::to_vec(self).expect("URLs are plain data");
        write_private(&Self::file(config), &text)
    }

    /// The one for other hosts, where there is one.
    pub(crate) fn of_network(&self) -> Option<String> {
        self.0.iter().skip(1).next_back().cloned()
    }

    /// Each with this path, this machine's own first.
    pub(crate) fn links(&self, path: &str) -> Vec<String> {
        self.0.iter().map(|url| format!("{url}{path}")).collect()
    }

    fn file(config: &Config) -> PathBuf {
        config.accounts_dir().join(FILE)
    }
}

fn url(address: SocketAddr, tls: bool, own: IpAddr) -> String {
    let scheme = if tls { "https" } else { "http" };
    let ip = if address.ip().is_unspecified() {
        own
    } else {
        address.ip()
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn links_lead_to_the_addresses_of_the_last_start() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.accounts.path = dir.path().to_owned();
        assert_eq!(PageUrls::noted(&config).links("/x"), ["http://127.0.0.1:8080/x"]);
        let listener = HttpListener::bind(([127, 0, 0, 1], 0).into(), "http.addr")
            .await
            .unwrap();
        let urls = PageUrls::of(&listener);
        urls.note(&config).unwrap();
        assert_eq!(PageUrls::noted(&config), urls);
        assert_eq!(urls.links("/x"), [format!("http://{}/x", listener.addr())]);
    }

    #[test]
    fn an_address_that_stands_for_all_is_shown_as_one_of_them() {
        let own = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(
            url(([0, 0, 0, 0], 8443).into(), true, own),
            "https://192.0.2.1:8443"
        );
        assert_eq!(
            url(([192, 0, 2, 7], 8080).into(), false, own),
            "http://192.0.2.7:8080"
        );
        assert_eq!(
            url("[::1]:8080".parse().unwrap(), false, own),
            "http://[::1]:8080"
        );
    }
}
